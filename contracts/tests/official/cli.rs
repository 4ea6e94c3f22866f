//! The official command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

/// Longest that one command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a command did.
pub(crate) struct Done {
    pub(crate) success: bool,
    /// Everything it wrote.
    pub(crate) said: String,
}

impl Done {
    /// Panics with what was written unless the command succeeded.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert!(self.success, "{}", self.said);
        self.said
    }

    /// Panics unless the command failed and said so with these words.
    #[track_caller]
    pub(crate) fn badly(self, words: &str) {
        assert!(!self.success && self.said.contains(words), "expected a failure with `{words}`:\n{}", self.said);
    }
}

/// Runs `pact` with `arguments`.
pub(crate) async fn pact(arguments: &[&str]) -> Done {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("PACT_DO_NOT_TRACK", "true")
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("`pact {}` takes too long", arguments.join(" "))).unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Done { success: output.status.success(), said }
}

fn binary() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official");
    let binary = directory.join(".venv/bin/pact");
    assert!(
        binary.is_file(),
        "the official clients of Pact are not installed: run `python3 -m venv .venv && .venv/bin/pip install -r \
         requirements.txt` in {}, as `cargo xtask test` does",
        directory.display()
    );
    binary
}
