//! The `shakedown` program: parse, run, exit.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    shakedown::run(shakedown::cli::Cli::parse()).into()
}
