//! The transactional outbox: an event is stored in the transaction of the state it speaks of, and published after.

use sqlx::Row as _;

use crate::clock;
use crate::database::{Database, Tx};
use crate::event::Event;
use crate::instrument;

pub(crate) mod relay;

/// The lock under which positions are given.
const LOCK: &str = "outbox";

/// An event, with the trace and correlation id of the code that emitted it.
#[derive(Debug)]
pub(crate) struct Stored {
    event: Event,
    context: String,
}

/// Stores `event` with the commit of `tx`, with the trace and correlation id of the code that is running; it is published
/// after that.
pub fn emit(tx: &mut Tx, event: Event) {
    tx.keep(Stored { event, context: instrument::captured_context() });
}

/// Writes the events of a transaction, as the last thing before its commit: positions are given in the order of commits,
/// so that the relay, which reads in their order, never reads past one that is yet to come. Whoever holds the lock waits
/// for nobody any more.
pub(crate) async fn store(tx: &mut Tx, events: Vec<Stored>) -> Result<(), sqlx::Error> {
    tx.lock(LOCK).await?;
    for Stored { event, context } in events {
        sqlx::query(
            "INSERT INTO outbox (position, id, type, source, subject, time, body, context, created_at) \
             VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM outbox), $1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&event.id)
        .bind(&event.event_type)
        .bind(&event.source)
        .bind(&event.subject)
        .bind(&event.time)
        .bind(&event.body)
        .bind(context)
        .bind(clock::now())
        .execute(&mut **tx)
        .await?;
        tracing::info!(event_id = event.id, event_type = event.event_type, subject = event.subject, "event stored");
    }
    Ok(())
}

/// How many events wait to be published.
///
/// # Errors
///
/// Fails when the database does not answer.
pub async fn pending(database: &Database) -> Result<i64, sqlx::Error> {
    sqlx::query("SELECT COUNT(*) FROM outbox WHERE published_at IS NULL").fetch_one(database.pool()).await?.try_get(0)
}
