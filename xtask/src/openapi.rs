//! `cargo xtask openapi`: the documents of the reference system, written from its code or compared with it.

use anyhow::Result;
use clap::Args;

use crate::shell::run_with;

/// What to do with the documents.
#[derive(Args)]
pub(crate) struct Options {
    /// Writes nothing: fails when a committed document is not what the code makes, with the first difference.
    #[arg(long)]
    check: bool,
}

/// Writes `contracts/openapi` and `contracts/asyncapi`, or compares them.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check { check() } else { documents(&[("UPDATE_DOCUMENTS", "1")]) }
}

/// Fails when a committed document is not what the code makes.
pub(crate) fn check() -> Result<()> {
    documents(&[])
}

/// A test makes them: it is built for the other tests anyway, and this program depends on no service.
fn documents(env: &[(&str, &str)]) -> Result<()> {
    run_with("cargo", &["test", "--locked", "--quiet", "--package", "contracts", "--test", "documents"], env)
}
