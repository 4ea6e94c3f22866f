//! A service under 5,000 requests a second while its collector is up, killed, hanging or failing: `cargo xtask soak
//! telemetry`.
//!
//! Each mode has a service in a process of its own and a collector of its own; load goes to one service at a time, in
//! short slices, round after round. A mode's p99 is compared with that of the service without telemetry in the same
//! round, so that what disturbs the machine disturbs both; a second service without telemetry tells how much of a
//! difference is mere noise. Latency counts from the moment at which a request was to start.
#![allow(unreachable_pub, reason = "a program, not a library")]

mod collector;
mod judge;
mod load;
mod modes;
mod service;
mod table;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Exit code of a run that could not be judged, here as everywhere in this repository.
const INVALID: u8 = 3;

/// What to do.
struct Plan {
    /// Requests per second.
    rate: u64,
    /// Load per mode in all.
    seconds: u64,
    /// Load per mode and round.
    slice: Duration,
    /// Whether latency is judged: only in a run that is long enough to tell.
    judges_latency: bool,
    json: bool,
}

fn main() -> ExitCode {
    if let Some(mode) = service::mode() {
        return service::run(mode);
    }
    let plan = match plan() {
        Ok(plan) => plan,
        Err(wrong) => {
            print(std::io::stderr(), &wrong);
            return ExitCode::from(2);
        }
    };
    let results = modes::run(&plan);
    let verdict = judge::judge(&results, plan.judges_latency);
    if plan.json {
        print(std::io::stdout(), &table::json(&plan, &results, &verdict));
    } else {
        print(std::io::stdout(), &table::text(&plan, &results, &verdict));
    }
    match (verdict.failures.is_empty(), &verdict.invalid) {
        (false, _) => ExitCode::FAILURE,
        (true, Some(_)) => ExitCode::from(INVALID),
        (true, None) => ExitCode::SUCCESS,
    }
}

/// `--seconds N` per mode (60), `--rate N` (5000), `--slice N` milliseconds (500), `--format json`.
fn plan() -> Result<Plan, String> {
    // Short slices: what disturbs the machine then disturbs both that are compared, and there are many to take a median of.
    let slice = Duration::from_millis(500);
    let mut plan = Plan { rate: 5_000, seconds: 60, slice, judges_latency: true, json: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{name}`: expected a value"))?;
        let number = || {
            let number = value.parse::<u64>().ok().filter(|number| *number > 0);
            number.ok_or_else(|| format!("`{name} {value}`: expected a whole number above 0"))
        };
        match (&*name, &*value) {
            ("--seconds", _) => plan.seconds = number()?,
            ("--rate", _) => plan.rate = number()?,
            ("--slice", _) => plan.slice = Duration::from_millis(number()?),
            ("--format", "json") => plan.json = true,
            ("--format", "table") => plan.json = false,
            _ => {
                return Err(format!(
                    "`{name} {value}`: expected `--seconds N`, `--rate N`, `--slice N` or `--format table|json`"
                ));
            }
        }
    }
    plan.slice = plan.slice.min(Duration::from_secs(plan.seconds));
    plan.judges_latency = plan.seconds >= 60;
    Ok(plan)
}

fn print(mut stream: impl Write, text: &str) {
    // A closed stream leaves nobody to tell.
    let _ = writeln!(stream, "{text}");
}
