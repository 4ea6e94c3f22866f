//! What the producers' documents say of events, beside the events that go over the wire.

use serde_json::Value;

use crate::schema;
use crate::tap::Heard;

/// The documents of all producers.
pub(crate) struct Documented([Value; 6]);

impl Documented {
    pub(crate) fn new() -> Self {
        Self([
            auth::events::asyncapi(),
            chat::events::asyncapi(),
            gig::events::asyncapi(),
            order::events::asyncapi(),
            review::events::asyncapi(),
            users::events::asyncapi(),
        ])
    }

    /// How `event` is other than its producer's document promises: its headers, its data.
    pub(crate) fn misfit(&self, event: &Heard) -> Option<String> {
        let channel = |document: &Value| Some(document["channels"].get(&event.event_type)?.clone());
        let Some((document, channel)) = self.0.iter().find_map(|it| Some((it, channel(it)?))) else {
            return Some("it has no channel".to_owned());
        };
        let messages = channel["messages"].as_object().into_iter().flatten();
        let mut messages = messages.map(|(_, message)| resolved(document, message));
        let (Some(message), None) = (messages.next(), messages.next()) else {
            return Some("its channel has other than one message".to_owned());
        };
        schema::misfit(document, &message["headers"], &event.headers())
            .map(|misfit| format!("headers {misfit}"))
            .or_else(|| {
                schema::misfit(document, &message["payload"], &event.data).map(|misfit| format!("data {misfit}"))
            })
    }
}

fn resolved<'d>(document: &'d Value, reference: &Value) -> &'d Value {
    let pointer = reference["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(&Value::Null)
}
