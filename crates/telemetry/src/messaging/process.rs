//! Processing: a CONSUMER span around the handler of one delivery, linked to the span that created the message.

use std::future::Future;
use std::time::{Duration, SystemTime};

use lapin::message::Delivery;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt};

use super::age::age;
use super::consumer::Consumer;
use super::death::DeadLetter;
use super::headers;
use super::series::{Process, Series};
use super::{SYSTEM, destination};
use crate::correlation::CorrelationId;
use crate::span::Outcome;
use crate::work::{Work, open};

/// Runs `future` as the handler of `delivery`; see [`Consumer::process`].
///
/// ```no_run
/// # async fn run(delivery: lapin::message::Delivery) {
/// let done = telemetry::messaging::process(&delivery, "mail", async {
///     tracing::info!(bytes = delivery.data.len(), "has the correlation id of whoever sent it");
///     Ok::<(), std::io::Error>(())
/// });
/// # let _ = done.await; }
/// ```
pub async fn process<F>(delivery: &Delivery, queue: &str, future: F) -> F::Output
where
    F: Future,
    F::Output: Outcome,
{
    start(delivery, queue, false, true).run(future).await
}

impl Consumer {
    /// Runs `future` inside a CONSUMER span `process {queue}`, with the message's correlation id in its context.
    ///
    /// Records `messaging.process.duration` (s), `messaging.client.consumed.messages`, and of the message its age (s),
    /// whether it was delivered before and whether it was dead-lettered. A future that is dropped before it ends is
    /// recorded as cancelled, one that panics as such. Acknowledging stays with the caller, inside or after `future`; see
    /// [`Consumer::ack`].
    pub async fn process<F>(&self, delivery: &Delivery, future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        start(delivery, &self.queue, self.continue_trace, !self.pulled).run(future).await
    }
}

/// Opens the span and records what is known before the handler runs.
fn start(delivery: &Delivery, queue: &str, continue_trace: bool, delivers: bool) -> Work<Process> {
    let series = series(delivery, queue, 1);
    let mut carried = headers::extract(&delivery.properties);
    let creation = carried.span_context();
    if !continue_trace {
        // An invalid span would not do: the sampler takes it for a parent that was not sampled.
        carried.traceparent = None;
    }
    let letter = DeadLetter::of(&delivery.properties);
    let links = creation.map(Link::with_context).into_iter().collect();
    let opened = open(format!("process {queue}"), SpanKind::Consumer, carried.extract(), links, |correlation| {
        let mut attributes = attributes(delivery, &series, correlation);
        attributes.extend(letter.iter().flat_map(DeadLetter::attributes));
        attributes
    });
    series.begin();
    delivered(delivery, &series, letter.as_ref(), opened.0.span().span_context(), SystemTime::now());
    Work::new(opened, Process { series, delivers })
}

/// What the metrics of processing deliveries of `queue` have in common.
pub(super) fn series(delivery: &Delivery, queue: &str, messages: u64) -> Series {
    let destination = destination(delivery.exchange.as_str(), delivery.routing_key.as_str(), Some(queue));
    Series { system: SYSTEM, operation: "process", destination, more: Vec::new(), messages }
}

/// Records what one delivery says about itself.
pub(super) fn delivered(
    delivery: &Delivery,
    series: &Series,
    letter: Option<&DeadLetter>,
    span: &SpanContext,
    now: SystemTime,
) {
    if delivery.redelivered {
        series.redelivered();
    }
    if let Some(letter) = letter {
        letter.count_in(series);
    }
    let properties = &delivery.properties;
    let id = properties.message_id().as_ref().map(lapin::types::ShortString::as_str);
    if let Some(age) = age(id, properties.timestamp().map(Duration::from_secs), now) {
        series.aged(age, span);
    }
}

fn attributes(delivery: &Delivery, series: &Series, correlation: &CorrelationId) -> Vec<KeyValue> {
    let properties = &delivery.properties;
    let mut attributes = series.span("process", 12);
    attributes.extend([
        KeyValue::new("messaging.rabbitmq.destination.routing_key", delivery.routing_key.as_str().to_owned()),
        KeyValue::new(
            "messaging.rabbitmq.message.delivery_tag",
            i64::try_from(delivery.delivery_tag).unwrap_or(i64::MAX),
        ),
        KeyValue::new("messaging.message.conversation_id", correlation.value()),
        KeyValue::new("messaging.message.body.size", i64::try_from(delivery.data.len()).unwrap_or(i64::MAX)),
        KeyValue::new("app.messaging.message.redelivered", delivery.redelivered),
    ]);
    let named = [("messaging.message.id", properties.message_id()), ("app.messaging.message.type", properties.kind())];
    for (key, value) in named {
        attributes.extend(value.as_ref().map(|text| KeyValue::new(key, text.as_str().to_owned())));
    }
    attributes
}
