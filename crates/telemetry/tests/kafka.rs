//! Kafka's protocol over librdkafka's own mock cluster, and what needs no broker.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Timestamp};
use telemetry::context::MessageContext;
use telemetry::kafka::{self, Consumer, LagContext};
use telemetry::testing::{capture, metric};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("message.timeout.ms", "15000");
    config
}

async fn next(consumer: &StreamConsumer<LagContext>) -> BorrowedMessage<'_> {
    tokio::time::timeout(PATIENCE, consumer.recv()).await.expect("a message within 20 s").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_carries_its_context_over_the_wire() {
    let capture = capture();
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("wired", 1, 1).unwrap();
    let servers = cluster.bootstrap_servers();
    let producer: FutureProducer = config(&servers).create().unwrap();
    let stored = capture.run(async { MessageContext::capture() }).await;
    let record = FutureRecord::to("wired").key("order-42").payload("{}");
    capture.run(kafka::send(&producer, record, PATIENCE)).await.unwrap();
    let tombstone = FutureRecord::<str, str>::to("wired").key("order-42");
    stored.attach(kafka::send(&producer, tombstone, PATIENCE)).await.unwrap();

    let consumer: StreamConsumer<LagContext> = config(&servers)
        .set("group.id", "wired-users")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("statistics.interval.ms", "50")
        .create_with_context(LagContext::new("wired-users"))
        .unwrap();
    consumer.subscribe(&["wired"]).unwrap();
    let users = Consumer::new("wired-users");
    for _ in 0..2 {
        let message = next(&consumer).await;
        let committed = users.process(&message, async { users.commit(&consumer, &message, CommitMode::Sync) }).await;
        committed.unwrap();
    }
    assert_eq!(
        capture.tree(),
        "producer send wired\nproducer send wired\n\
         consumer process wired ~> send wired\n  client commit wired\n\
         consumer process wired ~> send wired\n  client commit wired\n"
    );
    let spans = capture.spans();
    assert!(spans.iter().all(|span| span.attribute("messaging.system") == "kafka"));
    assert_eq!(spans[0].attribute("messaging.kafka.message.key"), "order-42");
    assert_eq!(spans[1].attribute("messaging.kafka.offset"), "1");
    assert_eq!(spans[1].attribute("messaging.kafka.message.tombstone"), "true");
    let processed = spans.iter().find(|span| span.name == "process wired").unwrap();
    assert_eq!(processed.attribute("messaging.consumer.group.name"), "wired-users");
    assert_eq!(processed.attribute("messaging.destination.partition.id"), "0");
    let topic = ("messaging.destination.name", "wired");
    assert_eq!(metric("messaging.client.sent.messages", &[topic]), 2.0);
    assert_eq!(metric("messaging.client.consumed.messages", &[topic]), 2.0);
    assert_eq!(metric("app.messaging.message.age", &[topic]), 2.0);

    // Two messages that are committed leave no lag; one more that is not read shows.
    consumer.pause(&consumer.assignment().unwrap()).unwrap();
    for _ in 0..3 {
        let record = FutureRecord::<str, str>::to("wired").payload("{}");
        kafka::send(&producer, record, PATIENCE).await.unwrap();
    }
    consumer.resume(&consumer.assignment().unwrap()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let lag = [topic, ("messaging.consumer.group.name", "wired-users")];
    while metric("app.messaging.consumer.lag", &lag) < 1.0 {
        assert!(Instant::now() < deadline, "no lag within 20 s");
        // Statistics come while the consumer is asked for messages.
        let _ = tokio::time::timeout(Duration::from_millis(50), consumer.recv()).await;
    }
    drop(consumer);
    assert_eq!(metric("app.messaging.consumer.lag", &lag), 0.0);
}

#[tokio::test]
async fn topic_nobody_may_write_is_a_typed_error() {
    let capture = capture();
    let cluster = MockCluster::new(1).unwrap();
    let producer: FutureProducer =
        config(&cluster.bootstrap_servers()).set("message.timeout.ms", "1").create().unwrap();
    cluster.broker_down(1).unwrap();
    let record = FutureRecord::<str, str>::to("refused").payload("{}");
    capture.run(kafka::send(&producer, record, PATIENCE)).await.unwrap_err();
    assert_eq!(capture.tree(), "producer send refused !MessageTimedOut\n");
}

fn message(topic: &str, context: &MessageContext) -> OwnedMessage {
    let headers = Some(kafka::inject(context, None));
    OwnedMessage::new(Some(b"{}".to_vec()), None, topic.into(), Timestamp::now(), 3, 7, headers)
}

#[tokio::test]
async fn batch_is_one_span_with_a_link_to_each_message() {
    let capture = capture();
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut context = capture.run(async { MessageContext::capture() }).await;
    context.traceparent = Some(parent.into());
    let messages = [message("kafka-a", &context), message("kafka-b", &context)];
    let consumer = Consumer::new("kafka-group").continue_trace();
    let result = consumer.process_batch(&messages, async { Err::<(), _>(std::fmt::Error) }).await;
    assert!(result.is_err());
    consumer.process(&messages[0], async {}).await;
    assert_eq!(messages[0].offset(), 7);
    assert_eq!(
        capture.tree(),
        "consumer process kafka-group !core::fmt::Error ~> outside ~> outside\nconsumer process kafka-a ~> outside\n"
    );
    let spans = capture.spans();
    assert_eq!(spans[0].attribute("messaging.batch.message_count"), "2");
    assert_eq!(spans[0].parent_id, None, "a batch has no parent");
    assert_eq!(spans[1].parent_id.as_deref(), Some("b7ad6b7169203331"));
}
