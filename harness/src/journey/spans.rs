//! The client's own spans go straight into the store of the collector, so that a journey is the root of its trace.

use std::sync::Arc;

use super::run::{ClientSpan, ClientSpans};
use crate::collector::{CORRELATION_ATTRIBUTE, Resource, Span, SpanKind, SpanStatus, Store, Value};

/// Name under which the client appears among the services.
pub const CLIENT: &str = "client";

impl ClientSpans for Store {
    fn record(&self, span: ClientSpan) {
        let mut attributes = vec![(Arc::from(CORRELATION_ATTRIBUTE), Value::from(span.correlation_id.as_str()))];
        if let Some(status) = span.status {
            attributes.push((Arc::from("http.response.status_code"), Value::from(i64::from(status))));
        }
        let kind = match span.parent {
            Some(_) => SpanKind::Client,
            None => SpanKind::Internal,
        };
        self.ingest_spans(vec![Span {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent: span.parent,
            resource: Resource::named(CLIENT),
            scope: Arc::from("shakedown"),
            name: Arc::from(span.name),
            kind,
            start_ns: span.start_unix_ns,
            end_ns: span.end_unix_ns,
            status: if span.failed { SpanStatus::Error } else { SpanStatus::Unset },
            status_message: Box::from(""),
            attributes: attributes.into_iter().collect(),
            links: Box::from([]),
            events: Box::from([]),
            dropped: 0,
        }]);
    }
}
