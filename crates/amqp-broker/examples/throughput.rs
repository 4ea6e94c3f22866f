//! How many transient publishes per second are confirmed and consumed, end to end over TCP.
//!
//! `cargo run --release -p amqp-broker --example throughput [messages] [bytes]`

use std::{
    collections::VecDeque,
    io::Write,
    time::{Duration, Instant},
};

use amqp_broker::{Broker, Config};
use futures_util::StreamExt;
use lapin::{BasicProperties, Connection, ConnectionProperties, options::*, types::FieldTable};

/// Publishers, each with a connection and a queue of its own, as services have.
const PUBLISHERS: usize = 2;

/// Publishes that may wait for their confirm, per publisher.
const WINDOW: usize = 2000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let messages: usize = arguments.next().map_or(Ok(400_000), |text| text.parse())?;
    let bytes: usize = arguments.next().map_or(Ok(256), |text| text.parse())?;
    let broker = Broker::start(Config::default()).await?;
    let url = format!("amqp://guest:guest@{}/%2f", broker.amqp_addr());
    let start = Instant::now();
    let each = messages / PUBLISHERS;
    let tasks = (0..PUBLISHERS).flat_map(|i| {
        let queue = format!("q{i}");
        [
            tokio::spawn(publish(url.clone(), queue.clone(), each, bytes)),
            tokio::spawn(consume(url.clone(), queue, each)),
        ]
    });
    let mut confirmed_after = Duration::ZERO;
    for (i, task) in tasks.collect::<Vec<_>>().into_iter().enumerate() {
        let end = task.await??;
        if i % 2 == 0 {
            confirmed_after = confirmed_after.max(end - start);
        }
    }
    let rate = |time: Duration| (each * PUBLISHERS) as f64 / time.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{} messages of {bytes} bytes: {:.0} confirmed publishes/s, {:.0} acknowledged deliveries/s",
        each * PUBLISHERS,
        rate(confirmed_after),
        rate(start.elapsed()),
    )?;
    broker.shutdown().await;
    Ok(())
}

async fn publish(url: String, queue: String, count: usize, bytes: usize) -> Result<Instant, Failure> {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::default(), FieldTable::default()).await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let body = vec![b'x'; bytes];
    let mut pending = VecDeque::with_capacity(WINDOW);
    for _ in 0..count {
        if pending.len() == WINDOW
            && let Some(oldest) = pending.pop_front()
        {
            confirmed(oldest).await?;
        }
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        pending.push_back(channel.basic_publish("".into(), queue.as_str().into(), options, &body, properties).await?);
    }
    for oldest in pending {
        confirmed(oldest).await?;
    }
    Ok(Instant::now())
}

async fn confirmed(confirm: lapin::PublisherConfirm) -> Result<(), Failure> {
    if confirm.await?.is_ack() { Ok(()) } else { Err("a publish was refused".into()) }
}

async fn consume(url: String, queue: String, count: usize) -> Result<Instant, Failure> {
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::default(), FieldTable::default()).await?;
    channel.basic_qos(1_000, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut deliveries =
        channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await?;
    for i in 1..=count {
        let delivery = deliveries.next().await.ok_or("the consumer was cancelled")??;
        if i % 200 == 0 || i == count {
            delivery.acker.ack(BasicAckOptions { multiple: true }).await?;
        }
    }
    Ok(Instant::now())
}
