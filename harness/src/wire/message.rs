//! An AMQP delivery under the names that pacts use for metadata.

use std::collections::HashMap;

use contracts::live::Message;
use lapin::message::Delivery;
use lapin::types::AMQPValue;
use serde_json::{Value, json};

/// Deepest header value that is read.
const DEEPEST: usize = 8;
/// Header of messages that the broker or a consumer has moved because nobody could process them.
const DEATHS: &str = "x-death";

/// The message; nothing for one that was moved to where dead letters go, because its producer did not publish it there.
pub(super) fn read(delivery: Delivery) -> Option<Message> {
    let properties = &delivery.properties;
    let mut metadata: HashMap<String, Value> = HashMap::new();
    if let Some(headers) = properties.headers() {
        if headers.contains_key(DEATHS) {
            return None;
        }
        metadata.extend(headers.inner().iter().map(|(name, value)| (name.as_str().to_owned(), json(value, 0))));
    }
    let content_type = properties.content_type().as_ref().map(|text| text.as_str().to_owned());
    let properties = [
        ("contentType", content_type.clone()),
        ("type", properties.kind().as_ref().map(|text| text.as_str().to_owned())),
        ("messageId", properties.message_id().as_ref().map(|text| text.as_str().to_owned())),
        ("correlationId", properties.correlation_id().as_ref().map(|text| text.as_str().to_owned())),
        ("exchange", Some(delivery.exchange.as_str().to_owned())),
        ("routingKey", Some(delivery.routing_key.as_str().to_owned())),
    ];
    for (name, value) in properties {
        // A header of the same name is what the producer wrote.
        if let Some(value) = value {
            metadata.entry(name.to_owned()).or_insert_with(|| json!(value));
        }
    }
    Some(Message { metadata, content_type, body: delivery.data.into() })
}

fn json(value: &AMQPValue, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    match value {
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::ShortShortInt(value) => json!(value),
        AMQPValue::ShortShortUInt(value) => json!(value),
        AMQPValue::ShortInt(value) => json!(value),
        AMQPValue::ShortUInt(value) => json!(value),
        AMQPValue::LongInt(value) => json!(value),
        AMQPValue::LongUInt(value) => json!(value),
        AMQPValue::LongLongInt(value) => json!(value),
        AMQPValue::Float(value) => json!(value),
        AMQPValue::Double(value) => json!(value),
        AMQPValue::DecimalValue(value) => json!(f64::from(value.value) / 10_f64.powi(i32::from(value.scale))),
        AMQPValue::ShortString(text) => json!(text.as_str()),
        AMQPValue::LongString(text) => json!(String::from_utf8_lossy(text.as_bytes())),
        AMQPValue::FieldArray(items) => items.as_slice().iter().map(|item| json(item, depth + 1)).collect(),
        AMQPValue::Timestamp(seconds) => json!(seconds),
        AMQPValue::FieldTable(table) => {
            table.inner().iter().map(|(name, value)| (name.as_str().to_owned(), json(value, depth + 1))).collect()
        }
        AMQPValue::ByteArray(bytes) => json!(String::from_utf8_lossy(bytes.as_slice())),
        AMQPValue::Void => Value::Null,
    }
}
