//! The figures of all stacks, put together from three measurements.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use super::budget;
use super::instructions::Instructions;

/// What one stack costs; over the bare handler, unless the row is about something absolute.
pub(crate) struct Figures {
    /// On the clock.
    pub(crate) ns: f64,
    /// Of processor time in all threads.
    pub(crate) cpu_ns: f64,
    /// Of the thread that answers.
    pub(crate) allocs: f64,
    /// Of all threads.
    pub(crate) process_allocs: f64,
    /// Whole, not over the bare handler, of the thread that answers.
    pub(crate) instructions: Option<f64>,
}

/// What is measured, for us and for our peers.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: Figures,
    /// By name.
    pub(crate) peers: Vec<(String, Figures)>,
    /// A layer that does nothing: what axum charges for having one.
    pub(crate) floor: Option<Figures>,
    /// Nanoseconds and instructions of the bare handler.
    pub(crate) bare: Option<(f64, Option<f64>)>,
}

/// All rows.
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

impl Table {
    pub(crate) fn new(cost: &Value, allocations: &Value, instructions: &Instructions) -> Result<Self> {
        let of = |document: &Value, name: &str| {
            let rows = document["rows"].as_array().into_iter().flatten();
            rows.clone().find(|row| row["name"] == name).cloned().with_context(|| format!("no row `{name}`"))
        };
        let rows = cost["rows"].as_array().context("no rows")?.iter().map(|row| {
            let name = row["name"].as_str().context("a row without a name")?;
            let allocated = of(allocations, name)?;
            let absolute = row["base"].is_null();
            let unsampled = name.contains("unsampled");
            let figures = |cost: &Value, allocated: &Value| {
                let get = |from: &Value, figure: &str| {
                    let key = if absolute { figure.to_owned() } else { format!("{figure}_over") };
                    from[&key].as_f64().with_context(|| format!("`{name}` without `{key}`"))
                };
                anyhow::Ok(Figures {
                    ns: get(cost, "ns")?,
                    cpu_ns: get(cost, "cpu_ns")?,
                    allocs: get(allocated, "allocs")?,
                    process_allocs: get(allocated, "process_allocs")?,
                    instructions: cost["stack"]
                        .as_str()
                        .and_then(|stack| instructions.of(stack, unsampled && !stack.starts_with("bare"))),
                })
            };
            let floor = (!absolute).then(|| figures(&row["floor"], &allocated["floor"])).transpose()?;
            let peers: BTreeMap<String, Value> = serde_json::from_value(row["peers"].clone())?;
            let peers = peers.into_iter().map(|(peer, cost)| {
                let figures = figures(&cost, &allocated["peers"][&peer])?;
                anyhow::Ok((peer, figures))
            });
            Ok(Row {
                name: name.to_owned(),
                ours: figures(&row["ours"], &allocated["ours"])?,
                floor,
                peers: peers.collect::<Result<_>>()?,
                bare: row["base"]["ns"].as_f64().map(|ns| (ns, instructions.of("bare", false))),
            })
        });
        Ok(Self { rows: rows.collect::<Result<_>>()? })
    }
}

impl Row {
    /// Everyone in it by name: ourselves, the peers, and the least that a layer costs.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Figures)> {
        let peers = self.peers.iter().map(|(name, figures)| (name.as_str(), figures));
        let floor = self.floor.iter().map(|figures| ("a layer that does nothing", figures));
        [("telemetry", &self.ours)].into_iter().chain(peers).chain(floor)
    }

    /// The peer that costs least time.
    pub(crate) fn cheapest(&self) -> Option<(&str, &Figures)> {
        let peers = self.peers.iter().map(|(name, figures)| (name.as_str(), figures));
        peers.min_by(|(_, a), (_, b)| a.ns.total_cmp(&b.ns))
    }

    /// Instructions of the whole request as a multiple of the bare handler's.
    pub(crate) fn instr_ratio(&self) -> Option<f64> {
        self.ratio_of(&self.ours)
    }

    /// The same for any stack of this row.
    pub(crate) fn ratio_of(&self, figures: &Figures) -> Option<f64> {
        Some(figures.instructions? / self.bare?.1?)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional =
            |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
        for row in &self.rows {
            let bare = row.bare.map_or_else(
                || "absolute".to_owned(),
                |(ns, instructions)| {
                    format!("over the bare handler's {ns:.0} ns, {} instructions", optional(instructions, 0))
                },
            );
            writeln!(f, "\n{} ({bare})", row.name)?;
            writeln!(
                f,
                "  {:<78} {:>8} {:>7} {:>8} {:>8} {:>9} {:>7} {:>6}",
                "", "ns", "times", "cpu ns", "allocs", "all thr.", "instr", "ratio"
            )?;
            for (name, figures) in row.all() {
                writeln!(
                    f,
                    "  {name:<78} {:>8.0} {:>7.2} {:>8.0} {:>8.2} {:>9.2} {:>7} {:>6}",
                    figures.ns,
                    figures.ns / row.ours.ns,
                    figures.cpu_ns,
                    figures.allocs,
                    figures.process_allocs,
                    optional(figures.instructions, 0),
                    optional(row.ratio_of(figures), 2),
                )?;
            }
            match &budget::of(&row.name).exceeded_by(row)[..] {
                [] => writeln!(f, "  budget met")?,
                exceeded => writeln!(f, "  over budget: {}", exceeded.join("; "))?,
            }
        }
        Ok(())
    }
}
