//! A flow: everything that one request of a client caused.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::collector::{LogRecord, Span, SpanId, TraceId, View};

/// Most traces of one flow. A system that links everything to everything would otherwise make every flow the whole store.
const MAX_TRACES: usize = 2_000;

/// Where a flow starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seed {
    /// What the flow is called in findings: a journey, or an iteration of the load.
    pub name: String,
    /// Traces that the client started.
    pub trace_ids: Vec<TraceId>,
    /// The correlation id that the client sent.
    pub correlation_id: Option<String>,
}

impl Seed {
    /// The flow that a client started with this trace id, 32 hexadecimal digits; none when it is not a trace id.
    pub fn trace(trace_id: &str) -> Option<Self> {
        let id = trace_id.parse().ok()?;
        Some(Self { name: trace_id.to_owned(), trace_ids: vec![id], correlation_id: None })
    }

    /// The same seed under a name that people know.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

/// The closure of a seed over parent edges, span links in both directions and message ids, across trace ids.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// What it is called.
    pub name: String,
    /// The one correlation id that everything in it should carry; none when nothing carries any.
    pub correlation_id: Option<String>,
    /// Its traces, by the start of their first span.
    pub traces: Vec<TraceId>,
    /// Its spans, by start.
    pub spans: Vec<Arc<Span>>,
    /// Log records written in its traces, by time.
    pub logs: Vec<Arc<LogRecord>>,
    /// Whether traces were left out because there were too many.
    pub truncated: bool,
    index: HashMap<(TraceId, SpanId), usize>,
}

/// Computes the flow of a seed from what has arrived so far. The result does not depend on the order of arrival.
///
/// A span that links to several traces handled a batch. It belongs to every flow that it links to, but does not make
/// them one flow: its links are followed towards it and not away from it.
pub fn flow(view: &View<'_>, seed: &Seed) -> Flow {
    let mut open: Vec<TraceId> = seed.trace_ids.clone();
    open.extend(seed.correlation_id.iter().flat_map(|id| view.traces_of_correlation(id)));
    let mut traces: HashSet<TraceId> = HashSet::new();
    let mut truncated = false;
    while let Some(trace_id) = open.pop() {
        if traces.contains(&trace_id) {
            continue;
        }
        if traces.len() == MAX_TRACES {
            truncated = true;
            break;
        }
        traces.insert(trace_id);
        open.extend(view.traces_linking_to(trace_id));
        for span in view.trace(trace_id) {
            if !is_batch(span) {
                open.extend(span.links.iter().map(|link| link.trace_id));
            }
            open.extend(span.message_id().iter().flat_map(|id| view.traces_of_message(id)));
        }
    }
    let spans = traces.iter().flat_map(|id| view.trace(*id)).cloned().collect();
    let logs = traces.iter().flat_map(|id| view.logs_of(*id)).cloned().collect();
    Flow::new(seed, spans, logs, truncated)
}

/// Whether a span handled messages of several traces at once.
pub(crate) fn is_batch(span: &Span) -> bool {
    span.links.iter().any(|link| link.trace_id != span.links[0].trace_id)
}

impl Flow {
    fn new(seed: &Seed, mut spans: Vec<Arc<Span>>, mut logs: Vec<Arc<LogRecord>>, truncated: bool) -> Self {
        spans.sort_by_key(|span| (span.start_ns, span.trace_id, span.span_id));
        logs.sort_by(|a, b| (a.time_ns, a.service(), &a.message).cmp(&(b.time_ns, b.service(), &b.message)));
        let mut traces = Vec::new();
        let mut seen = HashSet::new();
        for span in &spans {
            if seen.insert(span.trace_id) {
                traces.push(span.trace_id);
            }
        }
        let index = spans.iter().enumerate().map(|(index, span)| ((span.trace_id, span.span_id), index)).collect();
        let carried = || spans.iter().find_map(|span| span.correlation_id()).map(str::to_owned);
        let correlation_id = seed.correlation_id.clone().or_else(carried);
        Self { name: seed.name.clone(), correlation_id, traces, spans, logs, truncated, index }
    }

    /// One of its spans.
    pub fn span(&self, trace_id: TraceId, span_id: SpanId) -> Option<&Arc<Span>> {
        self.position(trace_id, span_id).map(|index| &self.spans[index])
    }

    /// The span that caused this one through a parent edge.
    pub fn parent(&self, span: &Span) -> Option<&Arc<Span>> {
        self.span(span.trace_id, span.parent?)
    }

    /// Start of its first span in nanoseconds since the Unix epoch; zero when it has none.
    pub fn start_ns(&self) -> u64 {
        self.spans.first().map_or(0, |span| span.start_ns)
    }

    pub(crate) fn position(&self, trace_id: TraceId, span_id: SpanId) -> Option<usize> {
        self.index.get(&(trace_id, span_id)).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assertions::fixture::{self, Spans};

    #[test]
    fn flow_follows_links_both_ways_and_message_ids() {
        let mut spans = Spans::default();
        spans.server("gateway", 1, 1);
        spans.producer("order", 1, 2).parent(1).message("m-1");
        spans.consumer("users", 2, 3).link(1, 2);
        spans.consumer("notification", 3, 4).message("m-1");
        spans.server("gateway", 9, 9);
        for start in [1, 2, 3] {
            let found = fixture::flow_of(&spans, start);
            assert_eq!(found.traces, [fixture::trace(1), fixture::trace(2), fixture::trace(3)], "from trace {start}");
        }
    }

    #[test]
    fn seed_of_a_trace_needs_a_trace_id() {
        let id = fixture::trace(7).to_string();
        let seed = Seed::trace(&id).expect("a trace id").named("purchase");
        assert_eq!(
            seed,
            Seed { name: "purchase".to_owned(), trace_ids: vec![fixture::trace(7)], correlation_id: None }
        );
        assert_eq!(Seed::trace("7"), None);
    }

    #[test]
    fn batch_belongs_to_each_flow_without_joining_them() {
        let mut spans = Spans::default();
        spans.producer("order", 1, 1);
        spans.producer("order", 2, 2);
        spans.consumer("users", 3, 3).link(1, 1).link(2, 2);
        assert_eq!(fixture::flow_of(&spans, 1).traces, [fixture::trace(1), fixture::trace(3)]);
        assert_eq!(fixture::flow_of(&spans, 2).traces, [fixture::trace(2), fixture::trace(3)]);
    }

    #[test]
    fn correlation_id_finds_traces_that_nothing_links() {
        let mut spans = Spans::default();
        spans.server("gateway", 1, 1).correlation("c-1");
        spans.server("gateway", 2, 2).correlation("c-1");
        let seed = Seed { correlation_id: Some("c-1".to_owned()), ..Seed::default() };
        let found = spans.store().read(|view| flow(view, &seed));
        assert_eq!(found.traces.len(), 2);
        assert_eq!(found.correlation_id.as_deref(), Some("c-1"));
    }

    /// Trace, parent, links and message of a span.
    type Shape = (u128, Option<u64>, Vec<u64>, Option<u8>);

    /// Traces, links between them and shared messages, at random.
    fn any_spans() -> impl Strategy<Value = Vec<Shape>> {
        let span =
            (1_u128..6, prop::option::of(1_u64..12), prop::collection::vec(1_u64..12, 0..3), prop::option::of(0_u8..3));
        prop::collection::vec(span, 1..12)
    }

    proptest! {
        #[test]
        fn flow_does_not_depend_on_the_order_of_arrival(
            (shape, order) in any_spans().prop_flat_map(|shape| {
                let order: Vec<usize> = (0..shape.len()).collect();
                (Just(shape), Just(order).prop_shuffle())
            }),
            start in 1_u128..6,
        ) {
            let mut spans = Spans::default();
            for (index, (trace, parent, links, message)) in shape.iter().enumerate() {
                let mut span = spans.consumer("any", *trace, index as u64 + 1);
                if let Some(parent) = parent {
                    span = span.parent(*parent);
                }
                if let Some(message) = message {
                    span = span.message(&message.to_string());
                }
                for link in links {
                    let target = shape.get(*link as usize - 1).map_or(1, |(trace, ..)| *trace);
                    span = span.link(target, *link);
                }
            }
            let in_order = fixture::flow_of(&spans, start);
            let shuffled = fixture::flow_of(&spans.reordered(&order), start);
            prop_assert_eq!(&in_order.spans, &shuffled.spans);
            prop_assert_eq!(&in_order.traces, &shuffled.traces);
            // A second round adds nothing: it is a closure.
            let seed = Seed { trace_ids: in_order.traces.clone(), ..Seed::default() };
            prop_assert_eq!(spans.store().read(|view| flow(view, &seed)).spans, in_order.spans);
        }
    }
}
