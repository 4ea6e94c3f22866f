//! Everything that goes over the broker, as a consumer of its own hears it; and a way to say it again.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use platform::broker::EXCHANGE;
use platform::new_id;
use serde_json::Value;

use crate::wait::until;

/// One event as it went over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) event_type: String,
    pub(crate) data: Value,
    body: Vec<u8>,
    properties: BasicProperties,
}

impl Heard {
    /// A text of the event's data.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.data[field].as_str().unwrap_or_else(|| panic!("`{}` has no `{field}`: {}", self.event_type, self.data))
    }

    /// The event's headers, which are texts.
    pub(crate) fn headers(&self) -> Value {
        let headers = self.properties.headers().as_ref().map(FieldTable::inner).into_iter().flatten();
        let text = |value: &AMQPValue| match value {
            AMQPValue::LongString(text) => Value::from(text.to_string()),
            _ => Value::Null,
        };
        headers.map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    /// The same fact told as another event.
    pub(crate) fn sibling(&self) -> Self {
        let id = new_id();
        let mut headers = self.properties.headers().clone().unwrap_or_default();
        headers.insert("cloudEvents:id".into(), AMQPValue::LongString(id.as_str().into()));
        let properties = self.properties.clone().with_headers(headers).with_message_id(id.as_str().into());
        Self { id, properties, ..self.clone() }
    }
}

/// Hears every event of the marketplace.
pub(crate) struct Tap {
    heard: Arc<Mutex<Vec<Heard>>>,
    channel: Channel,
    // Closes the channel when it is dropped.
    _connection: Connection,
}

impl Tap {
    /// Hears what is said from now on.
    pub(crate) async fn open(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let own = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare("tap".into(), own, FieldTable::default()).await.unwrap();
        let bind = QueueBindOptions::default();
        channel.queue_bind("tap".into(), EXCHANGE.into(), "#".into(), bind, FieldTable::default()).await.unwrap();
        let unasked = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut said = channel.basic_consume("tap".into(), "tap".into(), unasked, FieldTable::default()).await.unwrap();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let list = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Some(Ok(delivery)) = said.next().await {
                list.lock().unwrap_or_else(PoisonError::into_inner).push(Heard {
                    id: delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
                    event_type: delivery.routing_key.to_string(),
                    data: serde_json::from_slice(&delivery.data).unwrap_or_default(),
                    body: delivery.data,
                    properties: delivery.properties,
                });
            }
        });
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { heard, channel, _connection: connection }
    }

    /// Everything heard so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an event of a type whose data fit.
    pub(crate) async fn event(&self, event_type: &str, fits: impl Fn(&Value) -> bool) -> Heard {
        until(&format!("`{event_type}` is heard"), || async {
            self.heard().into_iter().find(|heard| heard.event_type == event_type && fits(&heard.data))
        })
        .await
    }

    /// Says it again, under the same id: what a broker may do at any time.
    pub(crate) async fn say(&self, event: &Heard) {
        let (key, options) = (event.event_type.as_str().into(), BasicPublishOptions::default());
        let said = self.channel.basic_publish(EXCHANGE.into(), key, options, &event.body, event.properties.clone());
        said.await.unwrap().await.unwrap();
    }
}
