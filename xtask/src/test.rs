//! `cargo xtask test`: prepares what the tests need, then runs all of them.

use anyhow::{Context as _, Result};
use clap::Args;

use crate::backends::{Backends, apt};
use crate::official_clients;
use crate::shell::{run_with, succeeds};

/// Features that no member of the workspace asks for, though they have code and tests. They are switched on for the whole
/// workspace at once: tests of `telemetry` alone would resolve other features of shared dependencies, and compile most of
/// them a second time.
pub(crate) const OPTIONAL: &str = "telemetry/kafka";

/// What is needed beyond Rust, why, and the Debian package that has it.
const TOOLS: [(&str, &str, &str); 4] = [
    ("python3", "the harness is tested with a service written in it", "python3"),
    ("cc", "SQLite and librdkafka are compiled", "gcc"),
    ("c++", "librdkafka is compiled", "g++"),
    ("make", "librdkafka is compiled", "make"),
];

/// How to run the tests.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Leaves PostgreSQL and RabbitMQ out; without this, a suite that cannot run on them is an error.
    #[arg(long)]
    embedded_only: bool,
    /// Arguments for `cargo test` instead of the whole workspace, such as `-- -p platform`.
    #[arg(last = true)]
    cargo: Vec<String>,
}

/// Prepares the machine and runs the tests, documentation included.
pub(crate) fn run(options: &Options) -> Result<()> {
    prepare()?;
    official_clients::prepare()?;
    let backends = Backends::prepare(options.embedded_only)?;
    let mut arguments = vec!["test", "--locked"];
    if options.cargo.is_empty() {
        arguments.extend(["--workspace", "--features", OPTIONAL]);
    } else {
        arguments.extend(options.cargo.iter().map(String::as_str));
    }
    let variables = backends.variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    run_with("cargo", &arguments, &variables)?;
    backends.tell()
}

/// Installs what is missing where that is possible, and otherwise says what and why.
pub(crate) fn prepare() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|(tool, _, _)| !succeeds(tool, &["--version"])).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tools = missing.iter().map(|(tool, why, _)| format!("{tool} ({why})")).collect::<Vec<_>>().join(", ");
    let packages: Vec<_> = missing.iter().map(|(_, _, package)| *package).collect();
    apt::install(&packages).with_context(|| format!("missing: {tools}"))
}
