//! `cargo xtask test`: prepares what the tests need, then runs all of them.

use anyhow::{Result, bail};

use crate::shell::{run as shell, say, succeeds};

/// Runs every test of the workspace, documentation included.
fn everything() -> Result<()> {
    shell("cargo", &["test", "--workspace", "--locked"])
}

/// Prepares the machine and runs the tests.
pub(crate) fn run() -> Result<()> {
    prepare()?;
    everything()
}

/// The toy system that the harness tests run has a service in Python; nothing else is needed beyond Rust and a C compiler.
fn prepare() -> Result<()> {
    if succeeds("python3", &["--version"]) {
        return Ok(());
    }
    if succeeds("apt-get", &["--version"]) {
        say("python3 is missing: installing it with apt-get");
        shell("apt-get", &["update"])?;
        shell("apt-get", &["install", "--yes", "--no-install-recommends", "python3"])?;
        return Ok(());
    }
    bail!("python3 is missing: the tests run a system with a service written in it; please install it")
}
