//! What a load runs, implemented by whoever knows how to talk to the system.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::history::Outcome;
use crate::system::BoxFuture;

/// Runs single iterations of a journey.
pub trait Workload: Send + Sync {
    /// Runs the journey once. It should give up at the iteration's deadline; what it has not answered a little later is
    /// dropped and counts as unknown.
    fn iterate(&self, iteration: Iteration) -> BoxFuture<'_, IterationResult>;
}

/// One arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iteration {
    /// The load phase or scenario; sets identifiers of this use of the journey apart from those of other uses.
    pub scope: String,
    /// Name of the load.
    pub load: String,
    /// Journey to run.
    pub journey: String,
    /// Number of the arrival in its load, from 0.
    pub index: u64,
    /// Seed of the whole load. With `index` it fixes everything random in the iteration.
    pub seed: u64,
    /// When it was to start.
    pub intended: Instant,
    /// When it counts as timed out.
    pub deadline: Instant,
    /// Phase in which it was to start.
    pub phase: String,
}

/// What became of an iteration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IterationResult {
    /// Its operations, in order, as far as it got.
    pub operations: Vec<OperationRun>,
    /// Whether the journey as a whole succeeded.
    pub ok: bool,
    /// Why not, in a phrase that is the same for the same kind of failure (it is counted).
    pub error: Option<String>,
}

/// What became of one operation of an iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationRun {
    /// Name of the step.
    pub name: String,
    /// What the client knows about it.
    pub outcome: Outcome,
    /// Response status.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was sent.
    pub started: Instant,
    /// When its answer was complete, or it was given up.
    pub ended: Instant,
    /// Its trace.
    pub trace_id: Option<String>,
    /// The correlation id that it carried.
    pub correlation_id: Option<String>,
    /// What the history keeps of it: values sent, received and saved.
    pub saved: BTreeMap<String, Value>,
    /// Whether it waits for something to come about (a mail, a poll), so that its time is no latency of the system.
    pub waits: bool,
}
