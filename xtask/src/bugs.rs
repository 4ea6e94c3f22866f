//! `cargo xtask bugs`: plants each bug of the reference system in turn, and expects a run to fail and to name the culprit.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::shell::{command, root, say};

/// Each planted bug and the service that a run must blame for it.
const BUGS: [(&str, &str); 6] = [
    ("ack-before-commit", "order"),
    ("no-inbox", "users"),
    ("double-capture", "order"),
    ("drop-correlation", "users"),
    ("rename-field", "gig"),
    ("local-time", "review"),
];

/// Exit code of a run in which a check failed.
const FAILED: i32 = 1;

/// Plants every bug, and fails unless each is found.
pub(crate) fn run() -> Result<()> {
    let missed: Vec<String> =
        BUGS.iter().filter_map(|(bug, culprit)| find(bug, culprit).transpose()).collect::<Result<_>>()?;
    if !missed.is_empty() {
        bail!("planted bugs were not found:\n  {}", missed.join("\n  "));
    }
    Ok(())
}

/// Plants one bug; what is wrong with the run's answer, if anything.
fn find(bug: &str, culprit: &str) -> Result<Option<String>> {
    // Hundreds of megabytes of telemetry, of which nothing is wanted once the bug was found.
    let run_dir = root().join("target/shakedown").join(format!("bug-{bug}"));
    if run_dir.exists() {
        fs::remove_dir_all(&run_dir).with_context(|| format!("cannot remove `{}`", run_dir.display()))?;
    }
    let output = command("cargo")
        .args(["run", "--release", "--locked", "--quiet", "--", "run", "--quick", "--no-record", "--out"])
        .arg(&run_dir)
        .env("MARKETPLACE_BUG", bug)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("`cargo` could not be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let sentence = text.trim_end().lines().last().unwrap_or_default();
    say(&format!("{bug}: exit {:?}: {sentence}", output.status.code()));
    let named = sentence.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == culprit);
    Ok(match output.status.code() {
        Some(FAILED) if named => {
            fs::remove_dir_all(&run_dir).with_context(|| format!("cannot remove `{}`", run_dir.display()))?;
            None
        }
        Some(FAILED) => Some(format!("{bug}: the verdict does not name `{culprit}`: {sentence}")),
        code => Some(format!("{bug}: expected exit {FAILED}, got {code:?}: {sentence}")),
    })
}
