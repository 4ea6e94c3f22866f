//! Installs the official clients of Socket.IO and of Pact, by which the gateway's sockets, the contract broker and contracts
//! are tested.

use anyhow::{Result, bail};

use crate::backends::apt;
use crate::shell::{output, root, run, succeeds};

/// Where the `package.json` of Socket.IO's client is.
const SOCKET_IO: &str = "marketplace/gateway/tests/official-client";

/// Where the `requirements.txt` of Pact's command line and of pact-python is.
const PACT: &str = "contracts/tests/official";

/// Where the `package.json` of pact-js is.
const PACT_JS: &str = "contracts/tests/official/node";

/// Oldest Node.js that all of them run on.
const NODE: u32 = 20;

/// Installs what the lists of them name, unless it is there.
pub(crate) fn prepare() -> Result<()> {
    npm(SOCKET_IO)?;
    npm(PACT_JS)?;
    pact()
}

fn npm(directory: &str) -> Result<()> {
    // npm writes the first when it has installed what the second demands.
    if is_newer(directory, "node_modules/.package-lock.json", "package-lock.json") {
        return Ok(());
    }
    for tool in ["node", "npm"] {
        if !succeeds(tool, &["--version"]) {
            bail!("missing: {tool} (official clients run on Node.js {NODE} or later); please install it");
        }
    }
    let version = output("node", &["--version"])?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE) {
        bail!("Node.js is `{}`, official clients need {NODE} or later; please install it", version.trim());
    }
    // Binaries come within the packages; no script of theirs has anything to fetch.
    run("npm", &["ci", "--prefix", directory, "--ignore-scripts", "--no-audit", "--no-fund"])
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
