//! Shakedown runs a whole event-driven system, observes everything its services say, verifies every promise that they
//! make to each other, breaks the system on purpose and proves that nothing was lost.
//!
//! The program is `shakedown`; this library is everything it does, so that tests need no child process. It knows no
//! system: whatever it runs is described by a `shakedown.toml` ([`config`]).

pub mod assertions;
pub mod cli;
pub mod collector;
mod commands;
pub mod config;
pub mod error;
pub mod events;
pub mod exit_code;
pub mod journey;
pub mod observe;
pub mod phases;
pub mod report;
pub mod signals;
pub mod smtp;
pub mod supervisor;
pub mod ui;
mod wire;

use exit_code::Exit;

/// Does what the command line asks for and says how it ended.
#[must_use]
pub fn run(cli: cli::Cli) -> Exit {
    // Known before anything is built.
    supervisor::own_program();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(commands::dispatch(cli)),
        Err(source) => Err(error::Error::failed("the runtime cannot start", source)),
    };
    result.unwrap_or_else(|error| {
        report::print::progress(&format!("error: {error}"));
        error.exit()
    })
}
