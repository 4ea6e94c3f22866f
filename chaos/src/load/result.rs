//! The result of a load.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::Verdict;

/// What a load found out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadResult {
    /// Name of the load.
    pub load: String,
    /// Journey that every arrival ran.
    pub journey: String,
    /// Verdict over thresholds and the generator's own health.
    pub verdict: Verdict,
    /// Why it did not pass, a sentence each.
    pub reasons: Vec<String>,
    /// Iterations per second that the schedule offered, warm-up excluded.
    pub offered_per_s: f64,
    /// Iterations per second that succeeded, warm-up excluded.
    pub achieved_per_s: f64,
    /// Iterations offered, warm-up excluded.
    pub offered: u64,
    /// Iterations that succeeded.
    pub ok: u64,
    /// Iterations that failed, timed out or were shed.
    pub errors: u64,
    /// Iterations shed because too many were in flight (part of `errors`).
    pub shed: u64,
    /// Iterations that did not end by their deadline (part of `errors`).
    pub timeouts: u64,
    /// Kinds of failures and how often they occurred; at most 20, the rest under `other`.
    pub failures: BTreeMap<String, u64>,
    /// Latency of whole iterations from the intended start: those that succeeded, and those that timed out (at their
    /// deadline).
    pub response: Percentiles,
    /// Latency of the same iterations from the actual start.
    pub service: Percentiles,
    /// How late the generator started iterations.
    pub lag: Percentiles,
    /// Latency of each successful operation from the moment it was sent.
    pub operations: BTreeMap<String, Percentiles>,
    /// One entry for each second, warm-up included.
    pub intervals: Vec<Interval>,
    /// Thresholds and what was measured.
    pub thresholds: Vec<ThresholdResult>,
    /// Digest of the arrival schedule; the same for the same seed and shape.
    pub schedule_digest: String,
}

/// A latency distribution in milliseconds. All 0 when there are no samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Seconds since the start of the load.
    pub second: u64,
    /// Iterations whose intended start lies in this second.
    pub offered: u64,
    /// Iterations that ended well in this second.
    pub ok: u64,
    /// Iterations that ended badly in this second.
    pub failed: u64,
    /// Median response latency in milliseconds of those that ended in this second.
    pub p50_ms: f64,
    /// 99th percentile of the same.
    pub p99_ms: f64,
    /// 99th percentile of the generator's lag, of those that started in this second.
    pub lag_p99_ms: f64,
}

/// One threshold and what was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdResult {
    /// As written.
    pub expression: String,
    /// Where it was applied: `before`, `during`, `after`, `recover`, `abort` or a phase's name; empty for the whole load.
    pub phase: String,
    /// Whether it held; invalid when there were too few samples.
    pub verdict: Verdict,
    /// What was measured, in a phrase.
    pub measured: String,
}
