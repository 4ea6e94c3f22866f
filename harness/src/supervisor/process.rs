//! One process of a service: started in its own process group, watched, signalled, and gone with all its children.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use regex::Regex;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::logs::{Log, Stream, capture};
use super::sweep::signal_group;
use super::watchdog::Watchdog;

/// Time that the output of an ended process may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start `{program}`: {reason}")]
pub struct SpawnError {
    /// The program as configured.
    pub program: String,
    /// Why, and what to do.
    pub reason: String,
}

impl SpawnError {
    pub(super) fn new(argv: &[String], dir: &Path, source: io::Error) -> Self {
        let reason = match source.kind() {
            io::ErrorKind::NotFound if !dir.is_dir() => format!("its folder `{}` does not exist", dir.display()),
            io::ErrorKind::NotFound => {
                "there is no such program; is it built, and in the PATH or named by its path?".to_owned()
            }
            io::ErrorKind::PermissionDenied => "it is not executable".to_owned(),
            _ => source.to_string(),
        };
        Self { program: argv.first().cloned().unwrap_or_default(), reason }
    }
}

/// What leads to the contract broker, and is for the harness only: what a service logs is kept and shown. An address may be
/// that of a database, with a password in it.
const BROKER_SECRETS: [&str; 5] =
    ["PACT_BROKER_BASE_URL", "PACT_BROKER_TOKEN", "PACT_BROKER_USERNAME", "PACT_BROKER_PASSWORD", "BROKER_DATABASE"];

/// A command for an argument vector, in its own process group, killed when dropped.
pub(super) fn program(argv: &[String], dir: &Path) -> Result<Program, SpawnError> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(SpawnError { program: String::new(), reason: "the command is empty".to_owned() });
    };
    // The platform may resolve a relative path before or after changing the folder; said outright, it is the folder's.
    let path = if program.contains('/') { dir.join(program) } else { PathBuf::from(program) };
    let mut command = Command::new(path);
    command.args(arguments).current_dir(dir).process_group(0).kill_on_drop(true);
    for secret in BROKER_SECRETS {
        command.env_remove(secret);
    }
    Ok(Program { command })
}

/// See [`program`].
#[derive(Debug)]
pub(super) struct Program {
    pub(super) command: Command,
}

/// What to start.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) argv: Vec<String>,
    pub(super) dir: PathBuf,
    pub(super) env: BTreeMap<String, String>,
    /// A line of output that means readiness.
    pub(super) pattern: Option<Regex>,
}

/// A started process.
#[derive(Debug)]
pub(super) struct Process {
    /// Process id, and id of its group.
    pub(super) pid: u32,
    /// When it was started.
    pub(super) started: Instant,
    /// Whether its end was asked for.
    pub(super) asked: AtomicBool,
    exit: watch::Receiver<Option<Exit>>,
    matched: watch::Receiver<bool>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Exit status or signal, in words, such as `exit status: 3`.
    pub status: String,
    /// Whether it ended with 0.
    pub success: bool,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

impl Exit {
    fn of(status: io::Result<ExitStatus>) -> Self {
        match status {
            Ok(status) => Self { status: status.to_string(), success: status.success(), signal: status.signal() },
            Err(error) => Self { status: format!("unknown: {error}"), success: false, signal: None },
        }
    }
}

impl Process {
    /// Starts a process. Its end kills what is left of its group.
    pub(super) fn spawn(launch: &Launch, log: &Arc<Log>, watchdog: Arc<Watchdog>) -> Result<Self, SpawnError> {
        let mut child = program(&launch.argv, &launch.dir)?
            .command
            .envs(&launch.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| SpawnError::new(&launch.argv, &launch.dir, source))?;
        let started = Instant::now();
        let pid = child.id().unwrap_or(0);
        watchdog.guard(pid);
        let (match_send, matched) = watch::channel(false);
        let match_send = Arc::new(match_send);
        let reader = |stream: Stream| {
            let (pattern, sender) = (launch.pattern.clone(), Arc::clone(&match_send));
            let each = move |line: &str| {
                if pattern.as_ref().is_some_and(|pattern| pattern.is_match(line)) {
                    sender.send_replace(true);
                }
            };
            (stream, Arc::clone(log), each)
        };
        let mut readers: Vec<JoinHandle<()>> = Vec::new();
        if let Some(out) = child.stdout.take() {
            let (stream, log, each) = reader(Stream::Out);
            readers.push(tokio::spawn(capture(out, stream, log, each)));
        }
        if let Some(err) = child.stderr.take() {
            let (stream, log, each) = reader(Stream::Err);
            readers.push(tokio::spawn(capture(err, stream, log, each)));
        }
        let (exit_send, exit) = watch::channel(None);
        let guard = GroupGuard { group: pid, watchdog };
        tokio::spawn(async move {
            let end = Exit::of(child.wait().await);
            drop(guard);
            // The end is told once the last words are in the log, because whoever hears of it will quote them.
            let deadline = tokio::time::Instant::now() + LAST_WORDS;
            for mut reader in readers {
                if tokio::time::timeout_at(deadline, &mut reader).await.is_err() {
                    // Something outside of the group holds the pipe; it must not hold us.
                    reader.abort();
                }
            }
            exit_send.send_replace(Some(end));
        });
        Ok(Self { pid, started, asked: AtomicBool::new(false), exit, matched })
    }

    /// Sends a signal to the whole group, unless the process has ended.
    pub(super) fn signal(&self, signal: Signal) {
        if self.exit.borrow().is_none() {
            signal_group(self.pid, signal);
        }
    }

    /// How it ended, if it has.
    pub(super) fn exit(&self) -> Option<Exit> {
        self.exit.borrow().clone()
    }

    /// Waits for its end.
    pub(super) fn ended(&self) -> impl Future<Output = Exit> + use<> {
        let mut exit = self.exit.clone();
        async move {
            let ended = exit.wait_for(Option::is_some).await.ok().and_then(|exit| exit.clone());
            // The sender goes only with the runtime, and then nobody waits.
            ended.unwrap_or(Exit { status: "unknown".to_owned(), success: false, signal: None })
        }
    }

    /// Whether a line matched the pattern of readiness, now and later.
    pub(super) fn matched(&self) -> watch::Receiver<bool> {
        self.matched.clone()
    }
}

/// Kills what is left of a group when its process has ended, or when the runtime goes down with the process alive.
struct GroupGuard {
    group: u32,
    watchdog: Arc<Watchdog>,
}

impl Drop for GroupGuard {
    fn drop(&mut self) {
        signal_group(self.group, Signal::SIGKILL);
        self.watchdog.release(self.group);
    }
}
