//! Messages over AMQP (lapin): publishing with a PRODUCER span, processing with a CONSUMER span that links back to it.
//!
//! Spans, attributes and metrics follow the semantic conventions for messaging (status: development).

use std::borrow::Cow;

mod headers;
mod process;
mod publish;

pub use crate::span::Outcome as ProcessOutcome;
pub use headers::{extract, inject};
pub use process::{Consumer, process};
pub use publish::{OutgoingMessage, publish};

/// Where a message goes, or came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The exchange; empty for the default exchange.
    pub exchange: Cow<'static, str>,
    /// The routing key; of low cardinality, as it becomes part of a metric attribute.
    pub routing_key: Cow<'static, str>,
    /// The queue, when the message was taken from one.
    pub queue: Option<Cow<'static, str>>,
}

impl Destination {
    /// A destination to publish to.
    pub fn new(exchange: impl Into<Cow<'static, str>>, routing_key: impl Into<Cow<'static, str>>) -> Self {
        Self { exchange: exchange.into(), routing_key: routing_key.into(), queue: None }
    }

    /// The same destination, seen from a queue bound to it.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<Cow<'static, str>>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// `{exchange}:{routing key}[:{queue}]`, empty parts left out: `messaging.destination.name`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut parts = vec![&*self.exchange, &*self.routing_key];
        // The default exchange routes by queue name, which would only be said twice.
        parts.extend(self.queue.as_deref().filter(|queue| *queue != &*self.routing_key));
        parts.retain(|part| !part.is_empty());
        if parts.is_empty() { "amq.default".to_owned() } else { parts.join(":") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destination_name_leaves_empty_and_repeated_parts_out() {
        assert_eq!(Destination::new("events", "order.created").name(), "events:order.created");
        assert_eq!(Destination::new("events", "order.created").queue("users").name(), "events:order.created:users");
        assert_eq!(Destination::new("", "users").queue("users").name(), "users");
        assert_eq!(Destination::new("", "").name(), "amq.default");
    }
}
