//! The toy system, as it is and changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

const TOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/toy");

/// Its configuration, once its Rust service is built.
pub(crate) fn config() -> PathBuf {
    expect_front();
    Path::new(TOY).join("shakedown.toml")
}

/// Cargo builds examples for `cargo test`, but not when it is asked for a single test target.
fn expect_front() {
    let program = Path::new(env!("CARGO_BIN_EXE_shakedown"));
    let front = program.with_file_name("examples").join("toy_front");
    assert!(front.exists(), "{} is not built; `cargo build -p shakedown --examples` does it", front.display());
}

/// A turn to put load on this machine: two runs at once would measure each other.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A copy of it that can be changed.
pub(crate) struct Copy {
    dir: TempDir,
}

impl Copy {
    pub(crate) fn new() -> Self {
        expect_front();
        let dir = tempfile::tempdir().expect("a directory");
        copy(Path::new(TOY), dir.path());
        Self { dir }
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("shakedown.toml")
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// Replaces a text that a file has exactly once, and returns the line, from 1, on which it begins.
    pub(crate) fn change(&self, file: &str, from: &str, to: &str) -> usize {
        let text = fs::read_to_string(self.path(file)).expect("a file of the toy system");
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {file}");
        let line = text[..text.find(from).expect("counted")].matches('\n').count() + 1;
        fs::write(self.path(file), text.replacen(from, to, 1)).expect("written");
        line
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("written");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("the toy system").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copied");
        }
    }
}
