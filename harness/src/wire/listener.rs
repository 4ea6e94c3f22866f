//! Listens to a message broker as one more consumer: a queue of its own, bound to every exchange of the system.
//!
//! This works on the embedded broker and on RabbitMQ alike, and nothing of it is left when the connection ends. Messages
//! that are published straight to a queue, past any exchange of the system, go to that queue only and are not seen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::ear::Ear;
use super::message;
use crate::supervisor::{BrokerApi, LISTENING};

/// Time for one answer of the broker.
const ANSWER: Duration = Duration::from_secs(5);
/// Messages that the broker keeps for the listener, which takes them as fast as they come; beyond them the oldest go, so
/// that listening cannot fill the memory of the broker.
const WAITING: i64 = 50_000;
/// Routing keys of one direct exchange that are bound.
const MOST_KEYS: usize = 1_000;

/// A consumer of everything.
pub(crate) struct Listener {
    connection: Connection,
    channel: Channel,
    queue: String,
    vhost: String,
    api: BrokerApi,
    caught_up: Arc<Notify>,
    receiving: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.receiving.abort();
    }
}

impl Listener {
    /// Listens to the broker at `url`. The error is a sentence.
    pub(crate) async fn start(url: &str, api: BrokerApi, ear: Ear) -> Result<Self, String> {
        tokio::time::timeout(ANSWER, Self::connect(url, api, ear))
            .await
            .map_err(|_| format!("the broker did not let the harness listen within {} s", ANSWER.as_secs()))?
            .map_err(|error| format!("the harness cannot listen to the broker: {error}"))
    }

    async fn connect(url: &str, api: BrokerApi, ear: Ear) -> Result<Self, Error> {
        let uri: AMQPUri = url.parse().map_err(Error::Other)?;
        let vhost = uri.vhost.clone();
        let properties = ConnectionProperties::default().with_connection_name("shakedown listens".into());
        let connection = Connection::connect_uri(uri, properties).await?;
        let channel = connection.create_channel().await?;
        let queue = format!("{LISTENING}{}", uuid::Uuid::new_v4().simple());
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(WAITING));
        channel.queue_declare(queue.as_str().into(), options, arguments).await?;
        // Settled by being sent: what the harness hears needs no second delivery.
        let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
        let mut deliveries =
            channel.basic_consume(queue.as_str().into(), "shakedown".into(), options, FieldTable::default()).await?;
        let caught_up = Arc::new(Notify::new());
        let mark = (queue.clone(), Arc::clone(&caught_up));
        let receiving = tokio::spawn(async move {
            while let Some(Ok(delivery)) = deliveries.next().await {
                // Only the harness itself knows the name of its queue, and sends its mark there.
                if delivery.exchange.as_str().is_empty() && delivery.routing_key.as_str() == mark.0 {
                    mark.1.notify_one();
                } else if let Some(message) = message::read(delivery) {
                    ear.message(message);
                }
            }
        });
        let listener = Self { connection, channel, queue, vhost, api, caught_up, receiving };
        listener.bind_all().await?;
        Ok(listener)
    }

    /// Binds to the exchanges that there are by now. The error is a sentence.
    pub(crate) async fn bind(&self) -> Result<(), String> {
        let bound = tokio::time::timeout(ANSWER, self.bind_all()).await;
        bound.map_err(|_| "the broker did not answer in time".to_owned())?.map_err(|error| error.to_string())
    }

    async fn bind_all(&self) -> Result<(), Error> {
        let exchanges = self.api.exchanges(&self.vhost).await?;
        let exchanges: Vec<_> = exchanges.into_iter().filter(|exchange| exchange.is_of_the_system()).collect();
        let bindings = if exchanges.iter().any(|exchange| exchange.kind == "direct") {
            self.api.bindings(&self.vhost).await?
        } else {
            Vec::new()
        };
        for exchange in exchanges {
            let keys: BTreeSet<&str> = match exchange.kind.as_str() {
                "topic" => ["#"].into(),
                // A direct exchange has no key for everything; a message under a key that nobody is bound by is lost
                // anyway.
                "direct" => {
                    let of = bindings.iter().filter(|binding| binding.source == exchange.name);
                    of.map(|binding| binding.routing_key.as_str()).take(MOST_KEYS).collect()
                }
                // `fanout` ignores the key, and so does `headers`, of which no arguments means all.
                _ => [""].into(),
            };
            for key in keys {
                let name = (self.queue.as_str().into(), exchange.name.as_str().into(), key.into());
                let options = QueueBindOptions::default();
                self.channel.queue_bind(name.0, name.1, name.2, options, FieldTable::default()).await?;
            }
        }
        Ok(())
    }

    /// Waits until everything that was published before has been heard, and stops listening. The error is a sentence.
    pub(crate) async fn finish(self) -> Result<(), String> {
        let outcome = tokio::time::timeout(ANSWER, async {
            let (exchange, key) = ("".into(), self.queue.as_str().into());
            let options = BasicPublishOptions::default();
            self.channel.basic_publish(exchange, key, options, b"mark", BasicProperties::default()).await?;
            self.caught_up.notified().await;
            self.connection.close(200, "heard enough".into()).await
        });
        match outcome.await {
            Err(_) => Err(format!("the broker did not deliver the last messages within {} s", ANSWER.as_secs())),
            Ok(Err(error)) => Err(format!("the connection to the broker broke while the harness listened: {error}")),
            Ok(Ok(())) => Ok(()),
        }
    }
}

/// Why the broker cannot be listened to.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    #[error(transparent)]
    Api(#[from] crate::supervisor::BrokerApiError),
    #[error("{0}")]
    Other(String),
}

#[cfg(test)]
mod tests {
    use amqp_broker::{Broker, Config};
    use contracts::live::Message;
    use lapin::ExchangeKind;
    use lapin::options::ExchangeDeclareOptions;
    use serde_json::json;
    use tokio::sync::mpsc::Receiver;

    use super::*;
    use crate::wire::Heard;

    struct Ground {
        broker: Broker,
        url: String,
        api: BrokerApi,
        channel: Channel,
        _connection: Connection,
    }

    async fn ground() -> Ground {
        let management = Some(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
        let broker = Broker::start(Config { management, ..Config::default() }).await.expect("a broker");
        let url = format!("amqp://guest:guest@{}/%2f", broker.amqp_addr());
        let api = BrokerApi::at(&format!("http://{}", broker.management_addr().expect("an API"))).expect("an URL");
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("a connection");
        let channel = connection.create_channel().await.expect("a channel");
        Ground { broker, url, api, channel, _connection: connection }
    }

    impl Ground {
        async fn exchange(&self, name: &str, kind: ExchangeKind) {
            let options = ExchangeDeclareOptions::default();
            self.channel.exchange_declare(name.into(), kind, options, FieldTable::default()).await.expect("declared");
        }

        async fn publish(&self, exchange: &str, key: &str, properties: BasicProperties) {
            let options = BasicPublishOptions::default();
            self.channel
                .basic_publish(exchange.into(), key.into(), options, br#"{"order":1}"#, properties)
                .await
                .expect("published");
        }
    }

    fn keys(heard: &mut Receiver<Heard>) -> Vec<Message> {
        std::iter::from_fn(|| match heard.try_recv() {
            Ok(Heard::Message(message)) => Some(*message),
            _ => None,
        })
        .collect()
    }

    #[tokio::test]
    async fn everything_that_goes_through_an_exchange_is_heard_with_its_metadata() {
        let ground = ground().await;
        ground.exchange("events", ExchangeKind::Topic).await;
        ground.exchange("all", ExchangeKind::Fanout).await;
        ground.exchange("by-header", ExchangeKind::Headers).await;
        ground.exchange("jobs", ExchangeKind::Direct).await;
        let declare = QueueDeclareOptions::default();
        ground.channel.queue_declare("work".into(), declare, FieldTable::default()).await.expect("a queue");
        let bind = QueueBindOptions::default();
        let bound = ground.channel.queue_bind("work".into(), "jobs".into(), "mail".into(), bind, FieldTable::default());
        bound.await.expect("bound");

        let (ear, mut heard) = Ear::new(Vec::new());
        let listener = Listener::start(&ground.url, ground.api.clone(), ear.clone()).await.expect("a listener");
        let mut headers = FieldTable::default();
        headers.insert("cloudEvents:type".into(), AMQPValue::LongString("order.placed.v1".into()));
        headers.insert("attempt".into(), AMQPValue::LongInt(3));
        let properties = BasicProperties::default().with_content_type("application/json".into()).with_headers(headers);
        ground.publish("events", "order.placed", properties).await;
        ground.publish("all", "", BasicProperties::default().with_type("pinged".into())).await;
        ground.publish("by-header", "k", BasicProperties::default()).await;
        ground.publish("jobs", "mail", BasicProperties::default()).await;
        ground.exchange("late", ExchangeKind::Topic).await;
        listener.bind().await.expect("the late one too");
        ground.publish("late", "a.b", BasicProperties::default()).await;
        let queues = ground.api.queues().await.expect("queues");
        assert_eq!(queues.iter().map(|queue| queue.name.as_str()).collect::<Vec<_>>(), ["work"], "it shows nowhere");
        // The publisher's channel is not the listener's: what it sent is with the broker once it got an answer.
        ground.channel.queue_declare("work".into(), declare, FieldTable::default()).await.expect("an answer");
        listener.finish().await.expect("everything is heard");

        let messages = keys(&mut heard);
        let exchanges: Vec<_> = messages.iter().map(|message| message.metadata["exchange"].clone()).collect();
        assert_eq!(exchanges, ["events", "all", "by-header", "jobs", "late"]);
        let first = &messages[0];
        assert_eq!(
            (first.content_type.as_deref(), first.body.as_ref()),
            (Some("application/json"), &br#"{"order":1}"#[..])
        );
        assert_eq!(first.metadata["cloudEvents:type"], "order.placed.v1");
        assert_eq!((&first.metadata["attempt"], &first.metadata["routingKey"]), (&json!(3), &json!("order.placed")));
        assert_eq!(messages[1].metadata["type"], "pinged");
        assert_eq!(ear.missed(), 0);
        ground.broker.shutdown().await;
    }

    #[tokio::test]
    async fn dead_letters_were_not_published_by_their_producer() {
        let ground = ground().await;
        ground.exchange("dead", ExchangeKind::Topic).await;
        let (ear, mut heard) = Ear::new(Vec::new());
        let listener = Listener::start(&ground.url, ground.api.clone(), ear).await.expect("a listener");
        let mut headers = FieldTable::default();
        headers.insert("x-death".into(), AMQPValue::LongString("rejected".into()));
        ground.publish("dead", "users", BasicProperties::default().with_headers(headers)).await;
        let declare = QueueDeclareOptions::default();
        ground.channel.queue_declare("answer".into(), declare, FieldTable::default()).await.expect("an answer");
        listener.finish().await.expect("everything is heard");
        assert!(keys(&mut heard).is_empty());
        ground.broker.shutdown().await;
    }

    #[tokio::test]
    async fn broker_that_is_gone_is_told_in_a_sentence() {
        let ground = ground().await;
        let (ear, _heard) = Ear::new(Vec::new());
        let listener = Listener::start(&ground.url, ground.api.clone(), ear.clone()).await.expect("a listener");
        ground.broker.shutdown().await;
        let reason = listener.finish().await.expect_err("nobody delivers the mark");
        assert!(reason.contains("broker"), "{reason}");
        let reason = Listener::start(&ground.url, ground.api, ear).await.err().expect("nobody listens there");
        assert!(reason.starts_with("the harness cannot listen to the broker"), "{reason}");
    }
}
