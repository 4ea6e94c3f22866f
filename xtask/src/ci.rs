//! `cargo xtask ci` and `cargo xtask lint`.

use anyhow::Result;

use crate::shell::{self, run_with, say, succeeds};
use crate::{bugs, gate, openapi, soak, test, tidy, workflows};

/// Version of cargo-deny that the policy in deny.toml is written for.
const CARGO_DENY: &str = "0.20.2";

/// Lints, then tests, then what telemetry costs and endures, then the main job as a user runs it, what its contracts cover, a
/// minute of random deaths, and the main job again with every planted bug.
pub(crate) fn run() -> Result<()> {
    lint()?;
    test::run(&test::Options::default())?;
    gate::check()?;
    soak::short()?;
    shell::run("cargo", &["run", "--release", "--locked", "--", "run", "--quick"])?;
    let coverage = ["contract", "coverage", "--min-operations", "90", "--min-events", "100"];
    shell::run("cargo", &[&["run", "--release", "--locked", "--"][..], &coverage].concat())?;
    shell::run("cargo", &["run", "--release", "--locked", "--", "chaos", "randomised", "--quick"])?;
    bugs::run()
}

/// Formatting, lints, documentation, dependency policy, the direction of dependencies and drift of documents.
pub(crate) fn lint() -> Result<()> {
    shell::run("cargo", &["fmt", "--all", "--check"])?;
    test::prepare()?;
    // The features of the tests, so that both share what they compile.
    let all = ["--workspace", "--features", test::OPTIONAL, "--locked"];
    shell::run("cargo", &[&["clippy"][..], &all, &["--all-targets", "--", "-D", "warnings"]].concat())?;
    run_with("cargo", &[&["doc"][..], &all, &["--no-deps", "--quiet"]].concat(), &[("RUSTDOCFLAGS", "-D warnings")])?;
    if !succeeds("cargo", &["deny", "--version"]) {
        say("cargo-deny is missing: installing it");
        shell::run("cargo", &["install", "--locked", "--version", CARGO_DENY, "cargo-deny"])?;
    }
    // Advisories need a database from outside; licences, bans and sources do not.
    shell::run("cargo", &["deny", "--all-features", "check", "bans", "licenses", "sources"])?;
    tidy::run()?;
    workflows::check()?;
    openapi::check()
}
