//! Installs the official clients of Socket.IO and of Pact, by which the gateway's sockets and the contract broker are tested.

use anyhow::{Result, bail};

use crate::backends::apt;
use crate::shell::{root, run, succeeds};

/// Where the `package.json` of Socket.IO's client is.
const SOCKET_IO: &str = "marketplace/gateway/tests/official-client";

/// Where the `requirements.txt` of Pact's is.
const PACT: &str = "contracts/tests/official";

/// Installs what the lists of them name, unless it is there.
pub(crate) fn prepare() -> Result<()> {
    socket_io()?;
    pact()
}

fn socket_io() -> Result<()> {
    // npm writes the first when it has installed what the second demands.
    if is_newer(SOCKET_IO, "node_modules/.package-lock.json", "package-lock.json") {
        return Ok(());
    }
    for tool in ["node", "npm"] {
        if !succeeds(tool, &["--version"]) {
            bail!("missing: {tool} (the official client of Socket.IO runs on Node.js 18 or later); please install it");
        }
    }
    run("npm", &["ci", "--prefix", SOCKET_IO, "--ignore-scripts", "--no-audit", "--no-fund"])
}

fn pact() -> Result<()> {
    if is_newer(PACT, ".venv/bin/pact", "requirements.txt") {
        return Ok(());
    }
    if !succeeds("python3", &["-c", "import ensurepip, venv"]) {
        apt::install(&["python3-venv"])?;
    }
    let environment = format!("{PACT}/.venv");
    run("python3", &["-m", "venv", "--clear", &environment])?;
    let (pip, list) = (format!("{environment}/bin/pip"), format!("{PACT}/requirements.txt"));
    run(
        &pip,
        &["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--requirement", &list],
    )?;
    // What a package holds keeps the time of when it was made.
    let binary = std::fs::File::open(root().join(&environment).join("bin/pact"))?;
    Ok(binary.set_modified(std::time::SystemTime::now())?)
}

/// Whether what was installed is there and not older than the list of it.
fn is_newer(directory: &str, installed: &str, list: &str) -> bool {
    let changed = |file: &str| root().join(directory).join(file).metadata().and_then(|data| data.modified()).ok();
    let installed = changed(installed);
    installed.is_some() && installed >= changed(list)
}
