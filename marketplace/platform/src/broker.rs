//! The message broker: names, connections, topology.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};

use crate::consumer::Consumer;

/// The exchange of all events; the routing key is the event's type.
pub const EXCHANGE: &str = "marketplace.events";

/// The exchange of messages that no handler could handle; the routing key is the dead-letter queue.
pub const DEAD_LETTER_EXCHANGE: &str = "marketplace.dead-letter";

/// Header of a dead-lettered message that says why it is there.
pub const REASON_HEADER: &str = "x-dead-letter-reason";

/// Seconds between heartbeats: a silent connection is given up after about two of them.
const HEARTBEAT: u16 = 5;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to the broker at `url`, for `purpose` (shown in the broker's management page).
pub(crate) async fn connect(url: &str, purpose: &str) -> anyhow::Result<Connection> {
    let mut uri: AMQPUri = url.parse().map_err(|error: String| anyhow::anyhow!("`AMQP_URL`: {error}"))?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    let properties = ConnectionProperties::default().with_connection_name(purpose.into());
    Ok(tokio::time::timeout(CONNECT_TIMEOUT, Connection::connect_uri(uri, properties)).await??)
}

fn durable_exchange() -> ExchangeDeclareOptions {
    ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() }
}

/// Declares the two exchanges.
pub(crate) async fn declare_exchanges(channel: &Channel) -> Result<(), lapin::Error> {
    for (name, kind) in [(EXCHANGE, ExchangeKind::Topic), (DEAD_LETTER_EXCHANGE, ExchangeKind::Direct)] {
        channel.exchange_declare(name.into(), kind, durable_exchange(), FieldTable::default()).await?;
    }
    Ok(())
}

/// Declares a consumer's queue, bound to its types, and its dead-letter queue.
pub(crate) async fn declare_queues(channel: &Channel, consumer: &Consumer) -> Result<(), lapin::Error> {
    declare_exchanges(channel).await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let dead = consumer.dead_letter_queue();
    channel.queue_declare(dead.as_str().into(), durable, FieldTable::default()).await?;
    bind(channel, &dead, DEAD_LETTER_EXCHANGE, &dead).await?;

    let mut arguments = FieldTable::default();
    let text = |value: &str| AMQPValue::LongString(value.into());
    arguments.insert("x-dead-letter-exchange".into(), text(DEAD_LETTER_EXCHANGE));
    arguments.insert("x-dead-letter-routing-key".into(), text(&dead));
    channel.queue_declare(consumer.queue().as_str().into(), durable, arguments).await?;
    for event_type in consumer.types() {
        bind(channel, &consumer.queue(), EXCHANGE, event_type).await?;
    }
    Ok(())
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), lapin::Error> {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await
}
