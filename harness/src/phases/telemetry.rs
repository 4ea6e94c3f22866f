//! Judges the telemetry of everything that journeys and load did.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use chaos::verdict::Verdict;

use super::session::Session;
use crate::assertions;
use crate::events::Event;
use crate::report::model;

/// Longest wait for the last spans and log lines.
const LIMIT: Duration = Duration::from_secs(10);

/// Judges every flow that was remembered.
pub(super) async fn run(session: &Session) -> model::Telemetry {
    let seeds = std::mem::take(&mut *session.flows.lock().unwrap_or_else(PoisonError::into_inner));
    session.events.send(Event::PhaseStarted {
        phase: "telemetry",
        detail: format!("{} flows", seeds.len()),
        total: Some(seeds.len() as u64),
    });
    let report = assertions::check_flows(&session.collector.store, &seeds, Instant::now() + LIMIT).await;
    let detail = match report.findings.first() {
        Some(finding) => format!("{} findings, first: {}", report.findings.len(), finding.sentence),
        None => format!("{} flows, {} spans, no orphan, one correlation id each", report.flows, report.spans),
    };
    session.finished("telemetry", report.verdict, &detail);
    report
}

/// Telemetry of a run whose journeys and load were left out.
pub(super) fn skipped() -> model::Telemetry {
    model::Telemetry {
        verdict: Verdict::Skipped,
        flows: 0,
        spans: 0,
        log_lines: 0,
        orphan_spans: 0,
        findings: Vec::new(),
    }
}
