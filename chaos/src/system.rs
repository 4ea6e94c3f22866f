//! What the engine needs from whoever runs the system under test.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::proxy::Link;

/// A boxed future, so that the traits of this crate can be used as trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The system under test, as far as faults and scenarios need it.
///
/// Services are named; the message broker and whatever else can be stopped are services too.
pub trait System: Send + Sync {
    /// Names of everything that a scenario can aim at.
    fn targets(&self) -> Targets;

    /// Process id of a service; none when it does not run.
    fn pid(&self, service: &str) -> Option<u32>;

    /// Where a service listens, past any link; none when unknown.
    fn address(&self, service: &str) -> Option<SocketAddr>;

    /// Kills a service at once (SIGKILL) and returns when it is gone. It stays down until [`System::start`].
    fn kill<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>>;

    /// Starts a service that is down and returns when it is ready. Does nothing when it runs.
    fn start<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>>;

    /// Stops a service politely and returns when it is gone. It stays down until [`System::start`].
    fn stop<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>>;

    /// Freezes a service (SIGSTOP).
    fn pause<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>>;

    /// Lets a frozen service run on (SIGCONT). Does nothing when it is not frozen.
    fn resume<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>>;

    /// Whether a service answers that it is ready, asked once, now.
    fn ready<'a>(&'a self, service: &'a str) -> BoxFuture<'a, bool>;

    /// The fault-proxy link of that name (`from->to`).
    fn link(&self, name: &str) -> Option<Arc<Link>>;

    /// Makes the message broker deliver messages of the queues that match a glob twice, each with probability `p` drawn
    /// from `seed`, until [`System::clear_duplicates`].
    fn duplicate<'a>(&'a self, queue_glob: &'a str, p: f64, seed: u64) -> BoxFuture<'a, Result<(), SystemError>>;

    /// Ends the duplication, and returns the number of deliveries that were duplicated since it began.
    fn clear_duplicates(&self) -> BoxFuture<'_, Result<u64, SystemError>>;

    /// Waits until the system is at rest (nothing in flight, queues and outboxes empty), `within` at the longest.
    ///
    /// # Errors
    /// The conditions that were still unmet at the end of that time.
    fn at_rest(&self, within: Duration) -> BoxFuture<'_, Result<(), Vec<UnmetCondition>>>;
}

/// Names of everything that a scenario can aim at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Services that can be killed, stopped, paused and started.
    pub services: Vec<String>,
    /// Links, `from->to`.
    pub links: Vec<String>,
    /// Whether deliveries can be duplicated (the broker supports it).
    pub duplicates: bool,
}

/// A condition of rest that did not come about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmetCondition {
    /// What should have been, such as `outbox of order is empty`.
    pub condition: String,
    /// What was instead, such as `3 rows, oldest 4.2 s old`.
    pub found: String,
}

impl fmt::Display for UnmetCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.condition, self.found)
    }
}

/// Why the system could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SystemError {
    /// There is no such service or link.
    #[error("there is no `{0}` in the system")]
    Unknown(String),
    /// The system cannot do it at all.
    #[error("{0} is not supported by this system")]
    Unsupported(String),
    /// It tried and did not succeed.
    #[error("could not {action} `{target}`: {reason}")]
    Failed {
        /// What was tried, such as `start`.
        action: &'static str,
        /// On what.
        target: String,
        /// Why it did not work, with the condition that was waited for.
        reason: String,
    },
}
