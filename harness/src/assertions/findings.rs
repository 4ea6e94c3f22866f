//! Collecting findings: many occurrences of one fault become one finding that counts them.

use std::collections::BTreeMap;

use crate::collector::TraceId;
use crate::report::model::Finding;

/// Traces named by one finding.
const TRACES_PER_FINDING: usize = 5;
/// Findings kept; a system that gets everything wrong is described well enough by these.
const MAX_FINDINGS: usize = 200;

/// Findings under construction.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    groups: BTreeMap<(&'static str, String, String), Group>,
    left_out: usize,
}

#[derive(Debug)]
struct Group {
    sentence: String,
    count: usize,
    traces: Vec<TraceId>,
}

impl Findings {
    /// Adds an occurrence. Those with the same rule, service and subject (a span name, a log message) are counted as one
    /// finding, worded as the first of them.
    pub(crate) fn add(
        &mut self,
        rule: &'static str,
        service: &str,
        subject: &str,
        traces: &[TraceId],
        sentence: impl FnOnce() -> String,
    ) {
        let key = (rule, service.to_owned(), subject.to_owned());
        if self.groups.len() >= MAX_FINDINGS && !self.groups.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let group =
            self.groups.entry(key).or_insert_with(|| Group { sentence: sentence(), count: 0, traces: Vec::new() });
        group.count += 1;
        for trace in traces {
            if group.traces.len() < TRACES_PER_FINDING && !group.traces.contains(trace) {
                group.traces.push(*trace);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The findings, by rule and service.
    pub(crate) fn finish(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .groups
            .into_iter()
            .map(|((rule, service, _), group)| Finding {
                rule: rule.to_owned(),
                service,
                sentence: match group.count {
                    1 => group.sentence,
                    count => format!("{} (and {} more like it)", group.sentence, count - 1),
                },
                trace_ids: group.traces.iter().map(ToString::to_string).collect(),
            })
            .collect();
        if self.left_out > 0 {
            findings.push(Finding {
                rule: "more".to_owned(),
                service: String::new(),
                sentence: format!("{} further findings were left out", self.left_out),
                trace_ids: Vec::new(),
            });
        }
        findings
    }
}
