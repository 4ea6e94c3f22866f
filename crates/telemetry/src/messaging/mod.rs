//! Messages over AMQP (lapin): publishing with a PRODUCER span, processing with a CONSUMER span that links back to it,
//! receiving and settling with CLIENT spans, batches, dead letters, and the lag of queues.
//!
//! Spans, attributes and metrics follow the semantic conventions for messaging (status: development).

use std::borrow::Cow;
use std::sync::Arc;

use crate::cache::Cache;

pub(crate) mod age;
pub(crate) mod batch;
mod consumer;
mod death;
mod error;
mod headers;
mod lag;
mod process;
mod publish;
mod receive;
pub(crate) mod series;
mod settle;

pub use crate::span::Outcome as ProcessOutcome;
pub use consumer::Consumer;
pub use death::DeadLetter;
pub use headers::{extract, inject};
#[cfg(feature = "kafka")]
pub(crate) use lag::readings as lag_readings;
pub use lag::{Watch, lag, queue_age};
pub use process::process;
pub use publish::{OutgoingMessage, publish};

/// `messaging.system` of this module.
const SYSTEM: &str = "rabbitmq";

/// Names of destinations, so that a measurement does not put one together each time.
static NAMES: Cache<Arc<str>> = Cache::new(1024);

/// Where a message goes, or came from.
///
/// ```
/// use telemetry::messaging::Destination;
///
/// let created = Destination::new("events", "order.created");
/// assert_eq!(created.name(), "events:order.created");
/// assert_eq!(created.queue("mail").name(), "events:order.created:mail");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

/// [`Destination::name`] of borrowed parts, made once.
fn destination(exchange: &str, routing_key: &str, queue: Option<&str>) -> Arc<str> {
    let name = NAMES.get(&[exchange, routing_key, queue.unwrap_or_default()], || {
        let mut destination = Destination::new(exchange.to_owned(), routing_key.to_owned());
        destination.queue = queue.map(|queue| queue.to_owned().into());
        destination.name().into()
    });
    Arc::clone(&name)
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
