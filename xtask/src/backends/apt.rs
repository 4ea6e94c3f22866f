//! Debian's packages.

use anyhow::{Result, bail};

use crate::backends::is_root;
use crate::shell::{run, run_with, say, succeeds};

/// Installs `packages`, without starting the servers among them.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    if !is_root() || !succeeds("apt-get", &["--version"]) {
        bail!("missing: {names}; installing takes apt-get and root");
    }
    say(&format!("installing with apt-get what is missing: {names}"));
    run("apt-get", &["update", "--quiet"])?;
    // In run level 1 Debian's scripts start no server.
    let quiet = [("DEBIAN_FRONTEND", "noninteractive"), ("RUNLEVEL", "1")];
    run_with("apt-get", &[&["install", "--quiet", "--yes", "--no-install-recommends"][..], packages].concat(), &quiet)
}
