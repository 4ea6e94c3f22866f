//! `cargo xtask soak telemetry`: a service under load while its collector is up, killed, hanging or failing.

use anyhow::Result;
use clap::Args;

use crate::bench::{Format, Subject};
use crate::shell;

/// How long, and how it is told.
#[derive(Args)]
pub(crate) struct Options {
    subject: Subject,
    /// Load per mode; p99 is judged from 60 on.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Requests per second.
    #[arg(long, default_value_t = 5_000)]
    rate: u64,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// A few seconds per mode, for continuous integration: no latency is judged, everything else is.
pub(crate) fn short() -> Result<()> {
    run(&Options { subject: Subject::Telemetry, seconds: 3, rate: 5_000, format: Format::Table })
}

/// Builds the soak as benches are built, and runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Subject::Telemetry = options.subject;
    let (seconds, rate) = (options.seconds.to_string(), options.rate.to_string());
    let format = match options.format {
        Format::Table => "table",
        Format::Json => "json",
    };
    shell::run(
        "cargo",
        &[
            "run",
            "--package",
            "telemetry",
            "--example",
            "soak",
            "--profile",
            "bench",
            "--locked",
            "--quiet",
            "--",
            "--seconds",
            &seconds,
            "--rate",
            &rate,
            "--format",
            format,
        ],
    )
}
