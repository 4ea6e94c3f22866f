//! The results, for people and for programs.

use std::fmt::Write;

use serde_json::json;

use crate::Plan;
use crate::judge::{Verdict, lost, median, p99_ratio};
use crate::modes::Seen;

/// One line per mode, then the verdict.
pub fn text(plan: &Plan, results: &[Seen], verdict: &Verdict) -> String {
    let mut out = format!(
        "{} requests/s, {} s per mode in slices of {:?}; medians of slices; ratios to `no telemetry` in the same round\n\n",
        plan.rate, plan.seconds, plan.slice
    );
    let _ = writeln!(
        out,
        "{:<22} {:>8} {:>8} {:>7} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "mode",
        "p50 us",
        "p99 us",
        "ratio",
        "cpu us",
        "MiB warm",
        "late",
        "end",
        "exported",
        "lost",
        "shutdown",
        "failed"
    );
    for seen in results {
        let shutdown = seen.shutdown["took_ms"].as_f64().map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
        let _ = writeln!(
            out,
            "{:<22} {:>8.0} {:>8.0} {:>7.2} {:>8.1} {:>9.1} {:>9.1} {:>9.1} {:>9} {:>9} {:>9} {:>7}",
            seen.mode.name(),
            median(seen.p50.clone()),
            median(seen.p99.clone()),
            p99_ratio(seen, &results[0]),
            seen.cpu_us,
            seen.rss_warm,
            seen.rss_late,
            seen.rss_end,
            seen.shutdown["spans"]["exported"].as_u64().unwrap_or(0),
            lost(seen),
            shutdown,
            seen.failed,
        );
    }
    for note in &verdict.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    match (&verdict.failures[..], &verdict.invalid) {
        ([], None) if plan.judges_latency => out.push_str("\npassed"),
        ([], None) => out.push_str("\npassed (latency is judged only with 60 s per mode or more)"),
        ([], Some(reason)) => {
            let _ = write!(out, "\ninvalid: {reason}; everything else passed");
        }
        (failures, _) => {
            let _ = write!(out, "\nfailed:\n  {}", failures.join("\n  "));
        }
    }
    out
}

/// The same as one object.
pub fn json(plan: &Plan, results: &[Seen], verdict: &Verdict) -> String {
    let modes: Vec<_> = results
        .iter()
        .map(|seen| {
            json!({
                "mode": seen.mode.name(),
                "p50_us": median(seen.p50.clone()), "p99_us": median(seen.p99.clone()),
                "p99_ratio": p99_ratio(seen, &results[0]), "slices": seen.p99.len(),
                "cpu_us": seen.cpu_us, "rss_warm_mib": seen.rss_warm, "rss_late_mib": seen.rss_late, "rss_end_mib": seen.rss_end,
                "requests": seen.requests, "failed": seen.failed, "shutdown": seen.shutdown,
                "ended_in_ms": seen.ended_in.as_secs_f64() * 1e3,
            })
        })
        .collect();
    json!({
        "rate": plan.rate, "seconds": plan.seconds, "slice_s": plan.slice.as_secs_f64(), "modes": modes,
        "latency_judged": plan.judges_latency && verdict.invalid.is_none(), "invalid": verdict.invalid, "failures": verdict.failures, "notes": verdict.notes,
    })
    .to_string()
}
