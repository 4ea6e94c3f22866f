//! Processing: a CONSUMER span around the handler of one delivery, linked to the span that created the message.

use std::future::Future;
use std::sync::Arc;
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
    start(delivery, queue, false, 1).run(future).await
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
        start(delivery, &self.queue, self.continue_trace, self.delivers(delivery).into()).run(future).await
    }
}

/// Opens the span and records what is known before the handler runs.
fn start(delivery: &Delivery, queue: &str, continue_trace: bool, uncounted: u64) -> Work<Process> {
    let series = series(queue, 1);
    let mut carried = headers::extract(&delivery.properties);
    let creation = carried.span_context();
    if !continue_trace {
        // An invalid span would not do: the sampler takes it for a parent that was not sampled.
        carried.traceparent = None;
    }
    let letter = DeadLetter::of(&delivery.properties);
    let links = creation.map(Link::with_context).into_iter().collect();
    let opened = open(format!("process {queue}"), SpanKind::Consumer, carried.extract(), links, |correlation| {
        let mut attributes = attributes(delivery, &series, queue, correlation);
        attributes.extend(letter.iter().flat_map(DeadLetter::attributes));
        attributes
    });
    series.begin();
    delivered(delivery, &series, letter.as_ref(), opened.0.span().span_context(), SystemTime::now());
    Work::new(opened, Process { series, uncounted })
}

/// What the metrics of processing deliveries of `queue` have in common: the queue alone, as the publisher, who may be a
/// stranger, chooses the routing key.
pub(super) fn series(queue: &str, messages: u64) -> Series {
    Series {
        system: SYSTEM,
        operation: "process",
        destination: destination("", "", Some(queue)),
        more: Vec::new(),
        messages,
    }
}

/// Where `delivery` was sent to and taken from, for spans.
pub(super) fn origin(delivery: &Delivery, queue: &str) -> Arc<str> {
    destination(delivery.exchange.as_str(), delivery.routing_key.as_str(), Some(queue))
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

fn attributes(delivery: &Delivery, series: &Series, queue: &str, correlation: &CorrelationId) -> Vec<KeyValue> {
    let properties = &delivery.properties;
    let mut attributes = series.span_of(origin(delivery, queue), "process", 12);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{capture, emitted};

    #[tokio::test]
    async fn routing_keys_are_on_spans_and_make_no_series() {
        let capture = capture();
        let consumer = Consumer::new("process-keys");
        let handled = async {
            for key in ["order.1.created", "order.2.created"] {
                let delivery = Delivery::mock(1, "process-events".into(), key.into(), true, Vec::new());
                let work = async { drop(consumer.ack(&delivery, Default::default()).await) };
                consumer.process(&delivery, work).await;
                consumer.process_batch(std::slice::from_ref(&delivery), async {}).await;
            }
        };
        capture.run(handled).await;
        let all = emitted();
        let processed: Vec<_> = all.spans.iter().filter(|span| span.name == "process process-keys").collect();
        assert_eq!(processed.len(), 4);
        assert_eq!(processed[0].attribute("messaging.destination.name"), "process-events:order.1.created:process-keys");
        let mut names: Vec<String> = all.metrics.iter().map(|point| format!("{point:?}")).collect();
        names.retain(|point| point.contains("process-keys"));
        assert!(names.iter().any(|point| point.contains("messaging.process.duration")));
        assert!(names.iter().any(|point| point.contains("messaging.client.operation.duration")));
        assert!(!names.iter().any(|point| point.contains("order.")), "{names:#?}");
    }
}
