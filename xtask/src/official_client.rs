//! Installs the official client of Socket.IO, by which the gateway's sockets are tested.

use anyhow::{Result, bail};

use crate::shell::{root, run, succeeds};

/// Where its `package.json` is.
const DIRECTORY: &str = "marketplace/gateway/tests/official-client";

/// Installs what the lock file names, unless it is there.
pub(crate) fn prepare() -> Result<()> {
    let directory = root().join(DIRECTORY);
    // npm writes the second when it has installed what the first demands.
    let changed = |file: &str| directory.join(file).metadata().and_then(|data| data.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") {
        return Ok(());
    }
    for tool in ["node", "npm"] {
        if !succeeds(tool, &["--version"]) {
            bail!("missing: {tool} (the official client of Socket.IO runs on Node.js 18 or later); please install it");
        }
    }
    run("npm", &["ci", "--prefix", DIRECTORY, "--ignore-scripts", "--no-audit", "--no-fund"])
}
