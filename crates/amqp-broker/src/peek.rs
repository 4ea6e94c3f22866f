//! Messages as the management API shows them.

use std::sync::Arc;

use base64::Engine;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::{
    dead_letter::Reason,
    deliver::{count_delivery, finish},
    message::Message,
    properties::{Layout, Property},
    queue::{Entry, QueueId},
    value::{FieldTable, Value},
    vhost::Vhost,
};

/// What becomes of a message that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AckMode {
    AckRequeueTrue,
    RejectRequeueTrue,
    AckRequeueFalse,
    RejectRequeueFalse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    Auto,
    Base64,
}

/// The body of `POST /api/queues/{vhost}/{name}/get`.
#[derive(Debug, Deserialize)]
pub(crate) struct PeekRequest {
    pub(crate) count: usize,
    pub(crate) ackmode: AckMode,
    pub(crate) encoding: Encoding,
    /// Bytes of a payload beyond which it is cut.
    pub(crate) truncate: Option<usize>,
}

/// Bodies in one answer stop at this many bytes, whatever count was asked for.
const ANSWER_MAX: usize = 32 * 1024 * 1024;

impl Vhost {
    /// The messages at the head of a queue, like `basic.get` followed by what the request says.
    pub(crate) fn peek(&mut self, id: QueueId, request: &PeekRequest) -> Vec<Json> {
        self.touch(id);
        self.run();
        let depth = self.limits.table_depth;
        let mut shown = Vec::new();
        let mut taken: Vec<Entry> = Vec::new();
        let mut octets = 0;
        let Self { queues, books, .. } = self;
        let Some(queue) = queues.get_mut(&id) else {
            return shown;
        };
        while taken.len() < request.count && octets < ANSWER_MAX {
            let Some(entry) = queue.pop() else {
                break;
            };
            queue.counts.get += 1;
            books.counts.get += 1;
            count_delivery(queue, books, &entry);
            let length = entry.message.body.len();
            octets += request.truncate.map_or(length, |most| length.min(most)) + entry.message.properties.len();
            shown.push(describe(&entry, queue.ready.len(), request, depth));
            taken.push(entry);
        }
        for mut entry in taken.into_iter().rev() {
            match request.ackmode {
                AckMode::AckRequeueTrue | AckMode::RejectRequeueTrue => {
                    entry.redelivered = true;
                    queue.put_back(entry);
                }
                AckMode::AckRequeueFalse => {
                    queue.counts.ack += 1;
                    books.counts.ack += 1;
                    finish(queue, books, entry);
                }
                AckMode::RejectRequeueFalse => books.bury(queue, entry, Reason::Rejected),
            }
        }
        self.touch(id);
        self.run();
        shown
    }
}

fn describe(entry: &Entry, left: usize, request: &PeekRequest, depth: usize) -> Json {
    let message: &Arc<Message> = &entry.message;
    let body = request.truncate.and_then(|most| message.body.get(..most)).unwrap_or(&message.body);
    let (payload, encoding) = match std::str::from_utf8(body) {
        Ok(text) if request.encoding == Encoding::Auto => (text.to_owned(), "string"),
        _ => (base64::engine::general_purpose::STANDARD.encode(body), "base64"),
    };
    json!({
        "payload_bytes": message.body.len(),
        "redelivered": entry.redelivered,
        "exchange": &*message.exchange,
        "routing_key": &*message.key,
        "message_count": left,
        "properties": properties_json(message, depth),
        "payload": payload,
        "payload_encoding": encoding,
    })
}

fn properties_json(message: &Message, depth: usize) -> Json {
    let raw = &message.properties;
    let Ok(layout) = Layout::of(raw, depth) else {
        return json!({});
    };
    let mut properties = Map::new();
    for property in Property::ALL {
        let Some(bytes) = layout.bytes(raw, property) else {
            continue;
        };
        let value = match property {
            Property::Headers => table_json(&layout.headers(raw, depth).unwrap_or_default()),
            Property::DeliveryMode | Property::Priority => json!(bytes.first()),
            Property::Timestamp => json!(bytes.first_chunk().map(|chunk| u64::from_be_bytes(*chunk))),
            _ => json!(String::from_utf8_lossy(bytes.get(1..).unwrap_or_default())),
        };
        properties.insert(property.name().to_owned(), value);
    }
    Json::Object(properties)
}

/// A table as an object; of a name that comes twice, the last value.
pub(crate) fn table_json(table: &FieldTable) -> Json {
    Json::Object(table.0.iter().map(|(name, value)| (name.to_string(), value_json(value))).collect())
}

fn value_json(value: &Value) -> Json {
    match value {
        Value::Bool(v) => json!(v),
        Value::F32(bits) => json!(f32::from_bits(*bits)),
        Value::F64(bits) => json!(f64::from_bits(*bits)),
        Value::Decimal { scale, value } => json!(f64::from(*value) / 10f64.powi(i32::from(*scale))),
        Value::Text(bytes) | Value::Binary(bytes) => json!(String::from_utf8_lossy(bytes)),
        Value::Array(items) => Json::Array(items.iter().map(value_json).collect()),
        Value::Timestamp(v) => json!(v),
        Value::Table(table) => table_json(table),
        Value::Void => Json::Null,
        integer => json!(integer.as_integer()),
    }
}
