//! Processing: a CONSUMER span around the handler of one delivery, linked to the span that created the message.

use std::borrow::Cow;
use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use lapin::message::Delivery;
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use uuid::Uuid;

use super::{Destination, headers};
use crate::core::{Core, core};
use crate::correlation::{self, CorrelationId};
use crate::metrics::with_attributes;
use crate::span::{self, Outcome};

/// How deliveries of one queue are processed.
///
/// # Examples
///
/// ```no_run
/// # async fn handle(delivery: &lapin::message::Delivery) -> Result<(), std::io::Error> { Ok(()) }
/// # async fn run(delivery: lapin::message::Delivery) {
/// use telemetry::messaging::Consumer;
///
/// let consumer = Consumer::new("users");
/// let result = consumer.process(&delivery, handle(&delivery)).await;
/// # let _ = result; }
/// ```
#[derive(Debug, Clone)]
pub struct Consumer {
    queue: Cow<'static, str>,
    continue_trace: bool,
}

/// Runs `future` as the handler of `delivery`; see [`Consumer::process`].
pub async fn process<F>(delivery: &Delivery, queue: &str, future: F) -> F::Output
where
    F: Future,
    F::Output: Outcome,
{
    run(delivery, queue, false, future).await
}

// === impl Consumer ===

impl Consumer {
    /// A consumer of `queue` that starts a new trace per message, with a link to the message's creation.
    pub fn new(queue: impl Into<Cow<'static, str>>) -> Self {
        Self { queue: queue.into(), continue_trace: false }
    }

    /// Makes the message's creation the parent, so that one trace covers both sides. The link is kept.
    #[must_use]
    pub fn continue_trace(mut self) -> Self {
        self.continue_trace = true;
        self
    }

    /// Runs `future` inside a CONSUMER span `process {queue}`, with the message's correlation id in its context.
    ///
    /// Records `messaging.process.duration`, `messaging.client.consumed.messages`, redeliveries and the age of the message.
    /// A future that is dropped before it ends is recorded as cancelled, one that panics as such. Acknowledging stays with the caller,
    /// inside or after `future`.
    pub async fn process<F>(&self, delivery: &Delivery, future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        run(delivery, &self.queue, self.continue_trace, future).await
    }
}

async fn run<F>(delivery: &Delivery, queue: &str, continue_trace: bool, future: F) -> F::Output
where
    F: Future,
    F::Output: Outcome,
{
    let mut processing = Processing::start(delivery, queue, continue_trace);
    let output = future.with_context(processing.context.clone()).await;
    processing.outcome = Some(output.failure());
    output
}

/// One delivery being processed; reports when dropped.
struct Processing {
    core: &'static Core,
    context: Context,
    destination: String,
    started: Instant,
    /// `None` until the handler has returned.
    outcome: Option<Option<(Cow<'static, str>, String)>>,
}

impl Processing {
    fn start(delivery: &Delivery, queue: &str, continue_trace: bool) -> Self {
        let core = core();
        let destination =
            Destination::new(delivery.exchange.as_str().to_owned(), delivery.routing_key.as_str().to_owned())
                .queue(queue.to_owned())
                .name();
        let mut carried = headers::extract(&delivery.properties);
        let creation = carried.span_context();
        if !continue_trace {
            // An invalid span would not do: the sampler takes it for a parent that was not sampled.
            carried.traceparent = None;
        }
        let (parent, correlation) = correlation::ensure(carried.extract());
        let builder = SpanBuilder::from_name(format!("process {queue}"))
            .with_kind(SpanKind::Consumer)
            .with_links(creation.map(Link::with_context).into_iter().collect());
        let context = parent.with_span(core.tracer.build_with_context(builder, &parent));
        if context.span().is_recording() {
            context.span().set_attributes(attributes(delivery, &destination, &correlation));
        }
        let processing = Self { core, context, destination, started: Instant::now(), outcome: None };
        processing.delivered(delivery);
        processing
    }

    /// What is known before the handler runs.
    fn delivered(&self, delivery: &Delivery) {
        let instruments = &self.core.instruments;
        self.with_destination(|attributes| {
            instruments.messaging_active.add(1, attributes);
            if delivery.redelivered {
                instruments.messaging_redelivered.add(1, attributes);
            }
            if let Some(age) = age(delivery, SystemTime::now()) {
                instruments.messaging_age.record(age.as_secs_f64(), attributes);
            }
        });
    }

    fn with_destination(&self, record: impl FnOnce(&mut Vec<KeyValue>)) {
        with_attributes(|attributes| {
            attributes.push(KeyValue::new("messaging.system", "rabbitmq"));
            attributes.push(KeyValue::new("messaging.operation.name", "process"));
            attributes.push(KeyValue::new("messaging.destination.name", self.destination.clone()));
            record(attributes);
        });
    }
}

impl Drop for Processing {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let failure = self.outcome.take().unwrap_or_else(span::unfinished);
        let instruments = &self.core.instruments;
        self.with_destination(|attributes| {
            instruments.messaging_active.add(-1, attributes);
            attributes.extend(failure.as_ref().map(|(kind, _)| KeyValue::new("error.type", kind.clone())));
            instruments.messaging_process.record(elapsed.as_secs_f64(), attributes);
            instruments.messaging_consumed.add(1, attributes);
        });
        span::end(&self.context, &failure);
    }
}

fn attributes(delivery: &Delivery, destination: &str, correlation: &CorrelationId) -> Vec<KeyValue> {
    let properties = &delivery.properties;
    let mut attributes = vec![
        KeyValue::new("messaging.system", "rabbitmq"),
        KeyValue::new("messaging.operation.name", "process"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.destination.name", destination.to_owned()),
        KeyValue::new("messaging.rabbitmq.destination.routing_key", delivery.routing_key.as_str().to_owned()),
        KeyValue::new(
            "messaging.rabbitmq.message.delivery_tag",
            i64::try_from(delivery.delivery_tag).unwrap_or(i64::MAX),
        ),
        KeyValue::new("messaging.message.conversation_id", correlation.value()),
        KeyValue::new("messaging.message.body.size", delivery.data.len() as i64),
        KeyValue::new("app.messaging.message.redelivered", delivery.redelivered),
        KeyValue::new(correlation::ATTRIBUTE, correlation.value()),
    ];
    let named = [("messaging.message.id", properties.message_id()), ("app.messaging.message.type", properties.kind())];
    for (key, value) in named {
        attributes.extend(value.as_ref().map(|text| KeyValue::new(key, text.as_str().to_owned())));
    }
    attributes
}

/// Age of a message: from the time in its id when that is a UUIDv7 (milliseconds), else from AMQP's timestamp (seconds).
fn age(delivery: &Delivery, now: SystemTime) -> Option<Duration> {
    let properties = &delivery.properties;
    let by_id = properties
        .message_id()
        .as_ref()
        .and_then(|id| Uuid::try_parse(id.as_str()).ok()?.get_timestamp())
        .map(|time| time.to_unix())
        .map(|(seconds, nanos)| Duration::new(seconds, nanos));
    let created = by_id.or_else(|| properties.timestamp().map(Duration::from_secs))?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    // Clocks of two machines differ a little; a message from the future is simply new.
    Some(now.saturating_sub(created))
}
