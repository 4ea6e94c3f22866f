//! The one result of a run. Terminal, JSON, JUnit, HTML and the live page are readers of this model and of nothing else.

use std::collections::BTreeMap;

use chaos::verdict::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::promises::{Contracts, Drift, Evidence, Interaction};

/// Everything that a run found out, ready to be rendered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Identifier of the run; also the name of its directory.
    pub run_id: String,
    /// Name of the system, from `shakedown.toml`.
    pub system: String,
    /// The profile that was laid over the description; `embedded` when none was.
    pub profile: String,
    /// Whether the short (`--quick`) form was run.
    pub quick: bool,
    /// The seed that fixes schedules, payloads, identifiers and targets.
    pub seed: u64,
    /// The verdict over all phases.
    pub verdict: Verdict,
    /// The verdict in a sentence, naming the first culprit when there is one.
    pub sentence: String,
    /// Why the run ended before its end: the system was not built, did not start, was stopped.
    #[serde(default)]
    pub error: Option<String>,
    /// Start of the run, RFC 3339, UTC.
    pub started_at: String,
    /// Seconds from the start of the system to the verdict, builds excluded.
    pub wall_s: f64,
    /// Seconds spent in the system's build command.
    pub build_s: f64,
    /// Seconds from the start of the first process until every service was ready.
    pub ready_s: f64,
    /// Resident memory of all services together after the journeys, in bytes.
    pub resident_bytes: Option<u64>,
    /// The command that replays this run.
    pub replay: String,
    /// Version of this program.
    pub version: String,
    /// What the system ran on beside its own services; a report of an older version does not tell.
    #[serde(default)]
    pub components: Vec<Component>,
    /// Services of the system and what became of them.
    pub services: Vec<Service>,
    /// The contracts phase.
    pub contracts: Contracts,
    /// The journeys phase.
    pub journeys: Journeys,
    /// What the telemetry of journeys and load says.
    pub telemetry: Telemetry,
    /// The load phase.
    pub load: Load,
    /// The chaos phase, one entry for each scenario.
    pub chaos: Vec<Scenario>,
    /// Contracts held against what was seen of the running system.
    #[serde(default = "Drift::skipped")]
    pub drift: Drift,
    /// Messages found in dead-letter queues at the end of the run.
    pub dead_letters: Vec<DeadLetter>,
    /// What went wrong outside of any phase (a service that died unasked, telemetry dropped).
    pub notes: Vec<String>,
}

/// A broker or a database that is none of the system's services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Name in `shakedown.toml`.
    pub name: String,
    /// What it is, such as `PostgreSQL`.
    pub product: String,
    /// Its version, as it says itself.
    pub version: Option<String>,
    /// Where it comes from, in words.
    pub origin: String,
}

/// One supervised process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    /// Name in `shakedown.toml`.
    pub name: String,
    /// Milliseconds until it was ready.
    pub ready_ms: f64,
    /// Restarts, wanted or not.
    pub restarts: u32,
    /// Resident memory in bytes, where it could be read.
    pub resident_bytes: Option<u64>,
}

/// Result of the journeys phase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Journeys {
    /// Verdict of the phase.
    pub verdict: Verdict,
    /// Every journey that was run.
    pub journeys: Vec<Journey>,
}

/// One journey through the system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// Verdict over steps and telemetry expectations.
    pub verdict: Verdict,
    /// Milliseconds from first to last step.
    pub duration_ms: f64,
    /// What failed, a sentence each.
    pub failures: Vec<String>,
    /// Its steps in order.
    pub steps: Vec<Step>,
    /// Rows of its trace, in order of display, linked traces joined.
    pub waterfall: Vec<WaterfallRow>,
    /// Rows left out of `waterfall` to keep the report small.
    pub waterfall_omitted: usize,
}

/// One step of a journey.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Verdict of the step.
    pub verdict: Verdict,
    /// Response status, where there was one.
    pub status: Option<u16>,
    /// Milliseconds it took, retries of an `eventually` included.
    pub duration_ms: f64,
    /// What failed.
    pub failure: Option<String>,
    /// Trace that the step started.
    pub trace_id: Option<String>,
}

/// One bar of a waterfall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaterfallRow {
    /// Service that emitted the span.
    pub service: String,
    /// Span name.
    pub name: String,
    /// Span kind, lower case.
    pub kind: String,
    /// Microseconds since the first span of the flow.
    pub start_us: u64,
    /// Duration in microseconds.
    pub duration_us: u64,
    /// Depth in the joined tree.
    pub depth: usize,
    /// Whether this row continues the row above through a span link or a message id instead of a parent edge.
    pub linked: bool,
    /// `ok`, `error` or `unset`.
    pub status: String,
    /// Trace id, hexadecimal.
    pub trace_id: String,
    /// Span id, hexadecimal.
    pub span_id: String,
    /// Log lines of this span: level and message.
    pub logs: Vec<String>,
}

/// What the telemetry of a run says about its completeness.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Telemetry {
    /// Verdict of the checks.
    pub verdict: Verdict,
    /// Flows (closures of a client request over parents, links and message ids) that were checked.
    pub flows: usize,
    /// Spans in them.
    pub spans: usize,
    /// Log lines in them.
    pub log_lines: usize,
    /// Spans whose parent or link never arrived.
    pub orphan_spans: usize,
    /// Everything found wrong.
    pub findings: Vec<Finding>,
}

/// One thing found wrong in the telemetry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Stable identifier of the rule, such as `orphan-span`.
    pub rule: String,
    /// Service to blame.
    pub service: String,
    /// What is wrong, in a sentence.
    pub sentence: String,
    /// Traces to look at.
    pub trace_ids: Vec<String>,
}

/// Result of the load phase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// Verdict of the phase.
    pub verdict: Verdict,
    /// Why, where it did not pass.
    pub reasons: Vec<String>,
    /// Iterations that the schedule offered per second.
    pub offered_per_s: f64,
    /// Iterations that succeeded per second.
    pub achieved_per_s: f64,
    /// Iterations offered.
    pub offered: u64,
    /// Iterations that failed, timed out or were shed.
    pub errors: u64,
    /// Iterations shed because too many were in flight (part of `errors`).
    pub shed: u64,
    /// Latency of whole iterations, from the intended start.
    pub response: Percentiles,
    /// Latency of whole iterations, from the actual start.
    pub service: Percentiles,
    /// How late the generator started iterations.
    pub lag: Percentiles,
    /// Latency of each operation, from the moment it was sent.
    pub operations: BTreeMap<String, Percentiles>,
    /// One entry for each second.
    pub intervals: Vec<Interval>,
    /// Thresholds and what was measured.
    pub thresholds: Vec<Threshold>,
    /// Digest of the arrival schedule; the same for the same seed and shape.
    pub schedule_digest: String,
}

/// A latency distribution in milliseconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Percentiles {
    /// Samples.
    pub count: u64,
    /// Median.
    pub p50_ms: f64,
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// 99.9th percentile.
    pub p999_ms: f64,
    /// Largest value.
    pub max_ms: f64,
    /// Points (percentile in 0-100, milliseconds) of the curve, for plotting.
    pub curve: Vec<(f64, f64)>,
}

/// One second of load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interval {
    /// Seconds since the start of this load.
    pub second: u64,
    /// Iterations whose intended start lies in this second.
    pub offered: u64,
    /// Iterations that ended well in this second.
    pub ok: u64,
    /// Iterations that ended badly in this second.
    pub failed: u64,
    /// Median response latency in milliseconds of those that ended in this second.
    pub p50_ms: f64,
    /// 99th percentile in milliseconds.
    pub p99_ms: f64,
}

/// One threshold and what was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Threshold {
    /// As written.
    pub expression: String,
    /// Where it applied: `before`, `during`, `after`, or a phase name; empty for the whole load.
    pub phase: String,
    /// Whether it held.
    pub verdict: Verdict,
    /// What was measured, in a phrase.
    pub measured: String,
}

/// Result of one chaos scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub scenario: String,
    /// The question it asks, as a sentence.
    pub title: String,
    /// Verdict of the scenario.
    pub verdict: Verdict,
    /// Whether every fault proved that it bit.
    pub bitten: bool,
    /// Seconds from the end of the last fault until the recovery thresholds held; none when they never did.
    pub recovery_s: Option<f64>,
    /// Why it did not pass, a sentence each.
    pub reasons: Vec<String>,
    /// Injected faults.
    pub faults: Vec<Fault>,
    /// Phases with their start and end in seconds since the start of the scenario's load.
    pub phases: Vec<Phase>,
    /// Steady state before, during and after, and recovery.
    pub thresholds: Vec<Threshold>,
    /// Invariants at quiescence.
    pub invariants: Vec<Invariant>,
    /// What became of each load.
    #[serde(default)]
    pub loads: Vec<Tally>,
    /// The load during the scenario.
    pub load: Load,
    /// Seed of the scenario.
    pub seed: u64,
}

/// What became of the iterations of one load of a scenario, warm-up excluded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// Name of the load.
    pub load: String,
    /// Iterations offered.
    pub offered: u64,
    /// Those that succeeded.
    pub ok: u64,
    /// How the others failed and how often, the most frequent first.
    pub failures: Vec<(String, u64)>,
}

/// Kinds of failures that [`Tally`] names in a sentence.
const NAMED: usize = 3;

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {} of {} succeeded", self.load, self.ok, self.offered)?;
        for (index, (kind, count)) in self.failures.iter().take(NAMED).enumerate() {
            write!(f, "{} `{kind}` {count} times", if index == 0 { "; most often" } else { "," })?;
        }
        Ok(())
    }
}

/// A named stretch of time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// Start in seconds.
    pub from_s: f64,
    /// End in seconds.
    pub until_s: f64,
}

/// One injected fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// Kind, such as `kill` or `latency`.
    pub fault: String,
    /// Service, link or queue it acted on.
    pub target: String,
    /// Injection, in seconds since the start of the scenario's load.
    pub at_s: f64,
    /// Undo, in the same clock.
    pub until_s: f64,
    /// Whether it proved that it bit.
    pub bitten: bool,
    /// The proof in a sentence.
    pub evidence: String,
}

/// One invariant judged at quiescence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invariant {
    /// Its name.
    pub name: String,
    /// What it promises.
    pub says: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Things it was checked on.
    pub checked: u64,
    /// Violations found.
    pub violations: u64,
    /// The smallest counter-example.
    pub witness: Option<Value>,
    /// The result in a sentence.
    pub sentence: String,
    /// Traces of the witness.
    pub trace_ids: Vec<String>,
}

/// A message that a consumer gave up on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Queue that holds it.
    pub queue: String,
    /// Message id.
    pub message_id: String,
    /// Routing key or type.
    pub routing_key: String,
    /// Why it was given up.
    pub reason: String,
    /// First bytes of the body.
    pub body: String,
}
