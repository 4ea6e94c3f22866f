//! Publishing: a PRODUCER span from the message's creation context to the broker's confirm.

use lapin::options::BasicPublishOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use opentelemetry::context::FutureExt;
use opentelemetry::trace::SpanKind;
use opentelemetry::{Context, KeyValue};

use super::error::{error_type, short};
use super::series::{Client, Series};
use super::{Destination, SYSTEM, destination, headers};
use crate::context::MessageContext;
use crate::correlation::{self, CorrelationId};
use crate::work::{Failure, Work, open};

/// A message to publish: [`OutgoingMessage::new`], and whatever else it needs.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OutgoingMessage {
    /// `message_id`: what consumers recognise a repeated delivery by. At most 255 bytes.
    pub id: String,
    /// AMQP's `type`: the name of the event. At most 255 bytes.
    pub kind: String,
    /// The payload.
    pub body: Vec<u8>,
    /// Headers of the application, added to those of `properties`; those of the context are added to both.
    pub headers: FieldTable,
    /// Other properties (delivery mode, content type, ...); id and type are set here, and so is the correlation id when
    /// there is none: consumers take the one in the headers, so that of a request to answer can be AMQP's own.
    pub properties: BasicProperties,
    /// What was captured when the message was created (an outbox row keeps it); `None` takes the current context.
    pub context: Option<MessageContext>,
    /// Whether no queue needs to take it. Otherwise the broker returns an unroutable message, which is an error.
    pub optional: bool,
}

impl OutgoingMessage {
    /// A message without headers, properties or stored context.
    pub fn new(id: impl Into<String>, kind: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { id: id.into(), kind: kind.into(), body: body.into(), ..Self::default() }
    }

    /// The context that was captured when the message was created.
    #[must_use]
    pub fn context(mut self, context: MessageContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Headers of the application; those of the context are added.
    #[must_use]
    pub fn headers(mut self, headers: FieldTable) -> Self {
        self.headers = headers;
        self
    }

    /// Delivery mode, content type and other properties; id, type and a correlation id that is missing are set when it is
    /// published, and headers are added.
    #[must_use]
    pub fn properties(mut self, properties: BasicProperties) -> Self {
        self.properties = properties;
        self
    }

    /// Needs no queue that takes it: a message that cannot be routed is no error.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// Publishes `message` and waits for the broker's confirm (the channel must be in confirm mode to get one).
///
/// Opens a PRODUCER span `send {exchange}` below the span that created the message, writes the context and the correlation
/// id into the message, and records `messaging.client.operation.duration` and `messaging.client.sent.messages`. A message
/// that is not acknowledged, or returned as unroutable, is returned as such and is an error in span and metrics.
///
/// # Errors
///
/// What lapin returns: channel or connection closed, or a message id or type longer than AMQP can carry.
///
/// # Examples
///
/// ```no_run
/// use lapin::{BasicProperties, Channel, Confirmation};
/// use telemetry::messaging::{Destination, OutgoingMessage, publish};
///
/// # async fn run(channel: &Channel) -> Result<(), lapin::Error> {
/// let created = Destination::new("events", "order.created");
/// let message = OutgoingMessage::new("019a1234-89ab-7def-8123-456789abcdef", "order.created.v1", "{}")
///     .properties(BasicProperties::default().with_delivery_mode(2));
/// match publish(channel, &created, message).await? {
///     Confirmation::Ack(None) => {}
///     refused => tracing::warn!(?refused, "nobody has the message"),
/// }
/// # Ok(()) }
/// ```
pub async fn publish(
    channel: &Channel,
    destination: &Destination,
    message: OutgoingMessage,
) -> Result<Confirmation, lapin::Error> {
    let sending = start(destination, &message);
    let context = sending.context.clone();
    let result = send(channel, destination, message, &sending).with_context(context).await;
    sending.finish(failure(&result));
    result
}

async fn send(
    channel: &Channel,
    destination: &Destination,
    message: OutgoingMessage,
    sending: &Work<Client>,
) -> Result<Confirmation, lapin::Error> {
    let exchange = short(&destination.exchange)?;
    let routing_key = short(&destination.routing_key)?;
    let options = BasicPublishOptions { mandatory: !message.optional, ..BasicPublishOptions::default() };
    let body = message.body;
    let properties = properties(
        short(&message.id)?,
        short(&message.kind)?,
        message.headers,
        message.properties,
        &sending.context,
        &sending.correlation,
    );
    channel.basic_publish(exchange, routing_key, options, &body, properties).await?.await
}

/// The properties as they go out, context included.
pub(super) fn properties(
    id: ShortString,
    kind: ShortString,
    headers: FieldTable,
    properties: BasicProperties,
    context: &Context,
    correlation: &CorrelationId,
) -> BasicProperties {
    let mut table = FieldTable::default();
    // Of properties that came with another message the context stays behind: it is that message's.
    let given = properties.headers().iter().flat_map(|headers| headers.inner()).filter(|(name, _)| !is_context(name));
    for (name, value) in given.chain(headers.inner()) {
        table.insert(name.clone(), value.clone());
    }
    headers::inject(&MessageContext::from_context(context), &mut table);
    // 128 characters at most, so it always fits.
    let own = properties.correlation_id().clone().unwrap_or_else(|| correlation.as_str().into());
    properties.with_headers(table).with_message_id(id).with_type(kind).with_correlation_id(own)
}

fn is_context(name: &ShortString) -> bool {
    ["traceparent", "tracestate", "baggage", correlation::HEADER].contains(&name.as_str())
}

/// Opens the span of one message on its way to the broker; dropping it unconfirmed reports it as cancelled.
fn start(to: &Destination, message: &OutgoingMessage) -> Work<Client> {
    let name = destination(&to.exchange, &to.routing_key, to.queue.as_deref());
    let series = Series { system: SYSTEM, operation: "send", destination: name, more: Vec::new(), messages: 1 };
    let parent = match &message.context {
        Some(stored) => stored.extract(),
        None => Context::current(),
    };
    let exchange = if to.exchange.is_empty() { "amq.default" } else { &to.exchange };
    let opened = open(format!("send {exchange}"), SpanKind::Producer, parent, Vec::new(), |correlation| {
        let mut attributes = series.span("send", 6);
        attributes.extend([
            KeyValue::new("messaging.rabbitmq.destination.routing_key", to.routing_key.clone().into_owned()),
            KeyValue::new("messaging.message.id", message.id.clone()),
            KeyValue::new("messaging.message.conversation_id", correlation.value()),
            KeyValue::new("messaging.message.body.size", i64::try_from(message.body.len()).unwrap_or(i64::MAX)),
            KeyValue::new("app.messaging.message.type", message.kind.clone()),
        ]);
        attributes
    });
    Work::new(opened, Client { series, kind: "send" })
}

fn failure(result: &Result<Confirmation, lapin::Error>) -> Failure {
    let kind = match result {
        Ok(Confirmation::Nack(_)) => "nack",
        Ok(Confirmation::Ack(Some(_))) => "unroutable",
        Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => return None,
        Err(error) => return Some((error_type(error).into(), error.to_string())),
    };
    Some((kind.into(), String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messaging::process;
    use crate::testing::{capture, metric};
    use lapin::message::Delivery;
    use lapin::types::AMQPValue;

    /// What `publish` does around the broker, without one: the properties go straight into a delivery.
    fn sent(
        destination: &Destination,
        message: OutgoingMessage,
        result: &Result<Confirmation, lapin::Error>,
    ) -> Delivery {
        let sending = start(destination, &message);
        let mut delivery =
            Delivery::mock(1, (&*destination.exchange).into(), (&*destination.routing_key).into(), false, message.body);
        delivery.properties = properties(
            short(&message.id).unwrap(),
            short(&message.kind).unwrap(),
            message.headers,
            message.properties,
            &sending.context,
            &sending.correlation,
        );
        sending.finish(failure(result));
        delivery
    }

    #[tokio::test]
    async fn message_links_its_consumer_to_the_stored_context() {
        let capture = capture();
        let destination = Destination::new("publish-events", "order.created");
        let stored = capture.run(async { MessageContext::capture() }).await;
        let message = OutgoingMessage::new(uuid::Uuid::now_v7().to_string(), "order.created", "{}").context(stored);
        let delivery = sent(&destination, message, &Ok(Confirmation::Ack(None)));

        let id = capture.correlation_id().as_str();
        assert_eq!(delivery.properties.correlation_id().as_ref().unwrap().as_str(), id);
        assert_eq!(delivery.properties.kind().as_ref().unwrap().as_str(), "order.created");
        process(&delivery, "publish-mail", async {}).await;
        assert_eq!(
            capture.tree(),
            "producer send publish-events\nconsumer process publish-mail ~> send publish-events\n"
        );
        let spans = capture.spans();
        assert!(spans.iter().all(|span| span.attribute("messaging.message.conversation_id") == id));
        assert_eq!(spans[0].attribute("messaging.destination.name"), "publish-events:order.created");
        let sent = [("messaging.destination.name", "publish-events:order.created")];
        assert_eq!(metric("messaging.client.sent.messages", &sent), 1.0);
        assert_eq!(metric("messaging.client.operation.duration", &sent), 1.0);
        // The id is a UUIDv7, so the age is known.
        let mail = [("messaging.destination.name", "publish-mail")];
        assert_eq!(metric("app.messaging.message.age", &mail), 1.0);
    }

    #[tokio::test]
    async fn properties_of_the_caller_are_kept() {
        let capture = capture();
        let table = |pairs: &[(&str, &str)]| {
            let mut table = FieldTable::default();
            for (name, value) in pairs {
                table.insert((*name).into(), AMQPValue::LongString((*value).into()));
            }
            table
        };
        let given = BasicProperties::default().with_correlation_id("rpc-7".into()).with_headers(table(&[
            ("tenant", "a"),
            ("tier", "gold"),
            ("tracestate", "old=1"),
            ("x-correlation-id", "old"),
        ]));
        let message = OutgoingMessage::new("m", "t", "").properties(given).headers(table(&[("tier", "silver")]));
        let destination = Destination::new("", "replies");
        let delivery = capture.run(async { sent(&destination, message, &Ok(Confirmation::Ack(None))) }).await;
        assert_eq!(delivery.properties.correlation_id().as_ref().unwrap().as_str(), "rpc-7");
        let kept = delivery.properties.headers().as_ref().unwrap().inner();
        for (name, value) in [("tenant", "a"), ("tier", "silver")] {
            assert_eq!(kept.get(name), Some(&AMQPValue::LongString(value.into())), "{name}");
        }
        let context = headers::extract(&delivery.properties);
        assert_eq!((context.correlation_id().as_ref(), context.tracestate), (Some(capture.correlation_id()), None));
    }

    #[tokio::test]
    async fn refused_and_failed_messages_are_errors() {
        let capture = capture();
        let destination = Destination::new("refusing", "k");
        let message = || OutgoingMessage { context: None, ..OutgoingMessage::new("m", "t", "") };
        capture
            .run(async {
                sent(&destination, message(), &Ok(Confirmation::Nack(None)));
                sent(&destination, message(), &Err(std::io::Error::other("gone").into()));
                drop(start(&destination, &message()));
            })
            .await;
        assert_eq!(
            capture.tree(),
            "producer send refusing !nack\nproducer send refusing !io_error\nproducer send refusing !cancelled\n"
        );
    }
}
