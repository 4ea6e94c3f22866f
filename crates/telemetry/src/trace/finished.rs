//! Spans on their way out.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Event, Link, SpanContext, SpanId, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::limits;
use super::operation::Opening;
use crate::correlation::{self, CorrelationId};
use crate::http::{ServerFacts, ServerRequest};
use crate::redact;

/// Most attributes, events and links of one span, as the specification proposes; further ones are counted.
const MAX_ITEMS: usize = 128;

/// Where finished spans go. Must not block and must not fail: what cannot be taken is counted by whoever implements it.
pub(crate) trait SpanSink: Send + Sync + Debug {
    fn push(&self, span: Finished);

    /// Waits until what was pushed so far has left; `false` when that took longer than `patience`.
    fn flush(&self, patience: Duration) -> bool {
        let _ = patience;
        true
    }
}

/// A span that has ended.
#[derive(Debug)]
pub(crate) enum Finished {
    /// One of this crate's own.
    Own(SharedRecord),
    /// One that was made through OpenTelemetry's API.
    ThirdParty(Box<SpanData>),
}

/// What an open span has recorded. The code that opened it and the context it is current in write to the same record.
#[derive(Debug, Clone)]
pub(crate) struct SharedRecord(Arc<Mutex<Record>>);

#[derive(Debug)]
struct Record {
    data: SpanData,
    correlation: CorrelationId,
    /// What a request said when it came, and what became of it.
    request: Option<ServerRequest>,
    facts: Option<ServerFacts>,
    ended: bool,
}

/// What a span tells of its parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parent {
    span: SpanId,
    remote: bool,
}

impl From<&SpanContext> for Parent {
    fn from(parent: &SpanContext) -> Self {
        if parent.is_valid() {
            Self { span: parent.span_id(), remote: parent.is_remote() }
        } else {
            Self { span: SpanId::INVALID, remote: false }
        }
    }
}

// === impl Finished ===

impl Finished {
    /// The same span as part of a sampled trace: what is exported must say so.
    pub(super) fn sampled(self) -> Self {
        fn mark(data: &mut SpanData) {
            let span = &data.span_context;
            let flags = span.trace_flags().with_sampled(true);
            data.span_context =
                SpanContext::new(span.trace_id(), span.span_id(), flags, span.is_remote(), span.trace_state().clone());
        }
        match self {
            Self::Own(record) => {
                record.with(|record| mark(&mut record.data));
                Self::Own(record)
            }
            Self::ThirdParty(mut data) => {
                mark(&mut data);
                Self::ThirdParty(data)
            }
        }
    }
}

/// Builds the attributes that were left for later and removes what must not leave: the operation itself pays for neither.
impl From<Finished> for SpanData {
    fn from(span: Finished) -> Self {
        match span {
            Finished::ThirdParty(mut data) => {
                redact::span(&mut data);
                *data
            }
            Finished::Own(record) => record.with(|record| {
                let mut data = record.data.clone_out();
                redact::span(&mut data);
                // What follows is redacted as it is made, or cannot hold a secret.
                if let (Some(facts), Some(request)) = (record.facts.take(), record.request.take()) {
                    facts.describe(request, &mut data);
                }
                let correlation = redact::text(record.correlation.as_str()).into_owned();
                // Nobody but us sets it, whatever they try.
                data.attributes.retain(|attribute| attribute.key.as_str() != correlation::ATTRIBUTE);
                data.attributes.push(KeyValue::new(correlation::ATTRIBUTE, correlation));
                data
            }),
        }
    }
}

/// Takes what is in a span and leaves its identity.
trait CloneOut {
    fn clone_out(&mut self) -> Self;
}

impl CloneOut for SpanData {
    fn clone_out(&mut self) -> Self {
        Self {
            span_context: self.span_context.clone(),
            parent_span_id: self.parent_span_id,
            parent_span_is_remote: self.parent_span_is_remote,
            span_kind: self.span_kind.clone(),
            name: std::mem::take(&mut self.name),
            start_time: self.start_time,
            end_time: self.end_time,
            attributes: std::mem::take(&mut self.attributes),
            dropped_attributes_count: self.dropped_attributes_count,
            events: std::mem::take(&mut self.events),
            links: std::mem::take(&mut self.links),
            status: std::mem::take(&mut self.status),
            instrumentation_scope: self.instrumentation_scope.clone(),
        }
    }
}

impl From<SharedRecord> for Finished {
    fn from(record: SharedRecord) -> Self {
        Self::Own(record)
    }
}

// === impl SharedRecord ===

impl SharedRecord {
    pub(super) fn new(opening: Opening, request: Option<ServerRequest>) -> Self {
        let Opening { context, parent, kind, mut name, start, correlation } = opening;
        limits::text(&mut name);
        let data = SpanData {
            span_context: context,
            parent_span_id: parent.span,
            parent_span_is_remote: parent.remote,
            span_kind: kind,
            name,
            start_time: start,
            end_time: start,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: scope(),
        };
        Self(Arc::new(Mutex::new(Record { data, correlation, request, facts: None, ended: false })))
    }

    fn with<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        // A panic while an attribute was added leaves a record that is merely incomplete.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the span while it is open; afterwards nothing happens.
    fn open(&self, change: impl FnOnce(&mut SpanData)) {
        self.with(|record| {
            if !record.ended {
                change(&mut record.data);
            }
        });
    }

    pub(super) fn is_open(&self) -> bool {
        self.with(|record| !record.ended)
    }

    pub(super) fn attribute(&self, mut attribute: KeyValue) {
        limits::attribute(&mut attribute);
        self.open(|data| {
            // Setting a key again replaces its value.
            if let Some(known) = data.attributes.iter_mut().find(|known| known.key == attribute.key) {
                known.value = attribute.value;
            } else if data.attributes.len() < MAX_ITEMS {
                data.attributes.push(attribute);
            } else {
                data.dropped_attributes_count += 1;
            }
        });
    }

    pub(super) fn event(&self, mut event: Event) {
        limits::event(&mut event);
        self.open(|data| {
            if data.events.len() < MAX_ITEMS {
                data.events.events.push(event);
            } else {
                data.events.dropped_count += 1;
            }
        });
    }

    pub(super) fn link(&self, mut link: Link) {
        limits::link(&mut link);
        self.open(|data| {
            if data.links.len() < MAX_ITEMS {
                data.links.links.push(link);
            } else {
                data.links.dropped_count += 1;
            }
        });
    }

    pub(super) fn status(&self, mut status: Status) {
        limits::status(&mut status);
        self.open(|data| {
            // The order is Ok, Error, Unset: what is known for better is not overwritten.
            if status > data.status {
                data.status = status;
            }
        });
    }

    pub(super) fn name(&self, mut name: std::borrow::Cow<'static, str>) {
        limits::text(&mut name);
        self.open(|data| data.name = name);
    }

    /// Ends the span; `false`, and nothing happens, when it had ended before.
    pub(crate) fn end(&self, time: SystemTime) -> bool {
        self.ending(|record| record.data.end_time = time.max(record.data.start_time))
    }

    /// Ends the span of a request, this long after it began, with everything that is known about it.
    pub(crate) fn end_request(&self, elapsed: Duration, facts: ServerFacts) -> bool {
        self.ending(|record| {
            record.data.end_time = record.data.start_time + elapsed;
            record.facts = Some(facts);
        })
    }

    fn ending(&self, tell: impl FnOnce(&mut Record)) -> bool {
        self.with(|record| {
            let open = !std::mem::replace(&mut record.ended, true);
            if open {
                tell(record);
            }
            open
        })
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(crate::core::SCOPE).build()
}
