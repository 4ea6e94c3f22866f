//! The tables in docs/performance.md, each between two markers.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::budget;
use super::machine::Machine;
use super::table::Table;
use crate::shell::root;

/// Where the last table is kept.
pub(crate) const FILE: &str = "docs/performance.md";

/// Replaces what is between the markers of `subject`.
pub(crate) fn write(subject: &str, section: &str) -> Result<()> {
    let begin = format!("<!-- {subject}: begin, written by `cargo xtask bench {subject} --write` -->");
    let end = format!("<!-- {subject}: end -->");
    let path = root().join(FILE);
    let text = std::fs::read_to_string(&path)?;
    let (before, rest) = text.split_once(&begin).with_context(|| format!("{FILE} without `{begin}`"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("{FILE} without `{end}`"))?;
    std::fs::write(path, format!("{before}{begin}\n{section}\n{end}{after}"))?;
    Ok(())
}

/// The table of telemetry.
pub(crate) fn section(table: &Table, machine: &Machine) -> String {
    let mut out = format!("Taken on {} ({}), {}.\n", machine.date, machine.machine, machine.rustc);
    out.push_str(
        "\n| | ns | times ours | processor ns, all threads | allocations | all threads | instructions | of bare |\n",
    );
    out.push_str("|---|--:|--:|--:|--:|--:|--:|--:|\n");
    let optional = |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    for row in &table.rows {
        let verdict = match &budget::of(&row.name).exceeded_by(row)[..] {
            [] => String::new(),
            exceeded => format!(" (over budget: {})", exceeded.join("; ")),
        };
        let _ = writeln!(out, "| **`{}`**{verdict} | | | | | | | |", row.name);
        for (name, figures) in row.all() {
            let _ = writeln!(
                out,
                "| {name} | {:.0} | {:.1} | {:.0} | {:.1} | {:.1} | {} | {} |",
                figures.ns,
                figures.ns / row.ours.ns,
                figures.cpu_ns,
                figures.allocs,
                figures.process_allocs,
                optional(figures.instructions, 0),
                optional(row.ratio_of(figures), 1),
            );
        }
    }
    if let Some((ns, instructions)) = table.rows.iter().find_map(|row| row.bare) {
        let _ = write!(out, "\nThe bare handler: {ns:.0} ns, {} instructions.", optional(instructions, 0));
    }
    out
}
