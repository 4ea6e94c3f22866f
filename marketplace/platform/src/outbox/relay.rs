//! The relay: publishes what the outbox holds, in order per aggregate, and marks it published after the confirm.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::join_all;
use lapin::options::ConfirmSelectOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use sqlx::{AssertSqlSafe, Row as _};
use telemetry::messaging::{self, Destination, OutgoingMessage};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::broker;
use crate::bug::{self, Bug};
use crate::clock;
use crate::database::{Backend, Database};
use crate::event::{CONTENT_TYPE, Event};
use crate::health::Beacon;
use crate::instrument;

/// Events published before their confirms are awaited.
const BATCH: usize = 128;

/// How often the table is read without having been woken: for events of a previous life of this process.
const POLL: Duration = Duration::from_millis(500);

/// How long a confirm may take before the connection counts as broken.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);

/// How often the number of waiting events is measured.
const MEASURE: Duration = Duration::from_secs(1);

/// How often published events and old inbox entries are removed.
const PURGE: Duration = Duration::from_secs(600);

/// Runs until `stopping`, then makes one last round.
pub(crate) async fn run(
    database: Database,
    amqp_url: String,
    service: &'static str,
    beacon: Beacon,
    stopping: CancellationToken,
) {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    let mut upkeep = Upkeep::new();
    while !stopping.is_cancelled() {
        match session(&database, &amqp_url, service, &beacon, &stopping, &mut upkeep, &mut backoff).await {
            Ok(()) => break,
            Err(error) => {
                beacon.down();
                let wait = backoff.next_wait();
                tracing::warn!(
                    error = format!("{error:#}"),
                    attempt = backoff.attempt(),
                    wait_ms = wait.as_millis() as u64,
                    "outbox relay lost the broker, will try again"
                );
                upkeep.measure(&database).await;
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = stopping.cancelled() => {}
                }
            }
        }
    }
}

/// One connection's life; `Ok` when the service stops.
async fn session(
    database: &Database,
    amqp_url: &str,
    service: &str,
    beacon: &Beacon,
    stopping: &CancellationToken,
    upkeep: &mut Upkeep,
    backoff: &mut Backoff,
) -> anyhow::Result<()> {
    let connection = broker::connect(amqp_url, &format!("{service} outbox")).await?;
    let prepared = async {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        broker::declare_exchanges(&channel).await?;
        Ok::<_, lapin::Error>(channel)
    };
    // What is asked of a connection that dies in that moment may never be answered.
    let channel = tokio::time::timeout(CONFIRM_TIMEOUT, prepared).await.context("the broker does not answer")??;
    beacon.up();
    backoff.reset();
    tracing::info!("outbox relay connected");
    loop {
        // Taken before the read, so that a commit during the read wakes the next round.
        let stop = stopping.is_cancelled();
        let swept = sweep(database, &channel).await?;
        upkeep.run(database).await;
        if stop {
            _ = tokio::time::timeout(Duration::from_secs(1), connection.close(200, "stopping".into())).await;
            return Ok(());
        }
        anyhow::ensure!(alive(&connection), "connection closed");
        let wait = if swept.refused > 0 { backoff.next_wait() } else { POLL };
        if swept.refused == 0 {
            backoff.reset();
            tokio::select! {
                () = database.outbox_signal().notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = stopping.cancelled() => {}
            }
        } else {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopping.cancelled() => {}
            }
        }
    }
}

fn alive(connection: &Connection) -> bool {
    connection.status().connected()
}

#[derive(Default)]
struct Swept {
    /// Events that the broker did not take, left for the next round.
    refused: usize,
}

/// Publishes everything that waits, once.
async fn sweep(database: &Database, channel: &Channel) -> anyhow::Result<Swept> {
    let mut after = 0;
    let mut swept = Swept::default();
    // Later events of an aggregate must not overtake one that was refused.
    let mut held: HashSet<String> = HashSet::new();
    loop {
        let batch = waiting(database, after).await?;
        let Some(last) = batch.last() else { return Ok(swept) };
        after = last.position;
        let mut aggregates: HashMap<String, Vec<Row>> = HashMap::new();
        for row in batch {
            if held.contains(&row.event.subject) {
                swept.refused += 1;
            } else {
                aggregates.entry(row.event.subject.clone()).or_default().push(row);
            }
        }
        let outcomes = join_all(aggregates.into_values().map(|rows| publish_in_order(channel, rows))).await;
        let mut published = Vec::new();
        let mut failure = None;
        for outcome in outcomes {
            published.extend(outcome.published);
            match outcome.stopped {
                Some(Stop::Refused { subject, left }) => {
                    swept.refused += left;
                    held.insert(subject);
                }
                Some(Stop::Broken(error)) => failure = Some(error),
                None => {}
            }
        }
        mark_published(database, &published).await?;
        if let Some(error) = failure {
            return Err(error);
        }
    }
}

/// One stored event.
struct Row {
    position: i64,
    event: Event,
    context: String,
}

async fn waiting(database: &Database, after: i64) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT position, id, type, source, subject, time, body, context FROM outbox \
         WHERE published_at IS NULL AND position > $1 ORDER BY position LIMIT $2",
    )
    .bind(after)
    .bind(BATCH as i64)
    .fetch_all(database.pool())
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Row {
                position: row.try_get(0)?,
                event: Event {
                    id: row.try_get(1)?,
                    event_type: row.try_get(2)?,
                    source: row.try_get(3)?,
                    subject: row.try_get(4)?,
                    time: row.try_get(5)?,
                    body: row.try_get(6)?,
                },
                context: row.try_get(7)?,
            })
        })
        .collect()
}

async fn mark_published(database: &Database, ids: &[String]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let placeholders: Vec<String> = (2..ids.len() + 2).map(|number| format!("${number}")).collect();
    let sql = format!("UPDATE outbox SET published_at = $1 WHERE id IN ({})", placeholders.join(", "));
    // Only placeholders are put together; values are bound.
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(clock::now());
    for id in ids {
        query = query.bind(id);
    }
    match database.backend() {
        // Writers queue for their transactions.
        Backend::Sqlite => {
            let mut tx = database.begin().await?;
            query.execute(&mut *tx).await?;
            tx.commit().await
        }
        // One statement is a transaction of its own, in one round trip.
        Backend::Postgres => query.execute(database.pool()).await.map(drop),
    }
}

struct Published {
    published: Vec<String>,
    stopped: Option<Stop>,
}

enum Stop {
    /// The broker answered no: nothing takes this event, or it could not store it.
    Refused { subject: String, left: usize },
    /// The connection is of no further use.
    Broken(anyhow::Error),
}

/// Publishes the events of one aggregate, each after the confirm of the one before.
async fn publish_in_order(channel: &Channel, rows: Vec<Row>) -> Published {
    let mut published = Vec::with_capacity(rows.len());
    let total = rows.len();
    for row in rows {
        let id = row.event.id.clone();
        let subject = row.event.subject.clone();
        let event_type = row.event.event_type.clone();
        match publish(channel, row).await {
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => published.push(id),
            Ok(confirmation) => {
                let reason = if confirmation.is_ack() { "no queue takes it" } else { "the broker refused it" };
                tracing::warn!(event_id = id, event_type, subject, reason, "event not published, will try again");
                let left = total - published.len();
                return Published { published, stopped: Some(Stop::Refused { subject, left }) };
            }
            Err(error) => return Published { published, stopped: Some(Stop::Broken(error)) },
        }
    }
    Published { published, stopped: None }
}

async fn publish(channel: &Channel, row: Row) -> anyhow::Result<Confirmation> {
    let Row { event, context, .. } = row;
    let mut headers = FieldTable::default();
    for (name, value) in event.headers() {
        let local = name == "cloudEvents:time" && event.source.ends_with("/review") && bug::active(Bug::LocalTime);
        let value = if local { value.trim_end_matches('Z') } else { value };
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let destination = Destination::new(broker::EXCHANGE, event.event_type.clone());
    let mut message =
        OutgoingMessage::new(event.id, event.event_type, event.body).context(instrument::stored_context(&context));
    message.headers = headers;
    message.properties = BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(2)
        .with_timestamp(seconds());
    tokio::time::timeout(CONFIRM_TIMEOUT, messaging::publish(channel, &destination, message))
        .await
        .context("no confirm within 10 s")?
        .context("publish")
}

fn seconds() -> u64 {
    u64::try_from(chrono::Utc::now().timestamp()).unwrap_or_default()
}

/// What the relay does now and then besides publishing.
struct Upkeep {
    measured: Option<Instant>,
    purged: Instant,
}

impl Upkeep {
    fn new() -> Self {
        Self { measured: None, purged: Instant::now() }
    }

    async fn run(&mut self, database: &Database) {
        self.measure(database).await;
        if self.purged.elapsed() >= PURGE {
            self.purged = Instant::now();
            if let Err(error) = purge(database).await {
                tracing::warn!(error = %error, "published events not removed");
            }
        }
    }

    async fn measure(&mut self, database: &Database) {
        if self.measured.is_some_and(|last| last.elapsed() < MEASURE) {
            return;
        }
        self.measured = Some(Instant::now());
        if let Ok(pending) = super::pending(database).await {
            instrument::outbox_pending(u64::try_from(pending).unwrap_or_default());
        }
    }
}

/// Removes what nobody asks for any more; a redelivery comes within days, if ever.
async fn purge(database: &Database) -> Result<(), sqlx::Error> {
    let before = |age: chrono::Duration| clock::timestamp(chrono::Utc::now() - age);
    let mut tx = database.begin().await?;
    sqlx::query("DELETE FROM outbox WHERE published_at < $1")
        .bind(before(chrono::Duration::hours(1)))
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM inbox WHERE processed_at < $1")
        .bind(before(chrono::Duration::days(7)))
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
        .bind(before(chrono::Duration::days(1)))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}
