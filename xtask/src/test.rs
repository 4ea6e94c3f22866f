//! `cargo xtask test`: prepares what the tests need, then runs all of them.

use anyhow::{Result, bail};

use crate::official_client;
use crate::shell::{run as shell, say, succeeds};

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

/// Runs every test of the workspace, documentation included.
fn everything() -> Result<()> {
    shell("cargo", &["test", "--workspace", "--features", OPTIONAL, "--locked"])
}

/// Prepares the machine and runs the tests.
pub(crate) fn run() -> Result<()> {
    prepare()?;
    official_client::prepare()?;
    everything()
}

/// Installs what is missing where that is possible, and otherwise says what and why.
pub(crate) fn prepare() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|(tool, _, _)| !succeeds(tool, &["--version"])).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let tools = missing.iter().map(|(tool, why, _)| format!("{tool} ({why})")).collect::<Vec<_>>().join(", ");
    if !succeeds("apt-get", &["--version"]) {
        bail!("missing: {tools}; please install them");
    }
    say(&format!("installing with apt-get what is missing: {tools}"));
    shell("apt-get", &["update"])?;
    let packages = missing.iter().map(|(_, _, package)| *package);
    let install: Vec<_> = ["install", "--yes", "--no-install-recommends"].into_iter().chain(packages).collect();
    shell("apt-get", &install)
}
