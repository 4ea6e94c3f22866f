//! One service of the system, over all its starts and ends.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chaos::BoxFuture;
use nix::sys::signal::Signal;

use super::container::Container;
use super::logs::Log;
use super::process::{Exit, Launch, Process, SpawnError};
use super::readiness::{Probe, Unready, ask, await_ready};
use super::stop::{Ending, Stopped};
use super::watchdog::Watchdog;
use crate::config::{Restart, Stop, StopSignal};
use crate::events::{Event, Events};

/// Lines of output that a failure shows.
const TAIL: usize = 20;
/// Restarts in a row after which a service that keeps dying stays dead.
const MOST_RESTARTS: u32 = 5;
/// Pause before the first restart; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Time for a killed process to disappear.
const GONE: Duration = Duration::from_secs(10);

/// Why a service is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its program cannot be started.
    #[error("service `{service}`: {source}")]
    Spawn {
        /// The service.
        service: String,
        /// Why.
        source: SpawnError,
    },
    /// It ended before it was ready.
    #[error("service `{service}` ended before it was ready ({status}); waited for: {condition}{}", Quote(tail))]
    Exited {
        /// The service.
        service: String,
        /// How it ended.
        status: String,
        /// What was waited for.
        condition: String,
        /// Its last lines of output.
        tail: Vec<String>,
    },
    /// It did not become ready in time.
    #[error("service `{service}` was not ready within {:.1} s; waited for: {condition}; found: {found}{}", within.as_secs_f64(), Quote(tail))]
    NotReady {
        /// The service.
        service: String,
        /// Time allowed.
        within: Duration,
        /// What was waited for.
        condition: String,
        /// What was found instead.
        found: String,
        /// Its last lines of output.
        tail: Vec<String>,
    },
    /// The engine would not do what its container needs.
    #[error("service `{service}`: {reason}")]
    Container {
        /// The service.
        service: String,
        /// Why, and what to do.
        reason: String,
    },
    /// It was killed and is still there.
    #[error("service `{service}` (process {pid}) survived SIGKILL for {} s", GONE.as_secs())]
    Undead {
        /// The service.
        service: String,
        /// Its process.
        pid: u32,
    },
}

/// Last lines of output, indented under a heading.
struct Quote<'l>(&'l [String]);

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("\nit printed nothing");
        }
        f.write_str("\nlast lines of its output:")?;
        self.0.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

/// An end that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexpectedExit {
    /// The service.
    pub service: String,
    /// How it ended.
    pub status: String,
    /// Whether it was started again.
    pub restarted: bool,
    /// Its last lines of output.
    pub tail: Vec<String>,
}

/// What is known about a service at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The service.
    pub name: String,
    /// Its process, when it runs.
    pub pid: Option<u32>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Starts after the first one, wanted or not.
    pub restarts: u32,
    /// Milliseconds from the start of its first process until it was ready; 0 when it never was.
    pub ready_ms: f64,
    /// Resident memory in bytes, child processes included, where it could be read.
    pub resident_bytes: Option<u64>,
}

/// A supervised service.
pub(super) struct Service {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) launch: Launch,
    /// Where its processes are, when they are not the children of the one that is started.
    pub(super) container: Option<Container>,
    pub(super) probe: Probe,
    pub(super) within: Duration,
    pub(super) stop: Stop,
    pub(super) restart: Restart,
    pub(super) log: Arc<Log>,
    pub(super) watchdog: Arc<Watchdog>,
    pub(super) events: Events,
    /// Held during starts and ends, so that two of them never overlap.
    pub(super) changing: tokio::sync::Mutex<()>,
    pub(super) state: State,
}

/// What changes about a service.
#[derive(Default)]
pub(super) struct State {
    process: Mutex<Option<Arc<Process>>>,
    /// Whether it should be running, and so be started again by its policy.
    wanted: AtomicBool,
    /// Whether its container is frozen.
    frozen: AtomicBool,
    starts: AtomicU32,
    ready_in: Mutex<Option<Duration>>,
    exits: Mutex<Vec<UnexpectedExit>>,
}

impl Service {
    fn tell(&self, state: &'static str, detail: impl Into<String>) {
        self.events.send(Event::Service { name: self.name.clone(), state, detail: detail.into() });
    }

    /// Whether others need it to be there before them and after them: the broker, databases.
    pub(super) fn is_needed(&self) -> bool {
        self.container.is_some() || self.name == super::system::BROKER
    }

    /// The process, if it runs.
    pub(super) fn process(&self) -> Option<Arc<Process>> {
        let process = self.state.process.lock().unwrap_or_else(PoisonError::into_inner).clone();
        process.filter(|process| process.exit().is_none())
    }

    pub(super) fn instance(&self) -> Instance {
        Instance {
            name: self.name.clone(),
            pid: self.process().map(|process| process.pid),
            address: self.address,
            restarts: self.state.starts.load(Ordering::Relaxed).saturating_sub(1),
            ready_ms: self
                .state
                .ready_in
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .map_or(0.0, |ready_in| ready_in.as_secs_f64() * 1e3),
            resident_bytes: None,
        }
    }

    pub(super) fn unexpected_exits(&self) -> Vec<UnexpectedExit> {
        self.state.exits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it answers that it is ready, asked once.
    pub(super) async fn ready(&self) -> bool {
        match self.process() {
            Some(process) => ask(&self.probe, &process).await.is_ok(),
            None => false,
        }
    }

    /// Starts it, unless it runs, and waits until it is ready.
    pub(super) async fn start(self: &Arc<Self>) -> Result<(), ServiceError> {
        let _changing = self.changing.lock().await;
        if self.process().is_some() {
            return Ok(());
        }
        self.launch().await
    }

    async fn launch(self: &Arc<Self>) -> Result<(), ServiceError> {
        if let Some(container) = &self.container {
            container.create().await.map_err(|reason| self.refused(reason))?;
        }
        let process = Process::spawn(&self.launch, &self.log, Arc::clone(&self.watchdog))
            .map_err(|source| ServiceError::Spawn { service: self.name.clone(), source })?;
        let process = Arc::new(process);
        *self.state.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&process));
        self.state.starts.fetch_add(1, Ordering::Relaxed);
        // Whoever is started anew is not frozen.
        self.state.frozen.store(false, Ordering::SeqCst);
        self.tell("starting", format!("pid {}", process.pid));
        let unready = match await_ready(&self.probe, &process, self.within).await {
            Ok(took) => {
                self.state.ready_in.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(took);
                self.state.wanted.store(true, Ordering::SeqCst);
                self.tell("ready", format!("at {} in {} ms", self.address, took.as_millis()));
                tokio::spawn(Arc::clone(self).watch(process));
                return Ok(());
            }
            Err(unready) => unready,
        };
        let (service, condition) = (self.name.clone(), self.probe.to_string());
        let error = match unready {
            Unready::Exited(Exit { status, .. }) => {
                self.tell("exited", status.clone());
                ServiceError::Exited { service, status, condition, tail: self.log.tail(TAIL) }
            }
            Unready::TimedOut(found) => {
                let tail = self.log.tail(TAIL);
                // The error to tell is why it was not ready.
                let _ = self.signal(&process, Signal::SIGKILL).await;
                let _ = tokio::time::timeout(GONE, process.ended()).await;
                self.tell("killed", "it was not ready in time");
                ServiceError::NotReady { service, within: self.within, condition, found, tail }
            }
        };
        Err(error)
    }

    /// Notices the end of a process that should be running.
    async fn watch(self: Arc<Self>, process: Arc<Process>) {
        let exit = process.ended().await;
        if process.asked.load(Ordering::SeqCst) {
            return;
        }
        let again = match self.restart {
            Restart::Never => false,
            Restart::OnFailure => !exit.success,
            Restart::Always => true,
        };
        let entry = UnexpectedExit {
            service: self.name.clone(),
            status: exit.status.clone(),
            restarted: again,
            tail: self.log.tail(TAIL),
        };
        let deaths = {
            let mut exits = self.state.exits.lock().unwrap_or_else(PoisonError::into_inner);
            exits.push(entry);
            u32::try_from(exits.len()).unwrap_or(u32::MAX)
        };
        self.tell("exited", format!("unasked, {}", exit.status));
        if again && deaths <= MOST_RESTARTS {
            Arc::clone(&self).start_again(deaths).await;
        } else if let Some(last) = self.state.exits.lock().unwrap_or_else(PoisonError::into_inner).last_mut() {
            last.restarted = false;
        }
    }

    /// Boxed, because a restart watches the next process, which may be restarted in turn.
    fn start_again(self: Arc<Self>, deaths: u32) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            tokio::time::sleep(FIRST_PAUSE * 2u32.pow(deaths.min(MOST_RESTARTS))).await;
            let _changing = self.changing.lock().await;
            if self.state.wanted.load(Ordering::SeqCst)
                && self.process().is_none()
                && let Err(error) = self.launch().await
            {
                self.tell("exited", error.to_string());
            }
        })
    }

    /// Kills it and returns when it is gone.
    pub(super) async fn kill(&self) -> Result<(), ServiceError> {
        let _changing = self.changing.lock().await;
        self.state.wanted.store(false, Ordering::SeqCst);
        let Some(process) = self.process() else { return Ok(()) };
        process.asked.store(true, Ordering::SeqCst);
        self.signal(&process, Signal::SIGKILL).await?;
        if tokio::time::timeout(GONE, process.ended()).await.is_err() {
            return Err(ServiceError::Undead { service: self.name.clone(), pid: process.pid });
        }
        self.tell("killed", format!("pid {}", process.pid));
        Ok(())
    }

    /// Stops it politely, kills it at its deadline, and returns when it is gone.
    pub(super) async fn stop(&self) -> Stopped {
        // Set before waiting for a start under way: what is being started must not be restarted.
        self.state.wanted.store(false, Ordering::SeqCst);
        let _changing = self.changing.lock().await;
        self.state.wanted.store(false, Ordering::SeqCst);
        let begun = Instant::now();
        let stopped = |ending| Stopped { service: self.name.clone(), ending, took: begun.elapsed() };
        let Some(process) = self.process() else { return stopped(Ending::NotRunning) };
        let signal = match self.stop.signal {
            StopSignal::Term => Signal::SIGTERM,
            StopSignal::Int => Signal::SIGINT,
            StopSignal::Quit => Signal::SIGQUIT,
        };
        process.asked.store(true, Ordering::SeqCst);
        // What could not be signalled is killed at its deadline. A frozen process would never see the polite signal.
        let _ = self.signal(&process, signal).await;
        let _ = self.thaw(&process).await;
        if let Ok(exit) = tokio::time::timeout(self.stop.within, process.ended()).await {
            self.tell("stopped", exit.status.clone());
            // The status of an attached container is the container's: 128 and the signal, for a shell as for it.
            let signalled = exit.signal == Some(signal as i32) || self.container.is_some();
            let success = exit.success || signalled;
            return stopped(Ending::Exited { status: exit.status, success });
        }
        let _ = self.signal(&process, Signal::SIGKILL).await;
        let ending = match tokio::time::timeout(GONE, process.ended()).await {
            Ok(_) => Ending::Killed,
            Err(_) => Ending::Undead { pid: process.pid },
        };
        self.tell("killed", format!("it did not stop within {} ms", self.stop.within.as_millis()));
        stopped(ending)
    }

    /// Ends it for good: politely, or by removing its container, whose data nobody will look at. What is left of that is
    /// told.
    pub(super) async fn end(&self) -> (Stopped, Option<String>) {
        let Some(container) = &self.container else { return (self.stop().await, None) };
        let begun = Instant::now();
        let killed = self.kill().await;
        let left = container.remove().await.err();
        let left = left.map(|reason| format!("the container of `{}` is still there: {reason}", self.name));
        let ending = match killed {
            Err(ServiceError::Undead { pid, .. }) => Ending::Undead { pid },
            Ok(()) | Err(_) => Ending::NotRunning,
        };
        (Stopped { service: self.name.clone(), ending, took: begun.elapsed() }, left)
    }

    /// Sends a signal to all of its processes.
    async fn signal(&self, process: &Process, signal: Signal) -> Result<(), ServiceError> {
        match &self.container {
            None => process.signal(signal),
            Some(container) => {
                let sent = container.signal(signal).await;
                // One that ended meanwhile cannot be signalled any more, and need not be.
                if process.exit().is_none() {
                    sent.map_err(|reason| self.refused(reason))?;
                }
            }
        }
        Ok(())
    }

    /// Lets its processes run on; fine when they do.
    async fn thaw(&self, process: &Process) -> Result<(), ServiceError> {
        match &self.container {
            None => process.signal(Signal::SIGCONT),
            Some(container) if self.state.frozen.swap(false, Ordering::SeqCst) => {
                container.unpause().await.map_err(|reason| self.refused(reason))?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Freezes all of its processes, or lets them run on; false when it does not run.
    pub(super) async fn freeze(&self, frozen: bool) -> Result<bool, ServiceError> {
        let Some(process) = self.process() else { return Ok(false) };
        match &self.container {
            _ if !frozen => self.thaw(&process).await?,
            None => process.signal(Signal::SIGSTOP),
            Some(container) => {
                container.pause().await.map_err(|reason| self.refused(reason))?;
                self.state.frozen.store(true, Ordering::SeqCst);
            }
        }
        Ok(true)
    }

    fn refused(&self, reason: String) -> ServiceError {
        ServiceError::Container { service: self.name.clone(), reason }
    }
}
