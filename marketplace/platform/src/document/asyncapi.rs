//! AsyncAPI 3 of a producer: a channel, a message and an operation for each type of event.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{Document, VERSION};
use crate::broker::EXCHANGE;
use crate::event::{CONTENT_TYPE, EventType, HEADER_PREFIX, SPEC_VERSION};

/// The events of one producer.
///
/// # Examples
///
/// ```
/// use platform::EventType;
/// use platform::document::Events;
///
/// /// A lamp was lit.
/// #[derive(serde::Serialize, utoipa::ToSchema)]
/// struct LampLit { room: String }
/// impl EventType for LampLit { const TYPE: &'static str = "house.lamp_lit.v1"; }
///
/// let document = Events::of("house", "What happens in the house.").with::<LampLit>().document();
/// assert_eq!(document["channels"]["house.lamp_lit.v1"]["address"], "house.lamp_lit.v1");
/// assert_eq!(document["operations"]["sendLampLit"]["action"], "send");
/// ```
#[derive(Debug)]
#[must_use = "it says nothing until its document is taken"]
pub struct Events {
    producer: &'static str,
    description: &'static str,
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Events {
    /// No events of `producer` yet.
    pub fn of(producer: &'static str, description: &'static str) -> Self {
        let (channels, operations, messages, mut schemas) = (Map::new(), Map::new(), Map::new(), Map::new());
        schemas.insert("Headers".to_owned(), headers());
        Self { producer, description, channels, operations, messages, schemas }
    }

    /// Adds the type of event `T`; its doc comment is the summary of the message.
    pub fn with<T: EventType + ToSchema>(mut self) -> Self {
        let name = T::name().into_owned();
        let mut referred = vec![(name.clone(), T::schema())];
        T::schemas(&mut referred);
        for (name, schema) in referred {
            // Schemas are plain data, which is always writable.
            self.schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
        }
        let summary = self.schemas[&name]["description"].clone();
        let message = json!({
            "name": T::TYPE,
            "title": name,
            "summary": summary,
            "contentType": CONTENT_TYPE,
            "correlationId": { "location": "$message.header#/x-correlation-id" },
            "headers": { "allOf": [
                { "$ref": "#/components/schemas/Headers" },
                { "properties": {
                    (format!("{HEADER_PREFIX}type")): { "const": T::TYPE },
                    (format!("{HEADER_PREFIX}source")): { "const": format!("/marketplace/{}", self.producer) },
                } },
            ] },
            "payload": { "$ref": format!("#/components/schemas/{name}") },
            "bindings": { "amqp": { "messageType": T::TYPE, "bindingVersion": "0.3.0" } },
        });
        let channel = json!({
            "address": T::TYPE,
            "messages": { (name.as_str()): { "$ref": format!("#/components/messages/{name}") } },
            "bindings": { "amqp": {
                "is": "routingKey",
                "exchange": { "name": EXCHANGE, "type": "topic", "durable": true, "autoDelete": false },
                "bindingVersion": "0.3.0",
            } },
        });
        let operation = json!({
            "action": "send",
            "channel": { "$ref": format!("#/channels/{}", T::TYPE) },
            "messages": [{ "$ref": format!("#/channels/{}/messages/{name}", T::TYPE) }],
            // Persistent, and returned when no queue takes it: then the relay tries again.
            "bindings": { "amqp": { "deliveryMode": 2, "mandatory": true, "timestamp": true, "bindingVersion": "0.3.0" } },
        });
        self.messages.insert(name.clone(), message);
        self.channels.insert(T::TYPE.to_owned(), channel);
        self.operations.insert(format!("send{name}"), operation);
        self
    }

    /// The document.
    #[must_use]
    pub fn document(self) -> Document {
        json!({
            "asyncapi": "3.0.0",
            "info": { "title": self.producer, "description": self.description, "version": VERSION },
            "defaultContentType": CONTENT_TYPE,
            "channels": self.channels,
            "operations": self.operations,
            "components": { "messages": self.messages, "schemas": self.schemas },
        })
    }
}

/// The headers of every event: the attributes of CloudEvents in binary mode, and what joins it to its request.
fn headers() -> Value {
    let attribute = |name: &str| format!("{HEADER_PREFIX}{name}");
    let required = ["specversion", "id", "type", "source", "subject", "time"].map(attribute);
    json!({
        "type": "object",
        "description": "CloudEvents 1.0 in binary mode, and the context of the request that caused the event.",
        "required": required,
        "properties": {
            (attribute("specversion")): { "type": "string", "const": SPEC_VERSION },
            (attribute("id")): {
                "type": "string", "format": "uuid",
                "description": "UUIDv7: identity of the event and idempotency key of its effects; also AMQP's `message_id`."
            },
            (attribute("type")): { "type": "string", "description": "`<service>.<fact>.v<N>`; also the routing key." },
            (attribute("source")): { "type": "string", "format": "uri-reference", "description": "The producer." },
            (attribute("subject")): {
                "type": "string", "minLength": 1,
                "description": "Id of the aggregate that the event speaks of; events of one subject stay in order."
            },
            (attribute("time")): { "type": "string", "format": "date-time", "description": "When it happened." },
            "traceparent": { "type": "string", "description": "W3C trace context of the producer's span." },
            "tracestate": { "type": "string", "description": "W3C trace state." },
            "baggage": { "type": "string", "description": "W3C baggage, what may travel of it." },
            "x-correlation-id": {
                "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$",
                "description": "The correlation id of the request; also AMQP's `correlation_id`."
            },
        },
    })
}
