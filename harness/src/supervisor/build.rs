//! Commands that run to their end: the system's build, the recording of pacts.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::RUN_ID_VARIABLE;
use super::environment::profile_of;
use super::process::{SpawnError, program};
use super::sweep::signal_group;
use crate::config::Command;
use crate::config::placeholder::{PlaceholderError, expand};

/// Lines kept for the error message.
const TAIL: usize = 40;
/// Longest line that is passed on, in bytes.
const LONGEST_LINE: u64 = 16 * 1024;
/// Time that the output of an ended command may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// It was cancelled.
    #[error("`{command}` was stopped before its end")]
    Interrupted {
        /// The command line.
        command: String,
    },
    /// The file for its output cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// A placeholder in it cannot be filled in.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderError),
    /// It failed.
    #[error("`{command}` failed ({status}); all of its output is in `{}`, the last of it is:\n{}", log.display(), tail.join("\n"))]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The file with all of its output.
        log: PathBuf,
        /// Its last lines of output.
        tail: Vec<String>,
    },
}

/// The value of a placeholder in a command that runs to its end.
fn value(name: &str, run_id: &str) -> Option<String> {
    let exe_dir = super::environment::exe_dir();
    match name {
        "exe_dir" => Some(exe_dir.display().to_string()),
        "target_dir" => Some(exe_dir.parent().unwrap_or(&exe_dir).display().to_string()),
        "profile" => Some(profile_of(&exe_dir).to_owned()),
        "run_id" => Some(run_id.to_owned()),
        _ => None,
    }
}

/// Whether cargo set a variable to describe the package that `cargo run` started. It is about this program and not about
/// what the command builds; build scripts that watch such variables would otherwise run, and recompile, again.
fn names_a_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    name == "OUT_DIR" || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Runs a command to its end, with `env` on top of its own environment. What it prints, on either stream, goes to the
/// file `log`. When the future is dropped or `cancel` is cancelled, the command dies with everything that it started.
///
/// # Errors
///
/// When it cannot be started, is cancelled, or ends with anything but 0.
pub async fn run_command(
    command: &Command,
    env: &BTreeMap<String, String>,
    run_id: &str,
    log: &Path,
    cancel: &CancellationToken,
) -> Result<(), BuildError> {
    let fill = |text: &String| expand(text, |name| value(name, run_id));
    let argv = command.command.iter().map(fill).collect::<Result<Vec<_>, _>>()?;
    let own_env = command.env.iter().map(|(key, value)| Ok((key.clone(), fill(value)?)));
    let own_env = own_env.collect::<Result<BTreeMap<_, _>, PlaceholderError>>()?;
    let unwritten = |source| BuildError::Log { path: log.to_owned(), source };
    let mut file = BufWriter::new(File::create(log).map_err(unwritten)?);
    let mut program = program(&argv, &command.dir)?;
    for (name, _) in std::env::vars_os().filter(|(name, _)| names_a_package(name)) {
        program.command.env_remove(name);
    }
    let mut child = program
        .command
        .env(RUN_ID_VARIABLE, run_id)
        .envs(&own_env)
        .envs(env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| SpawnError::new(&argv, &command.dir, source))?;
    let group = Group(child.id().unwrap_or(0));

    let (send, mut lines) = mpsc::channel::<String>(256);
    if let Some(out) = child.stdout.take() {
        tokio::spawn(forward(out, send.clone()));
    }
    if let Some(err) = child.stderr.take() {
        tokio::spawn(forward(err, send.clone()));
    }
    // With the readers' own senders gone at the end of both streams, the channel ends too.
    drop(send);
    let mut tail = VecDeque::new();
    let mut take = |text: String| {
        // The file is a convenience; a full disk fails the command itself soon enough.
        let _ = writeln!(file, "{text}");
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(text);
    };
    // A process that the command left running may hold the pipes open; the command's own end is what counts.
    let status = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(BuildError::Interrupted { command: argv.join(" ") }),
            Some(text) = lines.recv() => take(text),
            status = child.wait() => break status.map_err(|source| SpawnError::new(&argv, &command.dir, source))?,
        }
    };
    drop(group);
    // The group is dead, so the pipes end, unless something left it; then its output is not ours any more.
    let deadline = tokio::time::Instant::now() + LAST_WORDS;
    while let Ok(Some(text)) = tokio::time::timeout_at(deadline, lines.recv()).await {
        take(text);
    }
    file.flush().map_err(unwritten)?;
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed { command: argv.join(" "), status, log: log.to_owned(), tail: tail.into() })
}

async fn forward(stream: impl tokio::io::AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if lines.send(text).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Kills a process group when dropped.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        signal_group(self.0, Signal::SIGKILL);
    }
}
