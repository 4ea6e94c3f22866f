//! `cargo xtask bench SUBJECT`: what something in this repository costs, beside what its peers cost, in one run.
//!
//! The measuring is done by the benches of the crates; here they are built, run, and put together.

mod budget;
mod build;
mod contracts;
pub(crate) mod instructions;
mod json;
mod machine;
mod markdown;
mod table;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::Value;

pub(crate) use budget::{UNSAMPLED_ALLOCATIONS, WHOLE_REQUEST};
pub(crate) use build::{Bench, benches};

use crate::shell::{run, say};
use table::Table;

/// What can be measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Subject {
    /// `crates/telemetry`, per request and per log line.
    Telemetry,
}

/// What can be measured beside others.
#[derive(Clone, Copy, ValueEnum)]
enum Compared {
    /// `crates/telemetry`, per request and per log line.
    Telemetry,
    /// Verification of the marketplace's contracts, beside the official command line.
    Contracts,
}

/// How results are printed.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs: JSON alone on stdout.
    Json,
}

/// What to measure, and how long.
#[derive(Args)]
pub(crate) struct Options {
    subject: Compared,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Turns of each stack, or of each verifier; the more, the less the noise of the machine shows [default: 60, or 9].
    #[arg(long)]
    rounds: Option<usize>,
    /// Puts the table into docs/performance.md.
    #[arg(long)]
    write: bool,
}

/// Measures everything and prints it.
pub(crate) fn run_all(options: &Options) -> Result<()> {
    match options.subject {
        Compared::Telemetry => telemetry(options),
        Compared::Contracts => contracts::run_all(options),
    }
}

fn telemetry(options: &Options) -> Result<()> {
    instructions::prepare()?;
    let benches = benches(&["cost", "allocations"])?;
    say("measuring time");
    let rounds = options.rounds.unwrap_or(60).to_string();
    let cost = measured(&benches[0], &["--measure", "--rounds", &rounds])?;
    say("counting allocations");
    let allocations = measured(&benches[1], &["--rounds", "5"])?;
    say("counting instructions");
    let instructions = instructions::count("")?;
    let table = Table::new(&cost, &allocations, &instructions)?;
    let machine = machine::describe();
    match options.format {
        Format::Table => shell_print(&table.to_string()),
        Format::Json => shell_print(&json::document(&table, &machine).to_string()),
    }
    if options.write {
        markdown::write("telemetry", &markdown::section(&table, &machine))?;
        run("git", &["diff", "--stat", "--", markdown::FILE])?;
    }
    Ok(())
}

/// Runs a bench that prints one JSON object.
pub(crate) fn measured(bench: &Bench, arguments: &[&str]) -> Result<Value> {
    let text = crate::shell::output(&bench.executable, arguments)?;
    serde_json::from_str(&text).with_context(|| format!("`{}` printed something else than JSON", bench.name))
}

/// Results go to stdout, everything else to stderr.
fn shell_print(text: &str) {
    use std::io::Write;
    // A closed stdout leaves nobody to tell.
    let _ = writeln!(std::io::stdout(), "{text}");
}
