//! The program under test as a child process, in a directory of its own.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::until::until;

/// Far above what any command of these tests needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command line that was not started yet.
pub(crate) struct Program {
    command: Command,
    dir: TempDir,
}

impl Program {
    /// `shakedown` without arguments, in a fresh directory.
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir().expect("a directory"))
    }

    /// `shakedown` without arguments in a directory, which goes with it.
    pub(crate) fn within(dir: TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shakedown"));
        command.current_dir(dir.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What the surroundings of the tests are set to must not decide what they find.
        let broker = ["BASE_URL", "TOKEN", "USERNAME", "PASSWORD"].map(|name| format!("PACT_BROKER_{name}"));
        let own = ["SHAKEDOWN_CONFIG", "SHAKEDOWN_RUN_ID", "TOY_BUG", "BROKER_DATABASE"].map(str::to_owned);
        for name in own.iter().chain(&broker) {
            command.env_remove(name);
        }
        Self { command, dir }
    }

    pub(crate) fn config(self, file: &Path) -> Self {
        self.arg("--config").arg(file)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the program starts");
        let stdout = Captured::new(child.stdout.take().expect("piped"));
        let stderr = Captured::new(child.stderr.take().expect("piped"));
        Running { child, stdout, stderr, dir: self.dir }
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.start().end()
    }
}

/// A started program; it is killed when it goes out of scope, and its watchdog then ends what it had started.
pub(crate) struct Running {
    child: Child,
    stdout: Captured,
    stderr: Captured,
    dir: TempDir,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Waits for a line on standard output that `find` finds something in.
    pub(crate) fn printed<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.line(what, |running| running.stdout.text(), find)
    }

    /// Waits for a line on standard error that `find` finds something in.
    pub(crate) fn said<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.line(what, |running| running.stderr.text(), find)
    }

    fn line<T>(&mut self, what: &str, text: impl Fn(&Self) -> String, find: impl Fn(&str) -> Option<T>) -> T {
        let (stdout, stderr) = (self.stdout.lines.clone(), self.stderr.lines.clone());
        let missing = || format!("no {what}\nstdout: {}\nstderr: {}", joined(&stdout), joined(&stderr));
        until(PATIENCE, missing, || {
            // Asked first, so that nothing written before the end is overlooked.
            let ended = self.child.try_wait().expect("a state");
            let found = text(self).lines().find_map(&find);
            assert!(found.is_some() || ended.is_none(), "it ended ({ended:?}); {}", missing());
            found
        })
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("the program runs");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let (stdout, stderr) = (self.stdout.lines.clone(), self.stderr.lines.clone());
        let missing = || format!("no end\nstdout: {}\nstderr: {}", joined(&stdout), joined(&stderr));
        let status = until(PATIENCE, missing, || self.child.try_wait().expect("a state"));
        self.ended(status)
    }

    /// Kills it with SIGKILL, which it cannot notice.
    pub(crate) fn kill(mut self) -> Ended {
        self.child.kill().expect("the program runs");
        let status = self.child.wait().expect("an end");
        self.ended(status)
    }

    fn ended(mut self, status: ExitStatus) -> Ended {
        let (stdout, stderr) = (self.stdout.whole(), self.stderr.whole());
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a directory"));
        Ended { status, stdout, stderr, dir }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that ended.
pub(crate) struct Ended {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    dir: TempDir,
}

impl Ended {
    /// Fails, showing everything that was printed, unless the program ended with this exit code.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        let Self { status, stdout, stderr, .. } = self;
        assert_eq!(status.code(), Some(code), "{status}\nstdout: {stdout}\nstderr: {stderr}");
        self
    }

    /// Fails, showing everything that was said, unless standard error has all of these.
    #[track_caller]
    pub(crate) fn expect_said(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(self.stderr.contains(text), "expected `{text}` in:\n{}", self.stderr);
        }
        self
    }

    /// Fails unless nothing went to standard output, which is for results.
    #[track_caller]
    pub(crate) fn expect_no_result(&self) -> &Self {
        assert_eq!(self.stdout, "", "stderr: {}", self.stderr);
        self
    }

    /// Lines of the error message, without the progress before it.
    pub(crate) fn error(&self) -> Vec<&str> {
        self.stderr.lines().skip_while(|line| !line.starts_with("error: ")).collect()
    }

    /// Directory in which it was started.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Identifier of the run that it made.
    pub(crate) fn run_id(&self) -> String {
        run_id(self.dir()).unwrap_or_else(|| panic!("no run in {}\nstderr: {}", self.dir().display(), self.stderr))
    }

    /// Directory of the run that it made.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.dir().join("target/shakedown").join(self.run_id())
    }
}

/// Identifier of the newest run that was started in a directory.
pub(crate) fn run_id(dir: &Path) -> Option<String> {
    let latest = std::fs::read_link(dir.join("target/shakedown/latest")).ok()?;
    Some(latest.to_str()?.to_owned())
}

/// What comes out of a pipe, as far as it has.
struct Captured {
    lines: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn new(pipe: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let mut text = sink.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn text(&self) -> String {
        joined(&self.lines)
    }

    /// Everything, once the other end is closed: nothing that outlives the program may hold it.
    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            until(
                PATIENCE,
                || "somebody still holds the program's output".to_owned(),
                || reader.is_finished().then_some(()),
            );
        }
        self.text()
    }
}

fn joined(lines: &Mutex<String>) -> String {
    lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
