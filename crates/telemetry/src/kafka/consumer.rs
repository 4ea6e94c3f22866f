//! Processing: a CONSUMER span around the handler of one message or of several, linked to the spans that created them.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer as Committing, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;

use super::error::error_type;
use super::send::key;
use super::{SYSTEM, headers};
use crate::context::MessageContext;
use crate::messaging::age::age;
use crate::messaging::batch::{links, shared};
use crate::messaging::series::{Client, Process, Series};
use crate::span::Outcome;
use crate::work::{Work, open};

/// A member of a consumer group: processes messages singly or in batches, and commits them.
#[derive(Debug, Clone)]
pub struct Consumer {
    group: Arc<str>,
    continue_trace: bool,
}

impl Consumer {
    /// A consumer of `group` that starts a new trace per message, with a link to the message's creation.
    #[must_use]
    pub fn new(group: &str) -> Self {
        Self { group: group.into(), continue_trace: false }
    }

    /// Makes the message's creation the parent, so that one trace covers both sides. The link is kept.
    ///
    /// For single messages only: a batch has as many creations as messages, and always starts a trace of its own.
    #[must_use]
    pub fn continue_trace(mut self) -> Self {
        self.continue_trace = true;
        self
    }

    /// Runs `future` inside a CONSUMER span `process {topic}`, with the message's correlation id in its context.
    ///
    /// Records `messaging.process.duration` (s), `messaging.client.consumed.messages` and the age of the message (s). A
    /// future that is dropped before it ends is recorded as cancelled, one that panics as such.
    pub async fn process<F>(&self, message: &impl Message, future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let series = self.series("process", message.topic(), 1);
        let mut carried = headers::extract(message);
        let creation = carried.span_context();
        if !self.continue_trace {
            carried.traceparent = None;
        }
        let links = creation.map(Link::with_context).into_iter().collect();
        let name = format!("process {}", message.topic());
        let opened = open(name, SpanKind::Consumer, carried.extract(), links, |correlation| {
            let mut attributes = series.span("process", 6);
            attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
            attributes.extend(described(message));
            attributes
        });
        series.begin();
        aged(message, &series, opened.0.span().span_context(), SystemTime::now());
        Work::new(opened, Process { series, uncounted: 1 }).run(future).await
    }

    /// Runs `future` as the handler of all `messages` at once, inside one CONSUMER span with a link to the creation of each
    /// (of the first 128).
    ///
    /// The span is named `process {topic}` when all are of one topic, else `process {group}`. When all messages have the
    /// same correlation id it becomes that of the batch, otherwise the batch gets a new one. Without messages `future`
    /// simply runs.
    pub async fn process_batch<M, F>(&self, messages: &[M], future: F) -> F::Output
    where
        M: Message,
        F: Future,
        F::Output: Outcome,
    {
        let Some(first) = messages.first() else { return future.await };
        let one = messages.iter().all(|message| message.topic() == first.topic());
        let destination = if one { first.topic() } else { &self.group };
        let series = self.series("process", destination, messages.len() as u64);
        let contexts: Vec<MessageContext> = messages.iter().map(headers::extract).collect();
        let links = links(contexts.iter().map(|context| (context, None)));
        let opened =
            open(format!("process {destination}"), SpanKind::Consumer, shared(&contexts), links, |correlation| {
                let mut attributes = series.span("process", 3);
                attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
                attributes.push(KeyValue::new("messaging.batch.message_count", series.messages as i64));
                attributes
            });
        let now = SystemTime::now();
        for message in messages {
            let series = self.series("process", message.topic(), 1);
            aged(message, &series, opened.0.span().span_context(), now);
        }
        series.begin();
        Work::new(opened, Process { uncounted: series.messages, series }).run(future).await
    }

    /// Commits the offset of `message`, inside a CLIENT span `commit {topic}`; waits when `mode` says so.
    ///
    /// Records `messaging.client.operation.duration` (s).
    ///
    /// # Errors
    ///
    /// What rdkafka returns.
    pub fn commit<C: ConsumerContext>(
        &self,
        consumer: &impl Committing<C>,
        message: &BorrowedMessage<'_>,
        mode: CommitMode,
    ) -> KafkaResult<()> {
        let series = self.series("commit", message.topic(), 1);
        let current = Context::current();
        let parent = if current.has_active_span() {
            current
        } else {
            MessageContext { traceparent: None, ..headers::extract(message) }.extract()
        };
        let name = format!("commit {}", message.topic());
        let opened = open(name, SpanKind::Client, parent, Vec::new(), |correlation| {
            let mut attributes = series.span("settle", 6);
            attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
            attributes.extend(described(message));
            attributes
        });
        let work = Work::new(opened, Client { series, kind: "settle" });
        let committed = consumer.commit_message(message, mode);
        work.finish(committed.as_ref().err().map(|error| (error_type(error), error.to_string())));
        committed
    }

    fn series(&self, operation: &'static str, destination: &str, messages: u64) -> Series {
        let more = vec![KeyValue::new("messaging.consumer.group.name", Arc::clone(&self.group))];
        Series { system: SYSTEM, operation, destination: destination.into(), more, messages }
    }
}

/// What a message says about itself.
fn described(message: &impl Message) -> impl Iterator<Item = KeyValue> {
    let size = message.payload().map_or(0, <[u8]>::len);
    [
        KeyValue::new("messaging.destination.partition.id", message.partition().to_string()),
        KeyValue::new("messaging.kafka.offset", message.offset()),
        KeyValue::new("messaging.message.body.size", i64::try_from(size).unwrap_or(i64::MAX)),
    ]
    .into_iter()
    .chain(key(message.key()))
    .chain(message.payload().is_none().then(|| KeyValue::new("messaging.kafka.message.tombstone", true)))
}

fn aged(message: &impl Message, series: &Series, span: &SpanContext, now: SystemTime) {
    let created = message.timestamp().to_millis().and_then(|millis| u64::try_from(millis).ok());
    if let Some(age) = age(None, created.map(Duration::from_millis), now) {
        series.aged(age, span);
    }
}
