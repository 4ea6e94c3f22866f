//! Batches: one CONSUMER span around the handler of several deliveries, with a link to the creation of each.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use lapin::message::Delivery;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::consumer::Consumer;
use super::death::DeadLetter;
use super::headers;
use super::process::{delivered, origin, series};
use super::series::Process;
use crate::context::MessageContext;
use crate::correlation;
use crate::span::Outcome;
use crate::work::{Work, open};

/// Most links on one span, as the SDKs limit them; `messaging.batch.message_count` tells of the rest.
pub(crate) const MAX_LINKS: usize = 128;

impl Consumer {
    /// Runs `future` as the handler of all `deliveries` at once, inside one CONSUMER span `process {queue}`.
    ///
    /// The span starts a trace of its own and links to the creation of each message (of the first 128), and each link has
    /// the message's id and its correlation id. When all messages have the same correlation id it becomes that of the
    /// batch, otherwise the batch gets a new one. Age, redelivery and dead-lettering are recorded per message,
    /// `messaging.process.duration` (s) once. Without deliveries `future` simply runs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn store(deliveries: &[lapin::message::Delivery]) -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn run(deliveries: Vec<lapin::message::Delivery>) -> Result<(), std::io::Error> {
    /// use telemetry::messaging::Consumer;
    ///
    /// Consumer::new("statistics").process_batch(&deliveries, store(&deliveries)).await
    /// # }
    /// ```
    pub async fn process_batch<F>(&self, deliveries: &[Delivery], future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        match self.start_batch(deliveries) {
            Some(work) => work.run(future).await,
            None => future.await,
        }
    }

    fn start_batch(&self, deliveries: &[Delivery]) -> Option<Work<Process>> {
        let queue = &*self.queue;
        let destination = common(deliveries, queue)?;
        let (batch, one) = (series(queue, deliveries.len() as u64), series(queue, 1));
        let contexts: Vec<MessageContext> = deliveries.iter().map(|d| headers::extract(&d.properties)).collect();
        let ids = deliveries.iter().map(|d| d.properties.message_id().as_ref().map(|id| id.as_str()));
        let opened = open(
            format!("process {queue}"),
            SpanKind::Consumer,
            shared(&contexts),
            links(contexts.iter().zip(ids)),
            |correlation| {
                let mut attributes = batch.span_of(destination, "process", 3);
                attributes.push(KeyValue::new("messaging.batch.message_count", batch.messages as i64));
                attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
                attributes
            },
        );
        let now = SystemTime::now();
        for delivery in deliveries {
            let letter = DeadLetter::of(&delivery.properties);
            delivered(delivery, &one, letter.as_ref(), opened.0.span().span_context(), now);
        }
        batch.begin();
        let uncounted = deliveries.iter().filter(|delivery| self.delivers(delivery)).count() as u64;
        Some(Work::new(opened, Process { series: batch, uncounted }))
    }
}

/// A link to the creation of each message that has one.
pub(crate) fn links<'m>(messages: impl Iterator<Item = (&'m MessageContext, Option<&'m str>)>) -> Vec<Link> {
    let link = |(context, id): (&MessageContext, Option<&str>)| {
        let mut attributes = Vec::new();
        attributes.extend(id.map(|id| KeyValue::new("messaging.message.id", id.to_owned())));
        attributes.extend(context.correlation_id().map(|id| KeyValue::new(correlation::ATTRIBUTE, id.value())));
        Some(Link::new(context.span_context()?, attributes, 0))
    };
    messages.filter_map(link).take(MAX_LINKS).collect()
}

/// What all messages agree on: their correlation id and baggage when they are the same, and nothing otherwise.
pub(crate) fn shared(contexts: &[MessageContext]) -> Context {
    let distinct: BTreeSet<_> =
        contexts.iter().map(|context| (context.correlation_id.as_deref(), context.baggage.as_deref())).collect();
    let mut common = MessageContext::default();
    if let (1, Some((id, baggage))) = (distinct.len(), distinct.first()) {
        common.correlation_id = id.map(str::to_owned);
        common.baggage = baggage.map(str::to_owned);
    }
    common.extract()
}

/// The destination that all deliveries share: with exchange and routing key when those are the same, else the queue.
fn common(deliveries: &[Delivery], queue: &str) -> Option<Arc<str>> {
    let first = deliveries.first()?;
    let same = deliveries.iter().all(|d| d.exchange == first.exchange && d.routing_key == first.routing_key);
    Some(if same { origin(first, queue) } else { series(queue, 0).destination })
}
