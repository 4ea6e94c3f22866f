//! The runtime of a consumer: takes deliveries, keeps the order of each aggregate, reconnects for ever.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer as Deliveries};
use telemetry::task::Task;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Consumer;
use super::delivery::{Processor, subject};
use crate::backoff::Backoff;
use crate::broker;
use crate::database::Database;
use crate::health::Beacon;

/// Deliveries taken from the broker and not yet acknowledged.
const PREFETCH: u16 = 64;

/// How long the broker may take until deliveries can come. What is asked of a connection that dies in that moment may
/// never be answered.
const SETUP: Duration = Duration::from_secs(10);

/// How long what is being handled when the connection ends may go on, before it is given up and comes again.
const GRACE: Duration = Duration::from_secs(30);

/// Events of different aggregates handled at the same time.
const LANES: usize = 8;

/// Runs until `stopping`; what is being handled then is handled to its end.
pub(crate) async fn run(
    consumer: Consumer,
    database: Database,
    amqp_url: String,
    beacon: Beacon,
    stopping: CancellationToken,
) {
    let consumer = Arc::new(consumer);
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    while !stopping.is_cancelled() {
        let ended = session(&consumer, &database, &amqp_url, &beacon, &stopping, &mut backoff).await;
        beacon.down();
        let Err(error) = ended else { break };
        let wait = backoff.next_wait();
        tracing::warn!(
            error = format!("{error:#}"),
            queue = consumer.queue(),
            attempt = backoff.attempt(),
            wait_ms = wait.as_millis() as u64,
            "consumer lost the broker, will try again"
        );
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// One connection's life; `Ok` when the service stops.
async fn session(
    consumer: &Arc<Consumer>,
    database: &Database,
    amqp_url: &str,
    beacon: &Beacon,
    stopping: &CancellationToken,
    backoff: &mut Backoff,
) -> anyhow::Result<()> {
    let connection = broker::connect(amqp_url, &format!("{} consumer", consumer.name())).await?;
    let subscribed = tokio::time::timeout(SETUP, subscribe(consumer, &connection)).await;
    let (channel, mut deliveries) = subscribed.context("the broker does not answer")??;
    beacon.up();
    backoff.reset();
    tracing::info!(queue = consumer.queue(), types = consumer.types().join(" "), "consumer started");

    // Ends the lanes when the connection ends: what they still hold will be delivered again.
    let over = stopping.child_token();
    let mut lanes = Lanes::start(consumer, database, &channel, &over);
    let ended = loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => break Ok(()),
            next = deliveries.next() => match next {
                Some(Ok(delivery)) => lanes.take(delivery).await,
                Some(Err(error)) => break Err(error.into()),
                None => break Err(anyhow::anyhow!("the broker cancelled the consumer")),
            },
            Some(()) = lanes.ended() => break Err(anyhow::anyhow!("a delivery could not be settled")),
        }
    };
    over.cancel();
    lanes.join(GRACE).await;
    // A connection that is already broken cannot be closed.
    _ = tokio::time::timeout(Duration::from_secs(1), connection.close(200, "stopping".into())).await;
    ended
}

/// A channel, and what comes over it for `consumer`.
async fn subscribe(consumer: &Consumer, connection: &Connection) -> Result<(Channel, Deliveries), lapin::Error> {
    let channel = connection.create_channel().await?;
    // Dead-lettering publishes on the same channel and waits for the confirm before it acknowledges.
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    broker::declare_queues(&channel, consumer).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let (queue, tag) = (consumer.queue(), format!("{}-{}", consumer.name(), std::process::id()));
    let options = BasicConsumeOptions::default();
    let deliveries =
        channel.basic_consume(queue.as_str().into(), tag.as_str().into(), options, FieldTable::default()).await?;
    Ok((channel, deliveries))
}

/// Sequential workers; deliveries of one subject always go to the same one.
struct Lanes {
    senders: Vec<mpsc::Sender<Delivery>>,
    tasks: JoinSet<()>,
}

impl Lanes {
    fn start(consumer: &Arc<Consumer>, database: &Database, channel: &Channel, over: &CancellationToken) -> Self {
        let mut tasks = JoinSet::new();
        let senders = (0..LANES)
            .map(|_| {
                let (sender, receiver) = mpsc::channel(usize::from(PREFETCH));
                let processor = Processor::new(Arc::clone(consumer), database.clone(), channel.clone(), over.clone());
                tasks.spawn(Task::new("consumer lane").wrap(lane(processor, receiver, over.clone())));
                sender
            })
            .collect();
        Self { senders, tasks }
    }

    async fn take(&self, delivery: Delivery) {
        let mut hasher = DefaultHasher::new();
        subject(&delivery).hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default();
        // A lane that has ended is noticed by `ended`; the delivery stays unacknowledged and comes again.
        _ = self.senders[lane].send(delivery).await;
    }

    /// Some lane has ended by itself.
    async fn ended(&mut self) -> Option<()> {
        self.tasks.join_next().await.map(drop)
    }

    /// Waits for what is being handled, but not for ever: without its acknowledgement an event comes again anyway.
    async fn join(mut self, grace: Duration) {
        self.senders.clear();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::warn!(
                lanes = self.tasks.len(),
                "deliveries still being handled are given up, they will come again"
            );
            self.tasks.shutdown().await;
        }
    }
}

async fn lane(processor: Processor, mut deliveries: mpsc::Receiver<Delivery>, over: CancellationToken) {
    loop {
        let delivery = tokio::select! {
            biased;
            () = over.cancelled() => return,
            delivery = deliveries.recv() => delivery,
        };
        let Some(delivery) = delivery else { return };
        if let Err(error) = processor.settle(&delivery).await {
            tracing::warn!(error = format!("{error:#}"), "delivery not settled, it will come again");
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lane_that_never_ends_is_given_up() {
        let mut tasks = JoinSet::new();
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(inside);
        });
        let lanes = Lanes { senders: Vec::new(), tasks };
        let joined = tokio::time::timeout(Duration::from_secs(10), lanes.join(Duration::from_millis(20))).await;
        assert!(joined.is_ok(), "a connection could never be made again");
        assert_eq!(Arc::strong_count(&held), 1, "what is given up holds nothing any more");
    }
}
