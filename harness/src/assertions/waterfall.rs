//! A flow in order of display: its traces joined into one tree through parents, links and message ids.

use std::collections::HashMap;

use super::flow::Flow;
use crate::collector::{Span, SpanKind};
use crate::report::model::WaterfallRow;

/// Log lines shown with one span.
const LOGS_PER_SPAN: usize = 5;
/// Characters shown of a log message.
const LOG_CHARACTERS: usize = 200;

/// One span at its place in the joined tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Position in `Flow::spans`.
    pub(crate) span: usize,
    /// Depth in the tree.
    pub(crate) depth: usize,
    /// Whether a link or message id, not a parent edge, leads here.
    pub(crate) linked: bool,
}

/// Rows for the report, in order of display, at most `limit`; and how many were left out.
pub fn waterfall(flow: &Flow, limit: usize) -> (Vec<WaterfallRow>, usize) {
    let mut logs: HashMap<_, Vec<String>> = HashMap::new();
    for log in &flow.logs {
        let Some(span_id) = log.span_id else { continue };
        let Some(trace_id) = log.trace_id else { continue };
        let lines = logs.entry((trace_id, span_id)).or_default();
        if lines.len() < LOGS_PER_SPAN {
            let message: String = log.message.chars().take(LOG_CHARACTERS).collect();
            lines.push(format!("{} {message}", log.level.name()));
        }
    }
    let placed = join(flow);
    let omitted = placed.len().saturating_sub(limit);
    let start_ns = flow.start_ns();
    let rows = placed.into_iter().take(limit).map(|row| {
        let span = &flow.spans[row.span];
        WaterfallRow {
            service: span.service().to_owned(),
            name: span.name.to_string(),
            kind: span.kind.name().to_owned(),
            start_us: span.start_ns.saturating_sub(start_ns) / 1_000,
            duration_us: span.duration_ns() / 1_000,
            depth: row.depth,
            linked: row.linked,
            status: span.status.name().to_owned(),
            trace_id: span.trace_id.to_string(),
            span_id: span.span_id.to_string(),
            logs: logs.remove(&(span.trace_id, span.span_id)).unwrap_or_default(),
        }
    });
    (rows.collect(), omitted)
}

/// Joins the traces of a flow into one forest and lists it depth first, children by start.
pub(crate) fn join(flow: &Flow) -> Vec<Placed> {
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (index, span) in flow.spans.iter().enumerate() {
        if let (SpanKind::Producer, Some(id)) = (span.kind, span.message_id()) {
            producers.entry(id).or_insert(index);
        }
    }
    let mut children: Vec<Vec<Placed>> = vec![Vec::new(); flow.spans.len()];
    let mut roots = Vec::new();
    for (index, span) in flow.spans.iter().enumerate() {
        match cause(flow, span, &producers).filter(|(cause, _)| *cause != index) {
            Some((cause, linked)) => children[cause].push(Placed { span: index, depth: 0, linked }),
            None => roots.push(index),
        }
    }
    let mut placed = Vec::with_capacity(flow.spans.len());
    let mut visited = vec![false; flow.spans.len()];
    // Whatever no root reaches is in a cycle; its first span stands in for the root that it lacks.
    for root in roots.into_iter().chain(0..flow.spans.len()) {
        let mut open = vec![Placed { span: root, depth: 0, linked: false }];
        while let Some(row) = open.pop() {
            if std::mem::replace(&mut visited[row.span], true) {
                continue;
            }
            placed.push(row);
            open.extend(children[row.span].iter().rev().map(|child| Placed { depth: row.depth + 1, ..*child }));
        }
    }
    placed
}

/// The span that led to this one, and whether by other means than a parent edge.
fn cause(flow: &Flow, span: &Span, producers: &HashMap<&str, usize>) -> Option<(usize, bool)> {
    if let Some(parent) = span.parent {
        return flow.position(span.trace_id, parent).map(|index| (index, false));
    }
    let linked = span.links.iter().find_map(|link| flow.position(link.trace_id, link.span_id));
    let by_message = || span.message_id().and_then(|id| producers.get(id)).copied();
    linked.or_else(by_message).map(|index| (index, true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assertions::fixture::{self, Spans};

    #[test]
    fn waterfall_continues_linked_traces_under_their_producer() {
        let store = fixture::purchase().store();
        store.ingest_log_line("users", &fixture::log_line("INFO", "counted", 2, 5, Some("c-1")));
        let flow = store.read(|view| crate::assertions::flow(view, &fixture::seed(1)));
        let (rows, omitted) = waterfall(&flow, 6);
        assert_eq!(omitted, 1);
        let shown: Vec<_> =
            rows.iter().map(|row| (row.service.as_str(), row.depth, row.linked, row.start_us / 1_000)).collect();
        assert_eq!(
            shown,
            [
                ("gateway", 0, false, 0),
                ("order", 1, false, 2),
                ("order", 2, false, 4),
                ("order", 2, false, 20),
                ("users", 3, true, 40),
                ("users", 4, false, 41),
            ]
        );
        assert_eq!(rows[4].logs, ["info counted"]);
    }

    #[test]
    fn cycle_is_shown_once_and_does_not_hang() {
        let mut spans = Spans::default();
        spans.internal("a", 1, 1).parent(2);
        spans.internal("a", 1, 2).parent(1);
        spans.internal("a", 1, 3).parent(3);
        let rows = join(&fixture::flow_of(&spans, 1));
        assert_eq!(rows.len(), 3);
    }
}
