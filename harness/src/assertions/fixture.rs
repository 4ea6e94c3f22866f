//! Hand-written traces for the tests of this module.

use std::time::{Duration, Instant};

use super::flow::{Flow, Seed, flow};
use crate::collector::{Attributes, Link, Resource, Span, SpanId, SpanKind, SpanStatus, Store, TraceId, Value};

/// 2026-01-01 in nanoseconds, so that times look like times.
pub(crate) const EPOCH_NS: u64 = 1_767_225_600_000_000_000;

pub(crate) fn trace(number: u128) -> TraceId {
    TraceId::new(number).expect("not zero")
}

pub(crate) fn span_id(number: u64) -> SpanId {
    SpanId::new(number).expect("not zero")
}

/// The flow that starts at a trace.
pub(crate) fn flow_of(spans: &Spans, start: u128) -> Flow {
    spans.store().read(|view| flow(view, &seed(start)))
}

pub(crate) fn seed(start: u128) -> Seed {
    Seed { name: "purchase".to_owned(), trace_ids: vec![trace(start)], correlation_id: None }
}

/// A deadline that no passing test reaches.
pub(crate) fn far() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Spans in order of arrival. Each starts a millisecond after the one before and lasts ten.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    pub(crate) fn add(&mut self, service: &str, kind: SpanKind, trace: u128, id: u64) -> SpanEdit<'_> {
        let start_ns = EPOCH_NS + self.0.len() as u64 * 1_000_000;
        self.0.push(Span {
            trace_id: self::trace(trace),
            span_id: span_id(id),
            parent: None,
            resource: Resource::named(service),
            scope: "".into(),
            name: format!("{} {id}", kind.name()).into(),
            kind,
            start_ns,
            end_ns: start_ns + 10_000_000,
            status: SpanStatus::Unset,
            status_message: "".into(),
            attributes: Attributes::default(),
            links: Box::default(),
            events: Box::default(),
            dropped: 0,
        });
        SpanEdit(self.0.last_mut().expect("just added"))
    }

    pub(crate) fn server(&mut self, service: &str, trace: u128, id: u64) -> SpanEdit<'_> {
        self.add(service, SpanKind::Server, trace, id)
    }

    pub(crate) fn internal(&mut self, service: &str, trace: u128, id: u64) -> SpanEdit<'_> {
        self.add(service, SpanKind::Internal, trace, id)
    }

    pub(crate) fn producer(&mut self, service: &str, trace: u128, id: u64) -> SpanEdit<'_> {
        self.add(service, SpanKind::Producer, trace, id)
    }

    pub(crate) fn consumer(&mut self, service: &str, trace: u128, id: u64) -> SpanEdit<'_> {
        self.add(service, SpanKind::Consumer, trace, id)
    }

    pub(crate) fn store(&self) -> Store {
        let store = Store::default();
        store.ingest_spans(self.0.clone());
        store
    }

    pub(crate) fn reordered(&self, order: &[usize]) -> Self {
        Self(order.iter().map(|index| self.0[*index].clone()).collect())
    }

    pub(crate) fn all(&self) -> Vec<Span> {
        self.0.clone()
    }
}

/// The span added last.
pub(crate) struct SpanEdit<'a>(&'a mut Span);

impl SpanEdit<'_> {
    pub(crate) fn parent(self, id: u64) -> Self {
        self.0.parent = Some(span_id(id));
        self
    }

    pub(crate) fn named(self, name: &str) -> Self {
        self.0.name = name.into();
        self
    }

    pub(crate) fn link(self, trace: u128, id: u64) -> Self {
        let mut links = self.0.links.to_vec();
        links.push(Link { trace_id: self::trace(trace), span_id: span_id(id), attributes: Attributes::default() });
        self.0.links = links.into();
        self
    }

    pub(crate) fn message(self, id: &str) -> Self {
        self.attribute("messaging.message.id", id)
    }

    pub(crate) fn correlation(self, id: &str) -> Self {
        self.attribute("app.correlation_id", id)
    }

    pub(crate) fn attribute(self, key: &str, value: impl Into<Value> + Clone) -> Self {
        let held = self.0.attributes.iter().map(|(key, value)| (key.into(), value.clone()));
        self.0.attributes = held.chain([(key.into(), value.into())]).collect();
        self
    }

    pub(crate) fn millis(self, start: u64, end: u64) -> Self {
        self.0.start_ns = EPOCH_NS + start * 1_000_000;
        self.0.end_ns = EPOCH_NS + end * 1_000_000;
        self
    }

    pub(crate) fn failed(self) -> Self {
        self.0.status = SpanStatus::Error;
        self
    }
}

/// A purchase: a request whose event reaches two consumers, all with correlation id `c-1`.
pub(crate) fn purchase() -> Spans {
    let mut spans = Spans::default();
    spans.server("gateway", 1, 1).named("POST /api/v1/gateway/order").correlation("c-1").millis(0, 30);
    spans.server("order", 1, 2).parent(1).named("POST /api/v1/order").correlation("c-1").millis(2, 25);
    spans.internal("order", 1, 3).parent(2).named("INSERT orders").correlation("c-1").millis(4, 6);
    spans
        .producer("order", 1, 4)
        .parent(2)
        .named("send order.placed")
        .message("m-1")
        .correlation("c-1")
        .attribute("messaging.batch.message_count", 1)
        .millis(20, 22);
    spans
        .consumer("users", 2, 5)
        .named("process order.placed")
        .link(1, 4)
        .message("m-1")
        .correlation("c-1")
        .millis(40, 48);
    spans.internal("users", 2, 6).parent(5).named("UPDATE sellers").correlation("c-1").millis(41, 44);
    spans
        .consumer("notification", 3, 7)
        .named("process order.placed")
        .link(1, 4)
        .message("m-1")
        .correlation("c-1")
        .millis(42, 90);
    spans
}

/// A line of a service's log, as the services write it.
pub(crate) fn log_line(level: &str, message: &str, trace: u128, span: u64, correlation_id: Option<&str>) -> String {
    let mut line = serde_json::json!({
        "timestamp": "2026-01-01T00:00:00.030000Z",
        "level": level,
        "message": message,
        "trace_id": self::trace(trace).to_string(),
        "span_id": span_id(span).to_string(),
    });
    if let Some(id) = correlation_id {
        line["correlation_id"] = id.into();
    }
    line.to_string()
}
