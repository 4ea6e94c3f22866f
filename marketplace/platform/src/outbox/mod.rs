//! The transactional outbox: an event is stored in the transaction of the state it speaks of, and published after.

use sqlx::Row as _;

use crate::clock;
use crate::database::{Database, Tx};
use crate::event::Event;
use crate::instrument;

pub(crate) mod relay;

/// Stores `event`, with the trace and correlation id of the code that is running; it is published after the commit.
///
/// # Errors
///
/// Fails when the database refuses; the transaction is then of no further use.
pub async fn emit(tx: &mut Tx, event: Event) -> Result<(), sqlx::Error> {
    let context = instrument::captured_context();
    // Within the write lock, so that positions are given in commit order.
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
    tx.mark_emitted();
    tracing::info!(event_id = event.id, event_type = event.event_type, subject = event.subject, "event stored");
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
