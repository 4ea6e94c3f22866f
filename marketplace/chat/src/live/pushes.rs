//! Rows of what is to be told to sockets, and how far a link has read them.

use std::collections::HashMap;
use std::time::Duration;

use platform::{Connected, Database, Observed, Tx, new_id};
use sqlx::Row as _;
use telemetry::context::MessageContext;

use super::ms;
use crate::domain::Message;

/// How long a push can be told again to a gateway that was away.
pub(super) const RETENTION: Duration = Duration::from_secs(300);

/// A push may be committed after one that was stored later: how much later at most. Covers the longest transaction and
/// what the clocks of two instances of this service may differ by.
const OVERLAP: Duration = Duration::from_secs(10);

/// Ids that are read at once.
const PAGE: i64 = 500;

/// One stored push.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) event: String,
    /// JSON.
    pub(super) usernames: String,
    /// JSON.
    pub(super) message: String,
    pub(super) context: MessageContext,
    pub(super) at: i64,
}

/// Stores a push with the trace and correlation id of the code that is running.
pub(super) async fn insert(
    tx: &mut Tx,
    event: &str,
    usernames: &[&str],
    message: &Message,
    now: i64,
) -> Result<(), sqlx::Error> {
    let json = |text: Result<String, serde_json::Error>| text.map_err(|error| sqlx::Error::Encode(error.into()));
    sqlx::query(
        "INSERT INTO pushes (id, event, usernames, message, context, pushed_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new_id())
    .bind(event)
    .bind(json(serde_json::to_string(usernames))?)
    .bind(json(serde_json::to_string(message))?)
    .bind(json(serde_json::to_string(&MessageContext::capture()))?)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes what is older than [`RETENTION`].
pub(super) async fn purge(database: &Database, now: i64) -> Result<u64, sqlx::Error> {
    let mut tx = database.begin().await?;
    let done = sqlx::query("DELETE FROM pushes WHERE pushed_at < $1")
        .bind(now - ms(RETENTION) - ms(OVERLAP))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

/// How far a link has read.
#[derive(Debug)]
pub(super) struct Cursor {
    /// When the latest push that was read was stored.
    latest: i64,
    /// What was read and may be found again, with its time.
    seen: HashMap<String, i64>,
}

impl Cursor {
    /// Reads what was stored since `since`, and somewhat before: a gateway recognises what it has had.
    pub(super) fn since(since: i64) -> Self {
        Self { latest: since, seen: HashMap::new() }
    }

    /// What has come since the last call, at most one page; empty when there is nothing.
    pub(super) async fn next(&mut self, database: &Database) -> Result<Vec<Stored>, sqlx::Error> {
        let mut db = database.pool().acquire().await?;
        let (mut at, mut id) = (self.latest.saturating_sub(ms(OVERLAP)), String::new());
        loop {
            let page = ids(&mut db, at, &id).await?;
            let Some(last) = page.last() else {
                self.forget();
                return Ok(Vec::new());
            };
            (id, at) = last.clone();
            let mut new = Vec::new();
            for (id, at) in page {
                if self.seen.contains_key(&id) {
                    continue;
                }
                // Gone when it was removed in between; then it was too old.
                new.extend(find(&mut db, &id).await?);
                self.seen.insert(id, at);
            }
            if !new.is_empty() {
                self.latest = self.latest.max(at);
                return Ok(new);
            }
        }
    }

    fn forget(&mut self) {
        let oldest = self.latest.saturating_sub(ms(OVERLAP));
        self.seen.retain(|_, at| *at >= oldest);
    }
}

/// Ids and times after one id, the oldest first.
async fn ids(db: &mut Observed<impl Connected>, at: i64, id: &str) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, pushed_at FROM pushes WHERE pushed_at > $1 OR (pushed_at = $1 AND id > $2)
         ORDER BY pushed_at, id LIMIT $3",
    )
    .bind(at)
    .bind(id)
    .bind(PAGE)
    .fetch_all(db)
    .await
}

async fn find(db: &mut Observed<impl Connected>, id: &str) -> Result<Option<Stored>, sqlx::Error> {
    let row = sqlx::query("SELECT id, event, usernames, message, context, pushed_at FROM pushes WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await?;
    row.map(|row| {
        let context: String = row.try_get(4)?;
        Ok(Stored {
            id: row.try_get(0)?,
            event: row.try_get(1)?,
            usernames: row.try_get(2)?,
            message: row.try_get(3)?,
            // An unreadable context costs the connection to the trace, not the message.
            context: serde_json::from_str(&context).unwrap_or_default(),
            at: row.try_get(5)?,
        })
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::testing;

    fn message(body: &str) -> Message {
        Message {
            id: new_id(),
            conversation_id: new_id(),
            sender_username: "ada".into(),
            receiver_username: "bob".into(),
            body: body.into(),
            offer: None,
            offer_status: None,
            is_read: false,
            created_at: platform::now(),
        }
    }

    async fn push(database: &Database, body: &str, at: i64) {
        let mut tx = database.begin().await.unwrap();
        insert(&mut tx, "message received", &["bob"], &message(body), at).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn bodies(cursor: &mut Cursor, database: &Database) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let page = cursor.next(database).await.unwrap();
            if page.is_empty() {
                return bodies;
            }
            for push in page {
                let message: Message = serde_json::from_str(&push.message).unwrap();
                bodies.push(message.body);
            }
        }
    }

    #[tokio::test]
    async fn late_commits_are_read_and_nothing_twice() {
        let (database, _guard) = testing::database(crate::SCHEMA).await.unwrap();
        let mut cursor = Cursor::since(100_000);
        push(&database, "much too old", 100_000 - 2 * ms(OVERLAP)).await;
        push(&database, "two", 200_000).await;
        assert_eq!(bodies(&mut cursor, &database).await, ["two"]);
        // Stored earlier than what was read, committed later.
        push(&database, "one", 200_000 - ms(OVERLAP) + 1).await;
        push(&database, "three", 200_001).await;
        assert_eq!(bodies(&mut cursor, &database).await, ["one", "three"]);
        assert_eq!(bodies(&mut cursor, &database).await, [""; 0]);
        push(&database, "four", 200_001 + 3 * ms(OVERLAP)).await;
        assert_eq!(bodies(&mut cursor, &database).await, ["four"]);
        assert_eq!(cursor.seen.len(), 1, "what cannot come again is forgotten");
    }

    #[tokio::test]
    async fn more_than_a_page_of_the_same_moment_is_read_whole() {
        let (database, _guard) = testing::database(crate::SCHEMA).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        let all = usize::try_from(PAGE).unwrap() + 3;
        for number in 0..all {
            insert(&mut tx, "message received", &["bob"], &message(&number.to_string()), 7).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut cursor = Cursor::since(7);
        assert_eq!(bodies(&mut cursor, &database).await.len(), all);
        push(&database, "another", 7).await;
        assert_eq!(bodies(&mut cursor, &database).await, ["another"]);
    }

    #[tokio::test]
    async fn old_pushes_are_removed() {
        let (database, _guard) = testing::database(crate::SCHEMA).await.unwrap();
        let now = ms(RETENTION) + 2 * ms(OVERLAP);
        push(&database, "old", 0).await;
        push(&database, "kept", ms(OVERLAP)).await;
        assert_eq!(purge(&database, now).await.unwrap(), 1);
        assert_eq!(bodies(&mut Cursor::since(0), &database).await, ["kept"]);
    }
}
