//! The inbox: which events have had their effect here.

use crate::bug::{self, Bug};
use crate::clock;
use crate::database::{Database, Tx};
use crate::event::Event;

/// Enters `event`, in the transaction of its effect; `false` when it was there already, which is counted.
pub(super) async fn enter(tx: &mut Tx, consumer: &str, event: &Event) -> Result<bool, sqlx::Error> {
    let entered = sqlx::query(
        "INSERT INTO inbox (consumer, event_id, type, processed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(consumer)
    .bind(&event.id)
    .bind(&event.event_type)
    .bind(clock::now())
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if entered == 0 {
        count_repeat(tx, consumer, event).await?;
    }
    // The planted bug: what was there already has its effect again.
    Ok(entered > 0 || bug::active(Bug::NoInbox))
}

async fn count_repeat(tx: &mut Tx, consumer: &str, event: &Event) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE inbox SET repeats = repeats + 1 WHERE consumer = $1 AND event_id = $2")
        .bind(consumer)
        .bind(&event.id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether `event` was entered before, which is counted.
pub(super) async fn contains(database: &Database, consumer: &str, event: &Event) -> Result<bool, sqlx::Error> {
    if bug::active(Bug::NoInbox) {
        return Ok(false);
    }
    let found = sqlx::query("SELECT 1 FROM inbox WHERE consumer = $1 AND event_id = $2")
        .bind(consumer)
        .bind(&event.id)
        .fetch_optional(database.pool())
        .await?;
    if found.is_some() {
        let mut tx = database.begin().await?;
        count_repeat(&mut tx, consumer, event).await?;
        tx.commit().await?;
    }
    Ok(found.is_some())
}
