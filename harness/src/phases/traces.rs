//! Whether what clients did after the last fault of a scenario left whole traces.
//!
//! A service that is killed takes its last spans with it, so flows that begin before that prove nothing.

use std::time::Duration;

use chaos::verdict::Verdict;

use super::session::Session;
use crate::assertions::{self, Seed};
use crate::events::Event;
use crate::report::model;

/// Phase of a scenario in which nothing is broken any more.
pub(super) const UNBROKEN: &str = "recover";
/// Longest wait for the last spans and log lines.
const LIMIT: Duration = Duration::from_secs(15);

/// Judges `flows` as one more invariant of a scenario.
pub(super) async fn judge(session: &Session, flows: &[Seed]) -> model::Invariant {
    let report = assertions::check_flows(&session.collector.store, flows, std::time::Instant::now() + LIMIT).await;
    let report = session.collector.store.read(|view| {
        let begun = flows.iter().flat_map(|flow| &flow.trace_ids).flat_map(|&id| view.trace(id));
        let begun = begun.map(|span| span.start_ns).min();
        without_older_evictions(report, begun, view.stats().services.values().map(|held| held.evicted_until_ns).max())
    });
    let first = report.findings.first();
    let sentence = match (report.verdict, first) {
        (_, Some(finding)) => format!("{} ({} findings)", finding.sentence, report.findings.len()),
        (Verdict::Pass, None) => {
            format!("{} flows of {} spans and {} log lines are whole", report.flows, report.spans, report.log_lines)
        }
        (_, None) => "means nothing: no journey that began after the last fault ended well".to_owned(),
    };
    let invariant = model::Invariant {
        name: "traces_are_whole".to_owned(),
        says:
            "every request accepted after the last fault has one whole trace, and one correlation id in all its lines"
                .to_owned(),
        verdict: report.verdict,
        checked: report.flows as u64,
        violations: report.findings.len() as u64,
        witness: None,
        sentence,
        trace_ids: first.map(|finding| finding.trace_ids.clone()).unwrap_or_default(),
    };
    session.events.send(Event::Judged {
        name: format!("invariant {}", invariant.name),
        verdict: invariant.verdict,
        detail: invariant.sentence.clone(),
    });
    invariant
}

/// Of a long run the collector gives up what is oldest. That is no fault of these flows, the first of which began at
/// `begun_ns`, as long as nothing as new as they are was given up: then nobody knows whether they are whole.
fn without_older_evictions(
    mut report: model::Telemetry,
    begun_ns: Option<u64>,
    evicted_until_ns: Option<u64>,
) -> model::Telemetry {
    if evicted_until_ns.unwrap_or(0) >= begun_ns.unwrap_or(0) {
        return report;
    }
    report.findings.retain(|finding| finding.rule != "evicted");
    if report.findings.is_empty() && report.verdict == Verdict::Fail {
        report.verdict = if report.flows == 0 { Verdict::Invalid } else { Verdict::Pass };
    }
    report
}

impl model::Scenario {
    /// Adds an invariant that was judged after the others.
    pub(super) fn add(&mut self, invariant: model::Invariant) {
        if invariant.verdict != Verdict::Pass {
            self.reasons.push(format!("invariant `{}`: {}", invariant.name, invariant.sentence));
        }
        self.verdict = Verdict::combine([self.verdict, invariant.verdict]);
        self.invariants.push(invariant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rules: &[&str]) -> model::Telemetry {
        let finding = |rule: &&str| model::Finding {
            rule: (*rule).to_owned(),
            service: "order".to_owned(),
            sentence: "something is wrong".to_owned(),
            trace_ids: Vec::new(),
        };
        let findings = rules.iter().map(finding).collect();
        model::Telemetry { verdict: Verdict::Fail, flows: 3, spans: 9, log_lines: 4, orphan_spans: 0, findings }
    }

    #[test]
    fn what_was_given_up_of_older_flows_is_no_fault_of_the_newest() {
        let judged = |rules: &[&str], until| without_older_evictions(report(rules), Some(100), until);
        assert_eq!(judged(&["evicted", "evicted"], Some(99)).verdict, Verdict::Pass);
        let mended = judged(&["evicted", "orphan-span"], Some(99));
        assert_eq!((mended.verdict, mended.findings.len()), (Verdict::Fail, 1));
        let kept = judged(&["evicted"], Some(100));
        assert_eq!((kept.verdict, kept.findings.len()), (Verdict::Fail, 1));
        assert_eq!(without_older_evictions(report(&["evicted"]), None, Some(5)).verdict, Verdict::Fail);
    }
}
