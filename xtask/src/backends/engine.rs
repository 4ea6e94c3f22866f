//! The Docker engine: the one that runs, or one that is installed and started where that is possible.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::backends::{apt, is_root};
use crate::shell::{command, output, root, run, say, succeeds};

/// How long a started engine may take to answer.
const START: Duration = Duration::from_secs(30);

/// Label of the containers that tests start, see `crates/backends`; its value is the checkout.
const LABEL: &str = "org.shakedown.tests";

/// Where a started engine writes what it does.
const LOG: &str = "target/dockerd.log";

/// Ways to start an engine; the second is for machines whose kernel has no packet filter: ports are published all the same.
const WAYS: [&[&str]; 2] = [&[], &["--iptables=false", "--ip6tables=false"]];

/// Makes sure that an engine runs; the error says why none can.
pub(crate) fn ensure() -> Result<()> {
    if runs() {
        return Ok(());
    }
    if !is_root() {
        bail!("no Docker engine runs, and only root may start one");
    }
    if !succeeds("dockerd", &["--version"]) {
        apt::install(&["docker.io"])?;
    }
    for options in WAYS {
        match start(options) {
            Ok(()) => return Ok(()),
            Err(error) => say(&format!("{error:#}")),
        }
    }
    bail!("dockerd cannot run here, see {LOG}")
}

fn runs() -> bool {
    succeeds("docker", &["version"])
}

/// The engine outlives this program, as one that the system starts would.
fn start(options: &[&str]) -> Result<()> {
    say(&format!("starting the Docker engine: dockerd {}", options.join(" ")));
    std::fs::create_dir_all(root().join("target"))?;
    let log = File::create(root().join(LOG)).with_context(|| format!("`{LOG}`"))?;
    let mut dockerd: Command = command("dockerd");
    dockerd.args(options).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    let mut dockerd = dockerd.spawn().context("`dockerd` could not be started")?;
    let end = Instant::now() + START;
    loop {
        if runs() {
            return Ok(());
        }
        if let Some(status) = dockerd.try_wait()? {
            bail!("dockerd ended with {status}, see {LOG}");
        }
        if Instant::now() >= end {
            dockerd.kill()?;
            dockerd.wait()?;
            bail!("dockerd did not answer within {START:?}, see {LOG}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether containers of `image` run here, which an engine alone does not tell.
pub(crate) fn can_run(image: &str) -> bool {
    succeeds("docker", &["run", "--rm", "--entrypoint", "true", image])
}

/// Removes what tests of this checkout have started.
pub(crate) fn sweep() -> Result<()> {
    let filter = format!("label={LABEL}={}", root().display());
    let left = output("docker", &["ps", "--all", "--quiet", "--filter", &filter])?;
    let left: Vec<&str> = left.split_whitespace().collect();
    if left.is_empty() {
        return Ok(());
    }
    run("docker", &[&["rm", "--force", "--volumes"][..], &left].concat())
}
