//! Nothing is left behind, even when the harness is killed with SIGKILL: a second process watches it.
//!
//! The watchdog is the same program, in a session of its own, reading a pipe whose other end only the harness holds.
//! Over it, it learns the process groups of the run. When the pipe ends without a goodbye, the harness is dead, and the
//! watchdog kills every group and every process that carries the run's id in its environment.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};

use super::RUN_ID_VARIABLE;
use super::container;
use super::sweep::{kill_marked, signal_group};

/// How long the watchdog looks for processes of a dead run.
const SWEEP: Duration = Duration::from_secs(10);
/// How long the watchdog may take to remove containers.
const CONTAINERS: Duration = Duration::from_secs(60);
/// How long the harness waits for a watchdog it said goodbye to.
const GOODBYE: Duration = Duration::from_secs(2);
/// What the watchdog says once it listens.
const READY: &str = "watching";

/// The harness's end: while it lives, the watchdog waits; dropped without a [`Watchdog::farewell`], everything of the run
/// is killed.
#[derive(Debug)]
pub struct Watchdog {
    child: Mutex<Option<Child>>,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Watchdog {
    /// Nobody watches.
    #[must_use]
    pub fn none() -> Self {
        Self { child: Mutex::default(), pipe: Mutex::default() }
    }

    /// Starts the running program as the watchdog of a run.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not answer.
    pub fn spawn(run_id: &str, journal: &Path) -> io::Result<Self> {
        Self::start(super::own_program(), &["watchdog".into()], run_id, journal)
    }

    /// Starts `program` (with `arguments` first), which must call [`run`] when it gets the arguments
    /// `--run-id ID --journal PATH`, and waits until it listens.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not answer.
    pub fn start(program: &Path, arguments: &[OsString], run_id: &str, journal: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .arg("--run-id")
            .arg(run_id)
            .arg("--journal")
            .arg(journal)
            // With the mark of its own run it would have to kill itself.
            .env_remove(RUN_ID_VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever reads the harness's standard error to its end must not have to wait for the watchdog.
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = child.stdin.take();
        let mut answer = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output.take(1024)).read_line(&mut answer)?;
        }
        if answer.trim_end() != READY {
            let _ = child.kill();
            let status = child.wait()?;
            return Err(io::Error::other(format!("`{}` did not become a watchdog ({status})", program.display())));
        }
        Ok(Self { child: Mutex::new(Some(child)), pipe: Mutex::new(pipe) })
    }

    /// Puts a process group under guard.
    pub fn guard(&self, group: u32) {
        self.say(&format!("guard {group}\n"));
    }

    /// Puts the run's containers under guard, those to come too.
    pub fn guard_containers(&self) {
        self.say("containers\n");
    }

    /// Releases a process group that has ended.
    pub fn release(&self, group: u32) {
        self.say(&format!("release {group}\n"));
    }

    /// Ends the watch: nothing of the run is left.
    pub fn farewell(&self) {
        self.say("goodbye\n");
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut child) = self.child.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let deadline = Instant::now() + GOODBYE;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let _ = child.kill();
                let _ = child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn say(&self, line: &str) {
        // A watchdog that was killed cannot help any more; the run itself goes on.
        if let Some(pipe) = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

/// What the watchdog did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The harness ended well.
    Goodbye,
    /// The harness died.
    CleanedUp {
        /// Processes that were killed by their mark, after the groups.
        killed: usize,
        /// Processes that would not die.
        left: usize,
        /// Faults that were undone.
        undone: usize,
        /// Containers that were removed.
        containers: usize,
    },
}

/// The life of the watchdog process: waits on its standard input until the harness says goodbye or dies.
///
/// # Errors
///
/// When the process cannot leave the harness's session or cannot listen.
pub async fn run(run_id: &str, journal: &Path) -> io::Result<Outcome> {
    let (run_id, journal) = (run_id.to_owned(), journal.to_owned());
    // Everything here blocks, on the pipe at first; the runtime is there for the signals.
    tokio::task::spawn_blocking(move || watch(&run_id, &journal)).await.map_err(io::Error::other)?
}

fn watch(run_id: &str, journal: &Path) -> io::Result<Outcome> {
    // A Ctrl-C in the terminal, or the end of it, concerns the harness; its watchdog must outlive it.
    if let Err(error) = nix::unistd::setsid()
        && nix::unistd::getpgrp() != nix::unistd::getpid()
    {
        return Err(error.into());
    }
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        // Once a handler is installed, the signal no longer ends the process; nobody reads it.
        drop(signal(kind)?);
    }
    let mut output = io::stdout();
    writeln!(output, "{READY}")?;
    output.flush()?;

    let Heard { groups, containers, goodbye } = listen(io::stdin().lock());
    if goodbye {
        return Ok(Outcome::Goodbye);
    }
    let deadline = Instant::now() + SWEEP;
    for group in groups {
        signal_group(group, Signal::SIGKILL);
    }
    let (killed, left) = kill_marked(RUN_ID_VARIABLE, run_id, deadline);
    // After the commands that may have been about to make one.
    let containers = if containers { container::remove_run(run_id, Instant::now() + CONTAINERS) } else { 0 };
    // Last, because a fault is gone once the process is that it lived in.
    let undone = super::undo::replay(journal);
    let outcome = Outcome::CleanedUp { killed, left, undone, containers };
    // Beside the journal, for whoever wonders; the run directory may be gone, and then nobody does.
    let note = format!(
        "the harness died; killed what it left behind ({killed} outside of known groups, {left} still there), removed {containers} containers, undid {undone} faults\n"
    );
    let _ = std::fs::write(journal.with_file_name("watchdog.log"), note);
    Ok(outcome)
}

/// What the harness said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    /// Groups under guard.
    groups: BTreeSet<u32>,
    /// Whether the run has containers.
    containers: bool,
    goodbye: bool,
}

/// Reads to the end of the pipe.
fn listen(pipe: impl BufRead) -> Heard {
    let mut heard = Heard::default();
    for line in pipe.lines().map_while(Result::ok) {
        match line.split_once(' ').map(|(word, group)| (word, group.parse::<u32>())) {
            Some(("guard", Ok(group))) => {
                heard.groups.insert(group);
            }
            Some(("release", Ok(group))) => {
                heard.groups.remove(&group);
            }
            _ if line == "containers" => heard.containers = true,
            _ if line == "goodbye" => {
                heard.goodbye = true;
                return heard;
            }
            _ => {}
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_guarded_until_released() {
        let said = "guard 5\nguard 6\nnonsense\nrelease 5\nguard x\n";
        let expected = Heard { groups: BTreeSet::from([6]), ..Heard::default() };
        assert_eq!(listen(said.as_bytes()), expected);
        assert!(listen("guard 5\ngoodbye\nguard 6\n".as_bytes()).goodbye);
        assert!(!listen("goodby".as_bytes()).goodbye);
        assert!(listen("containers\nguard 5\n".as_bytes()).containers);
    }

    #[test]
    fn a_program_that_is_no_watchdog_is_refused() {
        let error = Watchdog::start(Path::new("true"), &[], "r", Path::new("/nowhere")).expect_err("no watchdog");
        assert!(error.to_string().starts_with("`true` did not become a watchdog"), "{error}");
    }
}
