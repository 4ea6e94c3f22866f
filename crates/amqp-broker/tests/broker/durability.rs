//! What survives the death of the broker's process.

use std::{path::Path, process::Stdio};

use amqp_broker::{Broker, Config, StartError};
use lapin::{
    BasicProperties, Channel, ExchangeKind,
    options::*,
    types::{AMQPValue, FieldTable},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::lapin_client::*;

fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}

async fn declare_durable(channel: &Channel, name: &str, entries: &[(&str, AMQPValue)]) {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, table(entries)).await.unwrap();
}

async fn send_persistent(channel: &Channel, queue: &str, body: &str) {
    assert!(send_with(channel, "", queue, body, persistent()).await.is_ack());
}

async fn start_in(directory: &Path) -> Broker {
    start_with(|config| config.data = Some(directory.to_owned())).await
}

/// A broker process, and the URL of its AMQP port.
async fn spawn(directory: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_amqp-broker"))
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(directory)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = within("the broker process", lines.next_line()).await.unwrap().unwrap();
    let address = line.strip_prefix("amqp ").unwrap();
    (child, format!("amqp://guest:guest@{address}/%2f"))
}

#[tokio::test]
async fn confirmed_persistent_messages_survive_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, url) = spawn(directory.path()).await;
    let connection = connect_to(&url).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    declare_durable(&channel, "q", &[]).await;
    confirms(&channel).await;
    // Killed in mid-stream: whatever was confirmed by then counts.
    let mut confirmed = 0u32;
    let mut pending = std::collections::VecDeque::new();
    for i in 0..2000u32 {
        let body = i.to_be_bytes();
        let options = BasicPublishOptions::default();
        let publish = channel.basic_publish("".into(), "q".into(), options, &body, persistent());
        pending.push_back(publish.await.unwrap());
        if pending.len() == 50 {
            within("a confirm", pending.pop_front().unwrap()).await.unwrap();
            confirmed += 1;
        }
    }
    child.kill().await.unwrap();
    assert_eq!(confirmed, 1951);
    let (_child, url) = spawn(directory.path()).await;
    let connection = connect_to(&url).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut found = 0u32;
    while let Some(delivery) = get(&channel, "q").await {
        assert_eq!(delivery.data, found.to_be_bytes());
        assert!(!delivery.redelivered);
        found += 1;
    }
    assert!(found >= confirmed, "{confirmed} confirmed, {found} found");
}

#[tokio::test]
async fn delivered_but_unacknowledged_messages_come_back_as_redelivered_after_sigkill() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, url) = spawn(directory.path()).await;
    let connection = connect_to(&url).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    declare_durable(&channel, "q", &[]).await;
    confirms(&channel).await;
    for body in ["acked", "held", "untouched"] {
        send_persistent(&channel, "q", body).await;
    }
    send(&channel, "q", "transient").await;
    channel.basic_qos(2, BasicQosOptions::default()).await.unwrap();
    let mut deliveries = consume(&channel, "q", "").await;
    let first = next(&mut deliveries).await;
    next(&mut deliveries).await;
    channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default()).await.unwrap();
    ack(&first).await;
    // The answer comes after the ack has been taken.
    ready(&channel, "q").await;
    child.kill().await.unwrap();
    let (_child, url) = spawn(directory.path()).await;
    let connection = connect_to(&url).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut found = Vec::new();
    while let Some(delivery) = get(&channel, "q").await {
        found.push((body(&delivery), delivery.redelivered));
    }
    assert_eq!(found, [("held".into(), true), ("untouched".into(), false)]);
}

#[tokio::test]
async fn durable_definitions_come_back_and_transient_ones_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = [("x-message-ttl", AMQPValue::LongInt(60_000)), ("x-dead-letter-exchange", text("dlx"))];
    let durable_exchange = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    {
        let broker = start_in(directory.path()).await;
        let (_connection, channel) = channel(&broker).await;
        channel
            .exchange_declare("x".into(), ExchangeKind::Topic, durable_exchange, FieldTable::default())
            .await
            .unwrap();
        declare_durable(&channel, "kept", &arguments).await;
        declare_durable(&channel, "deleted", &[]).await;
        declare(&channel, "transient", &[]).await;
        for (queue, key) in [("kept", "a.#"), ("kept", "b"), ("deleted", "a.#")] {
            let options = QueueBindOptions::default();
            channel.queue_bind(queue.into(), "x".into(), key.into(), options, FieldTable::default()).await.unwrap();
        }
        channel.queue_unbind("kept".into(), "x".into(), "b".into(), FieldTable::default()).await.unwrap();
        channel.queue_delete("deleted".into(), QueueDeleteOptions::default()).await.unwrap();
        confirms(&channel).await;
        for key in ["a.one", "b"] {
            send_with(&channel, "x", key, key, persistent()).await;
        }
        broker.shutdown().await;
    }
    // Twice, as the second start reads what the first has rewritten.
    for _ in 0..2 {
        let broker = start_in(directory.path()).await;
        assert_eq!((broker.recovery().queues, broker.recovery().messages), (1, 1));
        let (connection, channel) = channel(&broker).await;
        declare_durable(&channel, "kept", &arguments).await;
        channel
            .exchange_declare("x".into(), ExchangeKind::Topic, durable_exchange, FieldTable::default())
            .await
            .unwrap();
        assert_eq!(ready(&channel, "kept").await, 1);
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        for gone in ["deleted", "transient"] {
            let channel = connection.create_channel().await.unwrap();
            assert_eq!(refusal(channel.queue_declare(gone.into(), passive, FieldTable::default()).await).0, 404);
        }
        broker.shutdown().await;
    }
    let broker = start_in(directory.path()).await;
    let (_connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    send_with(&channel, "x", "a.two", "a.two", persistent()).await;
    assert_eq!(body(&get(&channel, "kept").await.unwrap()), "a.one");
    assert_eq!(body(&get(&channel, "kept").await.unwrap()), "a.two");
}

#[tokio::test]
async fn dead_letters_survive_with_their_history() {
    let directory = tempfile::tempdir().unwrap();
    {
        let broker = start_in(directory.path()).await;
        let (_connection, channel) = channel(&broker).await;
        let arguments = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
        declare_durable(&channel, "q", &arguments).await;
        declare_durable(&channel, "dead", &[]).await;
        confirms(&channel).await;
        send_persistent(&channel, "q", "poison").await;
        let held = channel.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap();
        held.delivery.acker.reject(BasicRejectOptions { requeue: false }).await.unwrap();
        until_ready(&channel, "dead", 1).await;
        broker.shutdown().await;
    }
    let broker = start_in(directory.path()).await;
    let (_connection, channel) = channel(&broker).await;
    assert_eq!(ready(&channel, "q").await, 0);
    let letter = get(&channel, "dead").await.unwrap();
    assert_eq!(body(&letter), "poison");
    let headers = letter.properties.headers().clone().unwrap();
    assert_eq!(headers.inner().get("x-first-death-queue"), Some(&text("q")));
}

#[tokio::test]
async fn time_to_live_goes_on_while_the_broker_is_down() {
    let directory = tempfile::tempdir().unwrap();
    {
        let broker = start_in(directory.path()).await;
        let (_connection, channel) = channel(&broker).await;
        declare_durable(&channel, "q", &[]).await;
        confirms(&channel).await;
        send_persistent(&channel, "q", "first").await;
        for (body, ttl) in [("expires", "1"), ("stays", "600000")] {
            send_with(&channel, "", "q", body, persistent().with_expiration(ttl.into())).await;
        }
        broker.shutdown().await;
    }
    let broker = start_in(directory.path()).await;
    let (_connection, channel) = channel(&broker).await;
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "first");
    assert_eq!(body(&get(&channel, "q").await.unwrap()), "stays");
}

#[tokio::test]
async fn damaged_tail_is_reported_kept_aside_and_survived() {
    let directory = tempfile::tempdir().unwrap();
    {
        let broker = start_in(directory.path()).await;
        let (_connection, channel) = channel(&broker).await;
        declare_durable(&channel, "q", &[]).await;
        confirms(&channel).await;
        for body in ["one", "two", "three"] {
            send_persistent(&channel, "q", body).await;
        }
        broker.shutdown().await;
    }
    let journal = directory.path().join("journal");
    let whole = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &whole[..whole.len() - 3]).unwrap();
    let broker = start_in(directory.path()).await;
    assert!(broker.recovery().damaged_bytes > 0);
    assert_eq!(broker.recovery().messages, 2);
    assert_eq!(std::fs::read(directory.path().join("journal.damaged")).unwrap(), whole[..whole.len() - 3]);
    let (_connection, channel) = channel(&broker).await;
    confirms(&channel).await;
    send_persistent(&channel, "q", "four").await;
    broker.shutdown().await;
    let broker = start_in(directory.path()).await;
    assert_eq!((broker.recovery().damaged_bytes, broker.recovery().messages), (0, 3));
}

#[tokio::test]
async fn journal_is_compacted_when_garbage_dominates() {
    let directory = tempfile::tempdir().unwrap();
    let broker = start_in(directory.path()).await;
    let (_connection, channel) = channel(&broker).await;
    declare_durable(&channel, "q", &[]).await;
    confirms(&channel).await;
    send_persistent(&channel, "q", "kept").await;
    let held = channel.basic_get("q".into(), BasicGetOptions::default()).await.unwrap().unwrap();
    let body = "x".repeat(1024 * 1024);
    let mut written = 0;
    let mut largest = 0;
    for _ in 0..40 {
        send_persistent(&channel, "q", &body).await;
        written += body.len() as u64;
        get(&channel, "q").await.unwrap();
        largest = largest.max(std::fs::metadata(directory.path().join("journal")).unwrap().len());
    }
    assert!(largest < written / 2, "{largest} of {written}");
    drop(held);
    broker.shutdown().await;
    let broker = start_in(directory.path()).await;
    assert_eq!((broker.recovery().messages, broker.recovery().redelivered), (1, 1));
}

#[tokio::test]
async fn data_directory_of_a_running_broker_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _broker = start_in(directory.path()).await;
    let second = Broker::start(Config { data: Some(directory.path().to_owned()), ..Config::default() }).await;
    assert!(matches!(second, Err(StartError::DataInUse { .. })), "{second:?}");
}
