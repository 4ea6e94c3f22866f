//! Repository chores: `cargo xtask <task>`. Continuous integration runs the same commands as a developer.

mod backends;
mod bench;
mod bugs;
mod ci;
mod gate;
mod official_clients;
mod openapi;
mod shell;
mod soak;
mod test;
mod tidy;
mod workflows;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Repository chores.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that continuous integration checks.
    Ci,
    /// Prepares what the tests need and runs all of them.
    Test(test::Options),
    /// Gets the images of the database and the broker that tests run on, or builds them from Debian's packages.
    Images,
    /// Plants every bug of the reference system and expects a run to find it.
    Bugs,
    /// What something costs, beside its peers.
    Bench(bench::Options),
    /// Fails when something costs more than it may.
    Gate(gate::Options),
    /// Load for a minute and more, while something is broken.
    Soak(soak::Options),
    /// Writes the documents of routes and events from the code, or says where they differ.
    Openapi(openapi::Options),
    /// Formatting, lints, documentation, dependency policy, the direction of dependencies and drift of documents.
    Lint,
    /// The direction of dependencies alone.
    Tidy,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Ci => ci::run(),
        Task::Test(options) => test::run(&options),
        Task::Images => backends::images::run_task(),
        Task::Bugs => bugs::run(),
        Task::Bench(options) => bench::run_all(&options),
        Task::Gate(options) => gate::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Openapi(options) => openapi::run(&options),
        Task::Lint => ci::lint(),
        Task::Tidy => tidy::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
