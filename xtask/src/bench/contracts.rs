//! The time that verification takes here, and with the official command line, of the same pacts on the same providers.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::build::benches_of;
use super::machine::{self, Machine};
use super::{Format, Options, markdown, measured, shell_print};
use crate::official_clients;
use crate::shell::{run, say};

/// Most that one interaction may take, in milliseconds.
const PER_INTERACTION: f64 = 20.0;
/// Most that the whole marketplace may take, one provider after the other, in milliseconds.
const WHOLE: f64 = 10_000.0;

/// One provider; medians of all rounds, in milliseconds.
struct Row {
    name: String,
    interactions: f64,
    ours: f64,
    theirs: f64,
}

impl Row {
    fn cells(&self) -> [String; 6] {
        [
            self.name.clone(),
            format!("{:.0}", self.interactions),
            format!("{:.0}", self.ours),
            format!("{:.2}", self.ours / self.interactions),
            format!("{:.0}", self.theirs),
            format!("{:.1}", self.theirs / self.ours),
        ]
    }
}

/// Measures and prints, and puts the table into docs/performance.md when that was asked for.
pub(super) fn run_all(options: &Options) -> Result<()> {
    official_clients::prepare()?;
    // As users build it, which shares what it compiles with them.
    let benches = benches_of("contracts", "release", &["verification"])?;
    say("verifying in turns");
    let rounds = options.rounds.unwrap_or(9).to_string();
    let document = measured(&benches[0], &["--rounds", &rounds])?;
    let rows = rows(&document)?;
    let machine = machine::describe();
    match options.format {
        Format::Table => shell_print(&text(&rows)),
        Format::Json => {
            let mut document = document;
            document["met"] = json!(over_budget(&rows).is_empty());
            machine.json().into_iter().for_each(|(name, value)| document[name] = value);
            shell_print(&document.to_string());
        }
    }
    if options.write {
        markdown::write("contracts", &section(&rows, &rounds, &machine))?;
        run("git", &["diff", "--stat", "--", markdown::FILE])?;
    }
    Ok(())
}

fn rows(document: &Value) -> Result<Vec<Row>> {
    let rows = document["rows"].as_array().context("no rows")?;
    let mut rows = rows
        .iter()
        .map(|row| {
            let get = |name: &str| row[name].as_f64().with_context(|| format!("a row without `{name}`"));
            let name = row["name"].as_str().context("a row without a name")?.to_owned();
            Ok(Row { name, interactions: get("interactions")?, ours: get("ours_ms")?, theirs: get("theirs_ms")? })
        })
        .collect::<Result<Vec<_>>>()?;
    let sum = |figure: fn(&Row) -> f64| rows.iter().map(figure).sum();
    let (interactions, ours, theirs) = (sum(|row| row.interactions), sum(|row| row.ours), sum(|row| row.theirs));
    rows.push(Row { name: "all, one after the other".to_owned(), interactions, ours, theirs });
    Ok(rows)
}

fn over_budget(rows: &[Row]) -> Vec<String> {
    let mut over: Vec<String> = rows
        .iter()
        .filter(|row| row.ours / row.interactions > PER_INTERACTION)
        .map(|row| {
            format!(
                "{}: {:.1} ms for each interaction, at most {PER_INTERACTION}",
                row.name,
                row.ours / row.interactions
            )
        })
        .collect();
    over.extend(
        rows.last()
            .filter(|all| all.ours > WHOLE)
            .map(|all| format!("the whole took {:.0} ms, at most {WHOLE}", all.ours)),
    );
    over
}

fn verdict(rows: &[Row]) -> String {
    match &over_budget(rows)[..] {
        [] => "Budgets are met.".to_owned(),
        over => format!("Over budget: {}.", over.join("; ")),
    }
}

const HEAD: [&str; 6] = ["provider", "interactions", "ours ms", "each ms", "official ms", "times ours"];

fn text(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut line = |cells: [String; 6]| {
        let [name, rest @ ..] = cells;
        let _ = write!(out, "{name:<26}");
        rest.iter().for_each(|cell| _ = write!(out, " {cell:>12}"));
        out.push('\n');
    };
    line(HEAD.map(str::to_owned));
    rows.iter().for_each(|row| line(row.cells()));
    out + &verdict(rows)
}

fn section(rows: &[Row], rounds: &str, machine: &Machine) -> String {
    let mut out = format!(
        "Taken on {} ({}), {}; medians of {rounds} rounds.\n\n| {} |\n|---|--:|--:|--:|--:|--:|\n",
        machine.date,
        machine.machine,
        machine.rustc,
        HEAD.join(" | ")
    );
    rows.iter().for_each(|row| _ = writeln!(out, "| {} |", row.cells().join(" | ")));
    out + "\n" + &verdict(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(ours: f64) -> Value {
        let row =
            |name: &str, ours: f64| json!({ "name": name, "interactions": 10, "ours_ms": ours, "theirs_ms": 300.0 });
        json!({ "rows": [row("auth", 100.0), row("users", ours)] })
    }

    #[test]
    fn table_ends_with_all_of_them_and_the_verdict() {
        let rows = rows(&document(50.0)).unwrap();
        let text = text(&rows);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["auth", "10", "100", "10.00", "300", "3.0"]);
        assert_eq!(lines[3][5..], ["20", "150", "7.50", "600", "4.0"]);
        assert_eq!(lines[4], ["Budgets", "are", "met."]);
    }

    #[test]
    fn what_is_over_budget_is_named() {
        let over = over_budget(&rows(&document(20_000.0)).unwrap());
        assert_eq!(over.len(), 3, "{over:?}");
        assert_eq!(over[0], "users: 2000.0 ms for each interaction, at most 20");
        assert_eq!(over[2], "the whole took 20100 ms, at most 10000");
    }

    #[test]
    fn rows_that_say_nothing_are_an_error() {
        assert!(rows(&json!({})).is_err());
        assert!(rows(&json!({ "rows": [{ "name": "auth" }] })).is_err());
    }
}
