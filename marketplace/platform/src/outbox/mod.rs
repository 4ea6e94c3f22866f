//! The transactional outbox: an event is stored in the transaction of the state it speaks of, and published after.

use sqlx::Row as _;

use crate::clock;
use crate::database::{Backend, Database, Tx, lock_number};
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
///
/// With PostgreSQL the lock is taken by the statement that stores, so that nobody waits for a round trip between the two.
pub(crate) async fn store(tx: &mut Tx, events: Vec<Stored>) -> Result<(), sqlx::Error> {
    let backend = Backend::of(tx);
    let statement = match backend {
        Backend::Sqlite => {
            "INSERT INTO outbox (position, id, type, source, subject, time, body, context, created_at) \
             VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM outbox), $1, $2, $3, $4, $5, $6, $7, $8)"
        }
        Backend::Postgres => "SELECT store_event($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    };
    for Stored { event, context } in events {
        let query = sqlx::query(statement)
            .bind(&event.id)
            .bind(&event.event_type)
            .bind(&event.source)
            .bind(&event.subject)
            .bind(&event.time)
            .bind(&event.body)
            .bind(context)
            .bind(clock::now());
        let query = match backend {
            Backend::Sqlite => query,
            Backend::Postgres => query.bind(lock_number(LOCK)),
        };
        query.execute(&mut **tx).await?;
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
