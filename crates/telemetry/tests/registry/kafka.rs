//! Traffic over Kafka: records that are sent, refused, processed and committed, on librdkafka's own mock cluster.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureProducer, FutureRecord};
use telemetry::kafka::{Consumer, LagContext, send};
use telemetry::testing::{Capture, emitted};

const PATIENCE: Duration = Duration::from_secs(20);

/// A consumer whose lag is reported as long as what is returned is kept.
pub async fn kafka(capture: &Capture) -> impl Sized {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("records", 1, 1).unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("message.timeout.ms", "15000");
    capture.run(produce(&config)).await;

    // Of no group, so that it cannot commit.
    let ungrouped: BaseConsumer = config.create().unwrap();
    let consumer: StreamConsumer<LagContext> = config
        .set("group.id", "registry")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("statistics.interval.ms", "50")
        .create_with_context(LagContext::new("registry"))
        .unwrap();
    consumer.subscribe(&["records"]).unwrap();
    let group = Consumer::new("registry");
    for _ in 0..2 {
        let record = tokio::time::timeout(PATIENCE, consumer.recv()).await.expect("a record within 20 s").unwrap();
        group.process(&record, async { group.commit(&consumer, &record, CommitMode::Sync) }).await.unwrap();
        let refused = group.process(&record, async { group.commit(&ungrouped, &record, CommitMode::Sync) }).await;
        refused.unwrap_err();
        let failing = group.process_batch(&[record.detach()], async { Err::<(), _>("refused") }).await;
        failing.unwrap_err();
    }

    let deadline = Instant::now() + PATIENCE;
    let lag = |emitted: telemetry::testing::Emitted| {
        emitted.metrics.iter().any(|point| {
            point.metric == "app.messaging.consumer.lag"
                && point.attributes.contains_key("messaging.destination.partition.id")
        })
    };
    while !lag(emitted()) {
        assert!(Instant::now() < deadline, "no lag within 20 s");
        // Statistics come while the consumer is asked for messages.
        let _ = tokio::time::timeout(Duration::from_millis(50), consumer.recv()).await;
    }
    (consumer, cluster)
}

/// A record with a payload, one without, and one that nobody takes.
async fn produce(config: &ClientConfig) {
    let producer: FutureProducer = config.create().unwrap();
    send(&producer, FutureRecord::to("records").key("order-42").payload("{}"), PATIENCE).await.unwrap();
    send(&producer, FutureRecord::<str, str>::to("records").key("order-42"), PATIENCE).await.unwrap();

    let gone = MockCluster::new(1).unwrap();
    let servers = gone.bootstrap_servers();
    gone.broker_down(1).unwrap();
    let hasty = config.clone().set("bootstrap.servers", servers).set("message.timeout.ms", "1").create();
    let hasty: FutureProducer = hasty.unwrap();
    send(&hasty, FutureRecord::<str, str>::to("records").payload("{}"), PATIENCE).await.unwrap_err();
}
