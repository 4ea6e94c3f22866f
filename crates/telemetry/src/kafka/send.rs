//! Sending: a PRODUCER span from the record's creation context to the broker's answer.

use std::time::Duration;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use rdkafka::client::ClientContext;
use rdkafka::message::ToBytes;
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{FutureProducer, FutureRecord};

use super::error::error_type;
use super::{SYSTEM, headers};
use crate::context::MessageContext;
use crate::messaging::series::{Client, Series};
use crate::work::{Work, open};

/// Sends `record` and waits for the broker's answer; `patience` is how long it may wait for room in the producer's queue.
///
/// Opens a PRODUCER span `send {topic}` below the current span, writes the context and the correlation id into the
/// headers, and records `messaging.client.operation.duration` (s) and `messaging.client.sent.messages`. What was created
/// earlier (an outbox row keeps its context) is sent with [`MessageContext::attach`].
///
/// # Errors
///
/// What rdkafka returns: the reason, and the record.
///
/// # Examples
///
/// ```no_run
/// # use std::time::Duration;
/// # use rdkafka::producer::{FutureProducer, FutureRecord};
/// # use telemetry::context::MessageContext;
/// # use telemetry::kafka;
/// # async fn run(producer: FutureProducer, stored: MessageContext) {
/// let record = FutureRecord::to("orders").key("order-42").payload("{}");
/// let sent = stored.attach(kafka::send(&producer, record, Duration::from_secs(5))).await;
/// # let _ = sent; }
/// ```
pub async fn send<C, K, P>(
    producer: &FutureProducer<C>,
    mut record: FutureRecord<'_, K, P>,
    patience: Duration,
) -> OwnedDeliveryResult
where
    C: ClientContext + 'static,
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
{
    let series =
        Series { system: SYSTEM, operation: "send", destination: record.topic.into(), more: Vec::new(), messages: 1 };
    let opened =
        open(format!("send {}", record.topic), SpanKind::Producer, Context::current(), Vec::new(), |correlation| {
            let mut attributes = series.span("send", 7);
            attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
            let size = record.payload.map_or(0, |payload| payload.to_bytes().len());
            attributes.push(KeyValue::new("messaging.message.body.size", i64::try_from(size).unwrap_or(i64::MAX)));
            attributes.extend(key(record.key.map(ToBytes::to_bytes)));
            if record.payload.is_none() {
                attributes.push(KeyValue::new("messaging.kafka.message.tombstone", true));
            }
            attributes
        });
    let work = Work::new(opened, Client { series, kind: "send" });
    record.headers = Some(headers::inject(&MessageContext::from_context(&work.context), record.headers.take()));
    let sent = producer.send(record, patience).with_context(work.context.clone()).await;
    if let Ok(delivery) = &sent {
        work.context.span().set_attributes([
            KeyValue::new("messaging.destination.partition.id", delivery.partition.to_string()),
            KeyValue::new("messaging.kafka.offset", delivery.offset),
        ]);
    }
    work.finish(sent.as_ref().err().map(|(error, _)| (error_type(error), error.to_string())));
    sent
}

/// A key that is a text, and no novel.
pub(super) fn key(key: Option<&[u8]>) -> Option<KeyValue> {
    let text = std::str::from_utf8(key?).ok().filter(|text| text.len() <= 128)?;
    Some(KeyValue::new("messaging.kafka.message.key", text.to_owned()))
}
