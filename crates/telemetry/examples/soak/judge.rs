//! What has to be true.

use std::time::Duration;

use crate::modes::{Mode, Seen};
use crate::service::DEADLINE;

/// Most that p99 may be above the service's without telemetry.
pub const MOST_P99: f64 = 1.10;
/// Most that resident memory may grow after warm-up, in MiB: queues and buffers are bounded, allocators are not exact.
const MOST_GROWTH: f64 = 8.0;
/// Most that it may still grow in the last quarter of a whole soak, in MiB: by then every queue has long been full.
const MOST_LATE_GROWTH: f64 = 1.0;
/// Time to end a process once its telemetry is shut down.
const TO_END: Duration = Duration::from_millis(500);

/// The outcome of a soak.
pub struct Verdict {
    /// What is not true that should be, each in a sentence.
    pub failures: Vec<String>,
    /// Why latency could not be judged although it was to be.
    pub invalid: Option<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// The median of the ratios of a mode's p99 to the baseline's in the same round.
pub fn p99_ratio(seen: &Seen, baseline: &Seen) -> f64 {
    let ratios = seen.rounds.iter().zip(&seen.p99).map(|(round, p99)| p99 / baseline.p99[*round]);
    median(ratios.collect())
}

pub fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// Judges; latency only when asked to, because a few seconds on a shared machine cannot tell.
pub fn judge(results: &[Seen], judges_latency: bool) -> Verdict {
    let mut verdict = Verdict { failures: Vec::new(), invalid: None, notes: Vec::new() };
    let baseline = &results[0];
    let noise = results.iter().find(|seen| seen.mode == Mode::Noise).map_or(1.0, |seen| p99_ratio(seen, baseline));
    let noisy = noise.max(1.0 / noise) > MOST_P99;
    if judges_latency && noisy {
        verdict.invalid = Some(format!(
            "two equal services differed by a factor of {noise:.2} in p99: this machine is too busy to judge latency"
        ));
    }
    for seen in results {
        let name = seen.mode.name();
        if seen.failed > 0 {
            verdict.failures.push(format!("{name}: {} of {} requests failed", seen.failed, seen.requests));
        }
        if !seen.mode.observed() {
            continue;
        }
        let ratio = p99_ratio(seen, baseline);
        if judges_latency && !noisy && ratio > MOST_P99 {
            verdict
                .failures
                .push(format!("{name}: p99 is {ratio:.2} times that without telemetry, expected {MOST_P99}"));
        }
        let growth = seen.rss_end - seen.rss_warm;
        if growth > MOST_GROWTH {
            verdict
                .failures
                .push(format!("{name}: memory grew by {growth:.1} MiB after warm-up, expected {MOST_GROWTH}"));
        }
        let growth = seen.rss_end - seen.rss_late;
        if judges_latency && growth > MOST_LATE_GROWTH {
            verdict.failures.push(format!(
                "{name}: memory grew by {growth:.1} MiB in the last quarter, expected {MOST_LATE_GROWTH}: it is not flat"
            ));
        }
        let took = seen.shutdown["took_ms"].as_f64().map(|ms| Duration::from_secs_f64(ms / 1e3));
        match took {
            None => verdict.failures.push(format!("{name}: the service ended without a report")),
            Some(took) if took > DEADLINE || seen.ended_in > DEADLINE + TO_END => verdict.failures.push(format!(
                "{name}: shutdown took {took:?} and the process {:?} to end, expected {DEADLINE:?}",
                seen.ended_in
            )),
            Some(_) => {}
        }
        if seen.mode.faulty() && lost(seen) == 0 {
            verdict.failures.push(format!(
                "{name}: nothing is counted as lost, so either the fault did not bite or the counters lie"
            ));
        }
        let lines = &seen.shutdown["logs"];
        if lines["dropped"].as_u64() > Some(0) {
            verdict.notes.push(format!("{name}: {} log lines were dropped", lines["dropped"]));
        }
    }
    verdict
}

/// Spans that were counted as not delivered.
pub fn lost(seen: &Seen) -> u64 {
    let spans = &seen.shutdown["spans"];
    ["failed", "dropped", "unsent"].iter().filter_map(|kind| spans[*kind].as_u64()).sum()
}
