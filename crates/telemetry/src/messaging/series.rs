//! The attributes that all measurements of one operation share, and the measurements themselves.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use crate::core::core;
use crate::metrics::with_attributes;
use crate::work::Report;

/// One operation on one destination.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// `messaging.system`.
    pub(crate) system: &'static str,
    /// `messaging.operation.name`.
    pub(crate) operation: &'static str,
    /// `messaging.destination.name`: nothing that a stranger chooses, as each makes a series.
    pub(crate) destination: Arc<str>,
    /// What the system adds: a consumer group, a partition.
    pub(crate) more: Vec<KeyValue>,
    /// Messages the operation is about.
    pub(crate) messages: u64,
}

/// What an operation of a client (`send`, `receive`, `settle`) records when it ends.
pub(crate) struct Client {
    pub(crate) series: Series,
    /// `messaging.operation.type`.
    pub(crate) kind: &'static str,
}

/// What processing records when it ends.
pub(crate) struct Process {
    pub(crate) series: Series,
    /// Messages to be counted as consumed: those that nobody counted when they were received.
    pub(crate) uncounted: u64,
}

impl Series {
    pub(crate) fn with<T>(&self, record: impl FnOnce(&mut Vec<KeyValue>) -> T) -> T {
        with_attributes(|attributes| {
            attributes.push(KeyValue::new("messaging.system", self.system));
            attributes.push(KeyValue::new("messaging.operation.name", self.operation));
            attributes.push(KeyValue::new("messaging.destination.name", Arc::clone(&self.destination)));
            attributes.extend_from_slice(&self.more);
            record(attributes)
        })
    }

    /// The same, as the attributes a span starts with.
    pub(crate) fn span(&self, kind: &'static str, more: usize) -> Vec<KeyValue> {
        self.span_of(Arc::clone(&self.destination), kind, more)
    }

    /// The same for a span that tells more of the destination than the measurements may.
    pub(crate) fn span_of(&self, destination: Arc<str>, kind: &'static str, more: usize) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(4 + self.more.len() + more);
        attributes.extend([
            KeyValue::new("messaging.system", self.system),
            KeyValue::new("messaging.operation.name", self.operation),
            KeyValue::new("messaging.operation.type", kind),
            KeyValue::new("messaging.destination.name", destination),
        ]);
        attributes.extend_from_slice(&self.more);
        attributes
    }

    /// Counts the messages as being processed; [`Process`] takes them off again.
    pub(crate) fn begin(&self) {
        self.with(|attributes| core().instruments.messaging_active.add(self.level(), attributes));
    }

    /// A message that the broker had delivered before.
    pub(crate) fn redelivered(&self) {
        self.with(|attributes| core().instruments.messaging_redelivered.add(1, attributes));
    }

    /// How old a message was when its processing started.
    pub(crate) fn aged(&self, age: Duration, span: &SpanContext) {
        self.with(|attributes| core().instruments.messaging_age.record_in(age.as_secs_f64(), attributes, span));
    }

    fn level(&self) -> i64 {
        i64::try_from(self.messages).unwrap_or(i64::MAX)
    }
}

impl Report for Client {
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
        let instruments = &core().instruments;
        self.series.with(|attributes| {
            attributes.push(KeyValue::new("messaging.operation.type", self.kind));
            attributes.extend(error.map(|kind| KeyValue::new("error.type", kind.clone())));
            instruments.messaging_duration.record_in(elapsed.as_secs_f64(), attributes, context.span().span_context());
            if self.kind == "send" {
                instruments.messaging_sent.add(self.series.messages, attributes);
            }
        });
    }
}

impl Client {
    /// Counts messages that were handed to the application.
    pub(crate) fn consumed(&self, messages: u64) {
        self.series.with(|attributes| {
            attributes.push(KeyValue::new("messaging.operation.type", self.kind));
            core().instruments.messaging_consumed.add(messages, attributes);
        });
    }
}

impl Report for Process {
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
        let instruments = &core().instruments;
        self.series.with(|attributes| {
            instruments.messaging_active.add(-self.series.level(), attributes);
            attributes.extend(error.map(|kind| KeyValue::new("error.type", kind.clone())));
            instruments.messaging_process.record_in(elapsed.as_secs_f64(), attributes, context.span().span_context());
            if self.uncounted > 0 {
                instruments.messaging_consumed.add(self.uncounted, attributes);
            }
        });
    }
}
