//! A broker of one's own, a client connected to it, and waits that name what they wait for.

use std::time::Duration;

use amqp_broker::{Broker, Config};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    message::Delivery,
    options::*,
    types::{AMQPValue, FieldTable},
};

/// Longest that anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Asks again until the condition holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    within(what, async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(crate) async fn start() -> Broker {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Broker {
    let mut config = Config { management: Some(([127, 0, 0, 1], 0).into()), ..Config::default() };
    change(&mut config);
    Broker::start(config).await.unwrap()
}

pub(crate) fn url(broker: &Broker) -> String {
    format!("amqp://guest:guest@{}/%2f", broker.amqp_addr())
}

pub(crate) async fn connect(broker: &Broker) -> Connection {
    connect_to(&url(broker)).await.unwrap()
}

pub(crate) async fn connect_to(url: &str) -> lapin::Result<Connection> {
    within("the connection", Connection::connect(url, ConnectionProperties::default())).await
}

pub(crate) async fn channel(broker: &Broker) -> (Connection, Channel) {
    let connection = connect(broker).await;
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

pub(crate) fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert((*name).into(), value.clone());
    }
    table
}

pub(crate) fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

pub(crate) async fn declare(channel: &Channel, name: &str, entries: &[(&str, AMQPValue)]) -> lapin::Queue {
    within("queue.declare", channel.queue_declare(name.into(), QueueDeclareOptions::default(), table(entries)))
        .await
        .unwrap()
}

/// Publishes to a queue by its name.
pub(crate) async fn send(channel: &Channel, queue: &str, body: &str) -> Confirmation {
    send_with(channel, "", queue, body, BasicProperties::default()).await
}

pub(crate) async fn send_with(
    channel: &Channel,
    exchange: &str,
    key: &str,
    body: &str,
    properties: BasicProperties,
) -> Confirmation {
    let options = BasicPublishOptions::default();
    let publish = channel.basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties);
    within("the confirm", publish.await.unwrap()).await.unwrap()
}

pub(crate) async fn confirms(channel: &Channel) {
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
}

pub(crate) async fn consume(channel: &Channel, queue: &str, tag: &str) -> Consumer {
    let consume =
        channel.basic_consume(queue.into(), tag.into(), BasicConsumeOptions::default(), FieldTable::default());
    within("basic.consume", consume).await.unwrap()
}

pub(crate) async fn next(consumer: &mut Consumer) -> Delivery {
    within("a delivery", consumer.next()).await.expect("the consumer was cancelled").unwrap()
}

pub(crate) async fn ack(delivery: &Delivery) {
    delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
}

/// The next message's body, acknowledged.
pub(crate) async fn take(consumer: &mut Consumer) -> String {
    let delivery = next(consumer).await;
    ack(&delivery).await;
    body(&delivery)
}

pub(crate) fn body(delivery: &Delivery) -> String {
    String::from_utf8(delivery.data.clone()).unwrap()
}

/// Fetches one message and acknowledges it; `None` when the queue is empty.
pub(crate) async fn get(channel: &Channel, queue: &str) -> Option<Delivery> {
    let got = within("basic.get", channel.basic_get(queue.into(), BasicGetOptions { no_ack: true })).await.unwrap();
    got.map(|message| message.delivery)
}

/// Messages ready in a queue, as its own declaration tells.
pub(crate) async fn ready(channel: &Channel, queue: &str) -> u32 {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    within("queue.declare", channel.queue_declare(queue.into(), passive, FieldTable::default()))
        .await
        .unwrap()
        .message_count()
}

pub(crate) async fn until_ready(channel: &Channel, queue: &str, count: u32) {
    until(&format!("{count} messages in `{queue}`"), || async { ready(channel, queue).await == count }).await;
}

/// The protocol's code and text of an error that the broker sent.
pub(crate) fn refusal<T: std::fmt::Debug>(result: lapin::Result<T>) -> (u16, String) {
    let error = result.expect_err("the broker was to refuse this");
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => (error.get_id(), error.get_message().as_str().to_owned()),
        other => panic!("not an answer of the broker: {other:?}"),
    }
}
