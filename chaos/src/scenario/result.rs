//! The result of a scenario.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::invariants::InvariantResult;
use crate::load::{Interval, LoadResult, Percentiles, ThresholdResult};
use crate::verdict::Verdict;

/// Everything that a scenario found out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScenarioResult {
    /// Its name.
    pub scenario: String,
    /// The question it asks, as a sentence.
    pub title: String,
    /// Verdict over everything below.
    pub verdict: Verdict,
    /// Why it did not pass, a sentence each; the most telling one first.
    pub reasons: Vec<String>,
    /// Whether every fault proved that it bit.
    pub bitten: bool,
    /// The faults.
    pub faults: Vec<FaultResult>,
    /// Phases with their times.
    pub phases: Vec<PhaseTimes>,
    /// Steady state before, during and after the faults, and the conditions of recovery.
    pub thresholds: Vec<ThresholdResult>,
    /// Seconds from the end of the last undo until the conditions of recovery held for good; none when they never did.
    pub recovery_s: Option<f64>,
    /// All loads together, one entry for each second.
    pub intervals: Vec<Interval>,
    /// Response latency of all loads together, warm-up excluded.
    pub response: Percentiles,
    /// Every load by its name.
    pub loads: BTreeMap<String, LoadResult>,
    /// Invariants at rest.
    pub invariants: Vec<InvariantResult>,
    /// The seed.
    pub seed: u64,
    /// Digest over the schedules of all loads.
    pub schedule_digest: String,
}

/// One fault of a scenario. Times are seconds since the start of the scenario's load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultResult {
    /// Kind, such as `kill` or `latency`.
    pub fault: String,
    /// Service, link or queue.
    pub target: String,
    /// When it was injected.
    pub at_s: f64,
    /// When its undo was complete.
    pub until_s: f64,
    /// Whether it proved that it bit.
    pub bitten: bool,
    /// The proof, or what was looked for in vain, as a sentence.
    pub evidence: String,
}

/// A named stretch of time, in seconds since the start of the scenario's load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// `warmup`, `baseline`, `inject`, `recover`, `drain`.
    pub name: String,
    /// Start.
    pub from_s: f64,
    /// End.
    pub until_s: f64,
}
