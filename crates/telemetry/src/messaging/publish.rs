//! Publishing: a PRODUCER span from the message's creation context to the broker's confirm.

use std::time::Instant;

use lapin::options::BasicPublishOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};

use super::{Destination, headers};
use crate::context::MessageContext;
use crate::core::{Core, core};
use crate::correlation::{self, CorrelationId};
use crate::metrics::with_attributes;

/// A message to publish.
#[derive(Debug, Clone, Default)]
pub struct OutgoingMessage {
    /// `message_id`: what consumers recognise a repeated delivery by. At most 255 bytes.
    pub id: String,
    /// AMQP's `type`: the name of the event. At most 255 bytes.
    pub kind: String,
    /// The payload.
    pub body: Vec<u8>,
    /// Headers of the application; those of the context are added.
    pub headers: FieldTable,
    /// Other properties (delivery mode, content type, ...); id, type, headers and correlation id are set here.
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
pub async fn publish(
    channel: &Channel,
    destination: &Destination,
    message: OutgoingMessage,
) -> Result<Confirmation, lapin::Error> {
    let mut sending = Sending::start(destination, &message);
    let context = sending.context.clone();
    let result = send(channel, destination, message, &sending).with_context(context).await;
    sending.confirmed(&result);
    result
}

async fn send(
    channel: &Channel,
    destination: &Destination,
    message: OutgoingMessage,
    sending: &Sending,
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
    mut table: FieldTable,
    properties: BasicProperties,
    context: &Context,
    correlation: &CorrelationId,
) -> BasicProperties {
    headers::inject(&MessageContext::from_context(context), &mut table);
    // 128 characters at most, so it always fits.
    properties.with_headers(table).with_message_id(id).with_type(kind).with_correlation_id(correlation.as_str().into())
}

/// lapin panics on longer texts; here they are an error.
fn short(text: &str) -> Result<ShortString, lapin::Error> {
    ShortString::try_new(text).map_err(|_| {
        let shown: String = text.chars().take(40).collect();
        let reason = format!("`{shown}...` is {} bytes: AMQP names and ids have at most 255", text.len());
        lapin::Error::from(std::io::Error::new(std::io::ErrorKind::InvalidInput, reason))
    })
}

/// One message on its way to the broker; dropping it unconfirmed reports it as cancelled.
pub(super) struct Sending {
    core: &'static Core,
    pub(super) context: Context,
    pub(super) correlation: CorrelationId,
    destination: String,
    started: Instant,
    error: Option<&'static str>,
}

impl Sending {
    pub(super) fn start(destination: &Destination, message: &OutgoingMessage) -> Self {
        let core = core();
        let parent = match &message.context {
            Some(stored) => stored.extract(),
            None => Context::current(),
        };
        let (parent, correlation) = correlation::ensure(parent);
        let exchange = if destination.exchange.is_empty() { "amq.default" } else { &destination.exchange };
        let builder = SpanBuilder::from_name(format!("send {exchange}")).with_kind(SpanKind::Producer);
        let context = parent.with_span(core.tracer.build_with_context(builder, &parent));
        let name = destination.name();
        let span = context.span();
        if span.is_recording() {
            span.set_attributes([
                KeyValue::new("messaging.system", "rabbitmq"),
                KeyValue::new("messaging.operation.name", "send"),
                KeyValue::new("messaging.operation.type", "send"),
                KeyValue::new("messaging.destination.name", name.clone()),
                KeyValue::new(
                    "messaging.rabbitmq.destination.routing_key",
                    destination.routing_key.clone().into_owned(),
                ),
                KeyValue::new("messaging.message.id", message.id.clone()),
                KeyValue::new("messaging.message.conversation_id", correlation.value()),
                KeyValue::new("messaging.message.body.size", message.body.len() as i64),
                KeyValue::new("app.messaging.message.type", message.kind.clone()),
                KeyValue::new(correlation::ATTRIBUTE, correlation.value()),
            ]);
        }
        Self { core, context, correlation, destination: name, started: Instant::now(), error: Some("cancelled") }
    }

    pub(super) fn confirmed(&mut self, result: &Result<Confirmation, lapin::Error>) {
        self.error = match result {
            Ok(Confirmation::Nack(_)) => Some("nack"),
            Ok(Confirmation::Ack(Some(_))) => Some("unroutable"),
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => None,
            Err(error) => Some(error_type(error)),
        };
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        with_attributes(|attributes| {
            attributes.push(KeyValue::new("messaging.system", "rabbitmq"));
            attributes.push(KeyValue::new("messaging.operation.name", "send"));
            attributes.push(KeyValue::new("messaging.operation.type", "send"));
            attributes.push(KeyValue::new("messaging.destination.name", self.destination.clone()));
            attributes.extend(self.error.map(|error| KeyValue::new("error.type", error)));
            self.core.instruments.messaging_duration.record(elapsed.as_secs_f64(), attributes);
            self.core.instruments.messaging_sent.add(1, attributes);
        });
        let span = self.context.span();
        if let Some(error) = self.error {
            span.set_attribute(KeyValue::new("error.type", error));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// Few and stable, as `error.type` must be.
fn error_type(error: &lapin::Error) -> &'static str {
    use lapin::ErrorKind;
    match error.kind() {
        ErrorKind::IOError(io) if io.kind() == std::io::ErrorKind::InvalidInput => "invalid_message",
        ErrorKind::IOError(_) => "io_error",
        ErrorKind::InvalidChannelState(..) | ErrorKind::InvalidChannel(_) => "channel_closed",
        ErrorKind::InvalidConnectionState(_) | ErrorKind::MissingHeartbeatError => "connection_closed",
        ErrorKind::ProtocolError(_) => "broker_error",
        _ => "amqp_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messaging::process;
    use crate::testing::{capture, metric};
    use lapin::message::Delivery;

    /// What `publish` does around the broker, without one: the properties go straight into a delivery.
    fn sent(
        destination: &Destination,
        message: OutgoingMessage,
        result: &Result<Confirmation, lapin::Error>,
    ) -> Delivery {
        let mut sending = Sending::start(destination, &message);
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
        sending.confirmed(result);
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
        process(&delivery, "mail", async {}).await;
        assert_eq!(capture.tree(), "producer send publish-events\nconsumer process mail ~> send publish-events\n");
        let spans = capture.spans();
        assert!(spans.iter().all(|span| span.attribute("messaging.message.conversation_id") == id));
        assert_eq!(spans[0].attribute("messaging.destination.name"), "publish-events:order.created");
        let sent = [("messaging.destination.name", "publish-events:order.created")];
        assert_eq!(metric("messaging.client.sent.messages", &sent), 1.0);
        assert_eq!(metric("messaging.client.operation.duration", &sent), 1.0);
        // The id is a UUIDv7, so the age is known.
        let mail = [("messaging.destination.name", "publish-events:order.created:mail")];
        assert_eq!(metric("app.messaging.message.age", &mail), 1.0);
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
                drop(Sending::start(&destination, &message()));
            })
            .await;
        assert_eq!(
            capture.tree(),
            "producer send refusing !nack\nproducer send refusing !io_error\nproducer send refusing !cancelled\n"
        );
    }

    #[test]
    fn text_too_long_for_amqp_is_an_error() {
        let error = short(&"x".repeat(256)).unwrap_err();
        assert_eq!(error_type(&error), "invalid_message");
        assert!(error.to_string().contains("256 bytes"), "{error}");
    }
}
