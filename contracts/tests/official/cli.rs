//! The official clients: the command line, and the libraries by which consumers record.

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
    run(&installed(".venv/bin/pact"), arguments).await
}

/// Records with pact-python what `python/record.py` expects, into `directory`.
pub(crate) async fn pact_python(directory: &Path) -> Done {
    let script = here("python/record.py");
    run(&installed(".venv/bin/python"), &[&script.display().to_string(), &directory.display().to_string()]).await
}

/// Records with pact-js what `node/record.mjs` expects, into `directory`.
pub(crate) async fn pact_js(directory: &Path) -> Done {
    installed("node/node_modules/@pact-foundation/pact/package.json");
    let script = here("node/record.mjs");
    run(Path::new("node"), &[&script.display().to_string(), &directory.display().to_string()]).await
}

async fn run(program: &Path, arguments: &[&str]) -> Done {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PACT_DO_NOT_TRACK", "true")
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("`{} {}` takes too long", program.display(), arguments.join(" ")));
    let output = output.unwrap_or_else(|error| panic!("`{}` cannot be run: {error}", program.display()));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Done { success: output.status.success(), said }
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official").join(file)
}

fn installed(file: &str) -> PathBuf {
    let path = here(file);
    assert!(
        path.is_file(),
        "the official clients of Pact are not installed: in {}, run `python3 -m venv .venv`, `.venv/bin/pip install -r \
         requirements.txt` and `npm ci --prefix node`, as `cargo xtask test` does",
        here("").display()
    );
    path
}
