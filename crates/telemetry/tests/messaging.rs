//! Messages over a real broker: sent, received, processed in batches, settled and dead-lettered.

use std::time::{Duration, Instant};

use amqp_broker::{Broker, Config};
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicRejectOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use telemetry::correlation;
use telemetry::messaging::{self, Consumer, DeadLetter, Destination, OutgoingMessage};
use telemetry::span::Observe;
use telemetry::testing::{Capture, capture, emitted, metric};

async fn channel() -> (Broker, Connection, Channel) {
    let broker = Broker::start(Config::default()).await.unwrap();
    let url = format!("amqp://guest:guest@{}/%2f", broker.amqp_addr());
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (broker, connection, channel)
}

async fn queue(channel: &Channel, name: &str, dead_letters_to: Option<&str>) {
    let mut arguments = FieldTable::default();
    if let Some(queue) = dead_letters_to {
        arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString("".into()));
        arguments.insert("x-dead-letter-routing-key".into(), AMQPValue::LongString(queue.into()));
    }
    channel.queue_declare(name.into(), QueueDeclareOptions::default(), arguments).await.unwrap();
}

/// Asks until the queue has a message: dead letters travel on their own.
async fn receive(channel: &Channel, consumer: &Consumer) -> Delivery {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(message) = consumer.receive(channel, BasicGetOptions::default()).await.unwrap() {
            return message.delivery;
        }
        assert!(Instant::now() < deadline, "nothing in `{}`", consumer.queue());
        tokio::task::yield_now().await;
    }
}

async fn send(channel: &Channel, capture: &Capture, queue: &str, id: &str) {
    let message = OutgoingMessage::new(id, "order.created", "{}");
    let destination = Destination::new("", queue.to_owned());
    let sent = capture.run(messaging::publish(channel, &destination, message)).await;
    assert!(sent.unwrap().is_ack());
}

#[tokio::test]
async fn receiving_processing_and_settling_are_spans_of_their_own() {
    let (capture, (_broker, _connection, channel)) = (capture(), channel().await);
    queue(&channel, "settled", None).await;
    send(&channel, &capture, "settled", "m-1").await;
    let consumer = Consumer::new("settled").pulled();
    let delivery = capture.run(receive(&channel, &consumer)).await;
    let settled =
        consumer.process(&delivery, async { consumer.ack(&delivery, BasicAckOptions::default()).await }).await;
    assert!(settled.unwrap());
    let again = capture.run(consumer.nack(&delivery, BasicNackOptions::default())).await;
    assert!(!again.unwrap(), "a delivery is settled once");

    assert_eq!(
        capture.tree(),
        "producer send amq.default\n\
         client receive settled ~> send amq.default\n\
         consumer process settled ~> send amq.default\n  client ack settled\n\
         client nack settled !already_settled ~> send amq.default\n"
    );
    let spans = capture.spans();
    let ack = spans.iter().find(|span| span.name == "ack settled").unwrap();
    assert_eq!(ack.attribute("messaging.operation.type"), "settle");
    assert_eq!(ack.attribute("messaging.operation.name"), "ack");
    assert_eq!(ack.attribute("messaging.message.id"), "m-1");
    let destination = ("messaging.destination.name", "settled");
    for operation in ["send", "receive", "ack", "nack"] {
        let done = [destination, ("messaging.operation.name", operation)];
        assert_eq!(metric("messaging.client.operation.duration", &done), 1.0, "{operation}");
    }
    assert_eq!(metric("messaging.client.consumed.messages", &[destination]), 1.0, "counted once, when received");
}

#[tokio::test]
async fn dead_letter_tells_where_it_comes_from_and_why() {
    let (capture, (_broker, _connection, channel)) = (capture(), channel().await);
    queue(&channel, "graveyard", None).await;
    queue(&channel, "refusing", Some("graveyard")).await;
    send(&channel, &capture, "refusing", "m-1").await;
    let refusing = Consumer::new("refusing");
    let delivery = receive(&channel, &refusing).await;
    assert_eq!(DeadLetter::of(&delivery.properties), None);
    assert!(refusing.reject(&delivery, BasicRejectOptions { requeue: false }).await.unwrap());

    let graveyard = Consumer::new("graveyard");
    let letter = receive(&channel, &graveyard).await;
    let death = DeadLetter::of(&letter.properties).unwrap();
    assert_eq!((death.queue.as_str(), death.reason, death.count), ("refusing", "rejected", 1));
    graveyard.process(&letter, async {}).await;
    let spans = capture.spans();
    let processed = spans.iter().find(|span| span.name == "process graveyard").unwrap();
    assert_eq!(processed.attribute("app.messaging.dead_letter.queue"), "refusing");
    assert_eq!(processed.attribute("app.messaging.dead_letter.count"), "1");
    let buried = [("messaging.destination.name", "graveyard"), ("app.messaging.dead_letter.reason", "rejected")];
    assert_eq!(metric("app.messaging.dead_lettered.messages", &buried), 1.0);
    // The id crossed both queues.
    assert!(spans.iter().any(|span| span.name == "reject refusing"));
}

#[tokio::test]
async fn batch_is_one_span_with_a_link_to_each_message() {
    let (first, second) = (capture(), capture());
    let (_broker, _connection, channel) = channel().await;
    queue(&channel, "batched", None).await;
    send(&channel, &first, "batched", "m-1").await;
    send(&channel, &second, "batched", "m-2").await;
    let stream =
        channel.basic_consume("batched".into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let deliveries: Vec<Delivery> =
        stream.await.unwrap().take(2).map(|delivery| delivery.unwrap()).collect::<Vec<_>>().await;

    let consumer = Consumer::new("batched");
    let id = consumer.process_batch(&deliveries, own_id()).await.unwrap();
    assert!(![first.correlation_id().as_str(), second.correlation_id().as_str()].contains(&id.as_str()));
    let same = [deliveries[0].properties.clone(), deliveries[0].properties.clone()];
    let twins: Vec<Delivery> = same
        .into_iter()
        .map(|properties| {
            let mut delivery = Delivery::mock(1, "".into(), "batched".into(), true, Vec::new());
            delivery.properties = properties;
            delivery
        })
        .collect();
    let id = consumer.process_batch(&twins, own_id()).await.unwrap();
    assert_eq!(id, first.correlation_id().as_str(), "what all messages agree on is kept");
    assert!(consumer.process_batch(&[], own_id()).await.is_err(), "no messages, no span");

    assert_eq!(
        first.tree(),
        "producer send amq.default\nconsumer process batched ~> send amq.default ~> send amq.default\n"
    );
    let spans = first.spans();
    assert_eq!(spans[1].attribute("messaging.batch.message_count"), "2");
    let batched = [("messaging.destination.name", "batched")];
    assert_eq!(metric("messaging.process.duration", &batched), 2.0);
    assert_eq!(metric("messaging.client.consumed.messages", &batched), 4.0);
    assert_eq!(metric("app.messaging.redelivered.messages", &batched), 2.0);
    assert_eq!(metric("app.messaging.process.active_messages", &batched), 0.0);
}

async fn own_id() -> Result<String, std::fmt::Error> {
    correlation::current().map(|id| id.as_str().to_owned()).ok_or(std::fmt::Error)
}

#[tokio::test]
async fn message_is_counted_once_whether_it_was_received_or_delivered() {
    let (capture, (_broker, _connection, channel)) = (capture(), channel().await);
    queue(&channel, "counted", None).await;
    for id in ["m-1", "m-2", "m-3"] {
        send(&channel, &capture, "counted", id).await;
    }
    let consumer = Consumer::new("counted");
    let consumed = || metric("messaging.client.consumed.messages", &[("messaging.destination.name", "counted")]);
    let received = receive(&channel, &consumer).await;
    assert_eq!(consumed(), 1.0);
    // A handler is often given a clone.
    consumer.clone().process(&received, async {}).await;
    assert_eq!(consumed(), 1.0, "counted when it was received");

    let both = [receive(&channel, &consumer).await, receive(&channel, &consumer).await];
    let delivered = Delivery::mock(77, "".into(), "counted".into(), false, Vec::new());
    consumer.process(&delivered, async {}).await;
    assert_eq!(consumed(), 4.0, "nobody had counted the one that was delivered");
    consumer.process_batch(&both, async {}).await;
    assert_eq!(consumed(), 4.0);
}

#[tokio::test]
async fn empty_queue_is_a_span_only_below_another() {
    let (capture, (_broker, _connection, channel)) = (capture(), channel().await);
    queue(&channel, "mostly-empty", None).await;
    let consumer = Consumer::new("mostly-empty");
    let ask = || async { consumer.receive(&channel, BasicGetOptions::default()).await.unwrap().is_some() };
    // Nobody's: neither a correlation id nor a span above.
    assert!(!ask().await);
    assert!(!capture.run(ask()).await);
    let spans = || emitted().spans.into_iter().filter(|span| span.name == "receive mostly-empty").count();
    assert_eq!(spans(), 0, "a poll is no trace");
    let asked = [("messaging.destination.name", "mostly-empty"), ("messaging.operation.name", "receive")];
    assert_eq!(metric("messaging.client.operation.duration", &asked), 2.0, "and measured all the same");

    let drain = async { assert!(!ask().await) };
    capture.run(Observe::internal("drain").run(drain)).await;
    assert_eq!(capture.tree(), "internal drain\n  client receive mostly-empty\n");
    send(&channel, &capture, "mostly-empty", "m-1").await;
    assert!(ask().await);
    assert_eq!(spans(), 2, "one that found something is told");
    let found = emitted().spans.into_iter().rfind(|span| span.name == "receive mostly-empty").unwrap();
    assert_eq!((found.kind, found.attribute("messaging.batch.message_count"), found.links.len()), ("client", "1", 1));
    // The broker closes the channel.
    assert!(Consumer::new("absent-queue").receive(&channel, BasicGetOptions::default()).await.is_err());
    let failed = emitted().spans.into_iter().find(|span| span.name == "receive absent-queue").unwrap();
    assert!(failed.failed);
}
