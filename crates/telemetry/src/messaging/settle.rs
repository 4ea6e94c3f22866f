//! Settling: a CLIENT span around telling the broker what became of a delivery.

use std::future::Future;

use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use opentelemetry::trace::{Link, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::consumer::Consumer;
use super::error::error_type;
use super::headers;
use super::process::{self, series};
use super::series::{Client, Series};
use crate::correlation;
use crate::work::{Work, open};

impl Consumer {
    /// Acknowledges `delivery`, inside a CLIENT span `ack {queue}`.
    ///
    /// Records `messaging.client.operation.duration` (s). `false`, an error `already_settled` of the span, when the delivery
    /// was settled before or its channel is gone.
    ///
    /// # Errors
    ///
    /// What lapin returns: channel or connection closed.
    pub async fn ack(&self, delivery: &Delivery, options: BasicAckOptions) -> Result<bool, lapin::Error> {
        self.settle("ack", delivery, delivery.acker.ack(options)).await
    }

    /// Refuses `delivery`, as [`Consumer::ack`] acknowledges it: span `nack {queue}`.
    ///
    /// # Errors
    ///
    /// What lapin returns: channel or connection closed.
    pub async fn nack(&self, delivery: &Delivery, options: BasicNackOptions) -> Result<bool, lapin::Error> {
        self.settle("nack", delivery, delivery.acker.nack(options)).await
    }

    /// Rejects `delivery`, as [`Consumer::ack`] acknowledges it: span `reject {queue}`.
    ///
    /// # Errors
    ///
    /// What lapin returns: channel or connection closed.
    pub async fn reject(&self, delivery: &Delivery, options: BasicRejectOptions) -> Result<bool, lapin::Error> {
        self.settle("reject", delivery, delivery.acker.reject(options)).await
    }

    async fn settle(
        &self,
        operation: &'static str,
        delivery: &Delivery,
        settling: impl Future<Output = Result<bool, lapin::Error>>,
    ) -> Result<bool, lapin::Error> {
        let series = Series { operation, ..series(&self.queue, 1) };
        let (parent, links) = origin(delivery);
        let name = format!("{operation} {}", self.queue);
        let opened = open(name, SpanKind::Client, parent, links, |correlation| {
            let mut attributes = series.span_of(process::origin(delivery, &self.queue), "settle", 4);
            attributes.push(KeyValue::new(
                "messaging.rabbitmq.message.delivery_tag",
                i64::try_from(delivery.delivery_tag).unwrap_or(i64::MAX),
            ));
            attributes.push(KeyValue::new("messaging.message.conversation_id", correlation.value()));
            let id = delivery.properties.message_id().as_ref();
            attributes.extend(id.map(|id| KeyValue::new("messaging.message.id", id.as_str().to_owned())));
            attributes
        });
        let work = Work::new(opened, Client { series, kind: "settle" });
        let settled = settling.await;
        // Whoever settles what they received need not have processed it.
        self.forgets(delivery);
        work.finish(match &settled {
            Ok(true) => None,
            Ok(false) => Some(("already_settled".into(), String::new())),
            Err(error) => Some((error_type(error).into(), error.to_string())),
        });
        settled
    }
}

/// Below the span that processes the message; outside of one, with the message's own id and a link to its creation.
fn origin(delivery: &Delivery) -> (Context, Vec<Link>) {
    let current = Context::current();
    if current.has_active_span() {
        return (current, Vec::new());
    }
    let mut carried = headers::extract(&delivery.properties);
    let links = carried.span_context().map(Link::with_context).into_iter().collect();
    carried.traceparent = None;
    (if correlation::of(&current).is_some() { current } else { carried.extract() }, links)
}
