//! A flow: all spans that one operation caused, across traces.

use std::collections::HashSet;

use super::{Span, tree};
use crate::correlation::{self, CorrelationId};

/// The closure of an operation's spans over traces and links in both directions.
///
/// Messages start traces of their own; what ties them to the operation that sent them is a link.
///
/// # Examples
///
/// ```
/// use telemetry::span::Observe;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let capture = telemetry::testing::capture();
/// capture.run(Observe::internal("outer").run(Observe::internal("inner").run(async {}))).await;
/// let flow = capture.flow();
/// assert_eq!(flow.tree(), "internal outer\n  internal inner\n");
/// assert!(flow.orphans().is_empty());
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Flow {
    spans: Vec<Span>,
}

impl Flow {
    pub(super) fn around(all: Vec<Span>, id: &CorrelationId) -> Self {
        let mut traces = marked(&all, id);
        let mut left: Vec<&Span> = all.iter().filter(|span| !span.links.is_empty()).collect();
        loop {
            let before = left.len();
            left.retain(|span| {
                let inside = traces.contains(&span.trace_id);
                let joined = inside || span.links.iter().any(|(trace, _)| traces.contains(trace));
                if joined {
                    traces.insert(span.trace_id.clone());
                    traces.extend(span.links.iter().map(|(trace, _)| trace.clone()));
                }
                !joined
            });
            if left.len() == before {
                break;
            }
        }
        Self { spans: all.into_iter().filter(|span| traces.contains(&span.trace_id)).collect() }
    }

    /// The spans in the order they ended.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The spans as text, as [`Capture::tree`](super::Capture::tree) writes them.
    #[must_use]
    pub fn tree(&self) -> String {
        tree::render(&self.spans, &[])
    }

    /// The same with the values of some attributes.
    #[must_use]
    pub fn tree_with(&self, attributes: &[&str]) -> String {
        tree::render(&self.spans, attributes)
    }

    /// Spans whose parent is not in the flow: it was made elsewhere, is not finished, or was lost.
    #[must_use]
    pub fn orphans(&self) -> Vec<&Span> {
        let known: HashSet<&str> = self.spans.iter().map(|span| span.span_id.as_str()).collect();
        let orphan = |span: &&Span| span.parent_id.as_deref().is_some_and(|parent| !known.contains(parent));
        self.spans.iter().filter(orphan).collect()
    }

    /// The first span that is written as `{kind} {name}`.
    ///
    /// # Panics
    ///
    /// When there is none; shows the flow.
    #[must_use]
    #[track_caller]
    pub fn expect_span(&self, span: &str) -> &Span {
        match self.spans.iter().find(|found| found.is(span)) {
            Some(found) => found,
            None => panic!("no span `{span}` in the flow\n{}", self.tree()),
        }
    }
}

/// Spans of the traces in which some span carries `id`.
pub(super) fn same_traces(all: Vec<Span>, id: &CorrelationId) -> Vec<Span> {
    let traces = marked(&all, id);
    all.into_iter().filter(|span| traces.contains(&span.trace_id)).collect()
}

fn marked(all: &[Span], id: &CorrelationId) -> HashSet<String> {
    let marked = all.iter().filter(|span| span.attribute(correlation::ATTRIBUTE) == id.as_str());
    marked.map(|span| span.trace_id.clone()).collect()
}
