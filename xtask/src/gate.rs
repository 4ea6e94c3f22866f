//! `cargo xtask gate telemetry`: what a request and a log line cost may not grow unnoticed.
//!
//! Judged is only what a busy machine does not change: instructions and allocations. Besides the budgets there is a
//! ceiling for each figure, a little above what it was when the ceilings were last renewed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::bench::instructions::{self, Instructions};
use crate::bench::{Subject, UNSAMPLED_ALLOCATIONS, WHOLE_REQUEST, benches, measured};
use crate::shell::{root, say};

/// Where the ceilings are kept.
const CEILINGS: &str = "crates/telemetry/benches/ceilings.json";
/// What a ceiling is above the figure it was made from: another compiler or C library may cost this much.
const SLACK: f64 = 1.05;
/// How ceilings are renewed.
const RENEW: &str = "cargo xtask gate telemetry --renew";

/// What to guard.
#[derive(Args)]
pub(crate) struct Options {
    subject: Subject,
    /// Makes the present figures the new ceilings, with 5 % to spare.
    #[arg(long)]
    renew: bool,
}

/// What is judged, by name; instructions and allocations alike.
type Figures = BTreeMap<String, f64>;

/// What continuous integration runs.
pub(crate) fn check() -> Result<()> {
    run(&Options { subject: Subject::Telemetry, renew: false })
}

/// Measures, and fails when a figure is above its ceiling or its budget.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Subject::Telemetry = options.subject;
    instructions::prepare()?;
    let counted = instructions::count("gated")?;
    let allocations = measured(&benches(&["allocations"])?[0], &["--without-peers", "--rounds", "3"])?;
    let figures = figures(&counted, &allocations)?;
    for (name, figure) in &figures {
        say(&format!("{name:<48} {figure:>10.2}"));
    }
    let (over, wrong): (Vec<_>, Vec<_>) = over_budget(&figures).into_iter().partition(|it| it.known);
    over.iter().for_each(|it| say(&format!("known to be over its budget, and kept from growing: {}", it.text)));
    let mut wrong: Vec<String> = wrong.into_iter().map(|it| it.text).collect();
    if options.renew {
        let ceilings: BTreeMap<_, _> =
            figures.iter().filter(|(name, _)| has_ceiling(name)).map(|(name, it)| (name, ceiling(*it))).collect();
        std::fs::write(root().join(CEILINGS), format!("{:#}\n", json!(ceilings)))?;
        say(&format!("{CEILINGS} is renewed: look at its difference before you commit it"));
    } else {
        let text = std::fs::read_to_string(root().join(CEILINGS)).with_context(|| format!("{CEILINGS}: {RENEW}"))?;
        let ceilings: Figures = serde_json::from_str(&text).with_context(|| format!("{CEILINGS}: expected numbers"))?;
        wrong.extend(above(&figures, &ceilings));
    }
    if !wrong.is_empty() {
        bail!("telemetry has become more expensive:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn figures(counted: &Instructions, allocations: &Value) -> Result<Figures> {
    let mut figures: Figures =
        counted.iter().map(|(id, instructions)| (format!("instructions of {id}"), instructions)).collect();
    let of = |id: &str| counted.of(id, false).with_context(|| format!("no instructions of `{id}`"));
    figures.insert(RATIO.to_owned(), of("telemetry-full")? / of("bare")?);
    for row in allocations["rows"].as_array().into_iter().flatten() {
        let name = row["name"].as_str().context("a row without a name")?;
        let figure = if row["base"].is_null() { "allocs" } else { "allocs_over" };
        let of = |stack: &Value| stack[figure].as_f64().with_context(|| format!("`{name}` without `{figure}`"));
        // axum allocates for every layer of a router, whatever it does.
        let empty_layer = if row["floor"].is_null() { 0.0 } else { of(&row["floor"])? };
        let allocated = of(&row["ours"])? - empty_layer;
        figures.insert(format!("allocations of {name}"), (allocated * 100.0).round() / 100.0);
    }
    Ok(figures)
}

const RATIO: &str = "instructions of telemetry_full over those of bare";

/// Figures whose budget is not met yet: docs/performance.md says so. They have a ceiling like all others.
const NOT_YET: [&str; 1] = [UNSAMPLED];

const UNSAMPLED: &str = "allocations of request_unsampled";

/// A figure above its budget.
struct Over {
    text: String,
    known: bool,
}

/// What it costs the handler itself says nothing about telemetry.
fn has_ceiling(name: &str) -> bool {
    name == RATIO || !name.starts_with("instructions of bare")
}

/// Whole for instructions; for allocations to two digits, so that one more is always above it.
fn ceiling(figure: f64) -> f64 {
    let most = figure * SLACK;
    if most >= 100.0 { most.ceil() } else { (most * 100.0).round() / 100.0 }
}

fn over_budget(figures: &Figures) -> Vec<Over> {
    let budgets =
        [(RATIO, WHOLE_REQUEST), (UNSAMPLED, UNSAMPLED_ALLOCATIONS), ("allocations of log_line_two_spans", 0.0)];
    let judged = budgets.into_iter().filter_map(|(name, most)| match figures.get(name) {
        None => Some(Over { text: format!("{name} were not measured; the budget is {most}"), known: false }),
        Some(figure) if *figure > most => Some(Over {
            text: format!("{name}: {figure:.2}, the budget is {most}, which `--renew` does not change"),
            known: NOT_YET.contains(&name),
        }),
        Some(_) => None,
    });
    judged.collect()
}

/// Allocations are few, so their fractions matter.
fn shown(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

fn above(figures: &Figures, ceilings: &Figures) -> Vec<String> {
    let grown =
        figures.iter().filter(|(name, _)| has_ceiling(name)).filter_map(|(name, figure)| match ceilings.get(name) {
            None => Some(format!("{name}: {}, and no ceiling; set one with `{RENEW}`", shown(*figure))),
            Some(most) if figure > most => Some(format!(
                "{name}: {} per request or line, {} above the ceiling of {}; if it is worth it, renew the ceiling with \
                 `{RENEW}`",
                shown(*figure),
                shown(figure - most),
                shown(*most),
            )),
            Some(_) => None,
        });
    let gone = ceilings.keys().filter(|name| !figures.contains_key(*name));
    grown.chain(gone.map(|name| format!("{name}: has a ceiling but was not measured"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, f64)]) -> Figures {
        pairs.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect()
    }

    #[test]
    fn growth_is_told_with_its_size_and_how_to_renew() {
        let told = above(
            &given(&[("instructions of telemetry", 11_000.0)]),
            &given(&[("instructions of telemetry", 10_000.0)]),
        );
        assert_eq!(
            told,
            [
                "instructions of telemetry: 11000 per request or line, 1000 above the ceiling of 10000; if it is worth it, \
              renew the ceiling with `cargo xtask gate telemetry --renew`"
            ]
        );
    }

    #[test]
    fn what_is_not_measured_is_not_passed() {
        assert_eq!(above(&given(&[]), &given(&[("instructions of telemetry", 1.0)])).len(), 1);
        assert_eq!(above(&given(&[("instructions of telemetry", 1.0)]), &given(&[])).len(), 1);
        assert_eq!(over_budget(&given(&[])).len(), 3);
    }

    #[test]
    fn the_bare_handler_has_no_ceiling() {
        assert!(above(&given(&[("instructions of bare", 9_000.0)]), &given(&[])).is_empty());
    }

    #[test]
    fn budgets_hold_whatever_the_ceilings_say() {
        let figures = given(&[
            (RATIO, 2.3),
            ("allocations of request_unsampled", 2.0),
            ("allocations of log_line_two_spans", 1.0),
        ]);
        assert_eq!(over_budget(&figures).len(), 2);
    }
}
