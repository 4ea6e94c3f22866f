//! Which mails were begun and which were sent: what a process that died knew.
//!
//! No mail server takes a mail in our transaction, so a process that dies between its answer and our note of it leaves a
//! mail of which nobody knows whether it was sent. It is sent again, under the same `Message-ID`; all others are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use platform::{Database, Migration, now, timestamp};

/// Its table.
pub const SCHEMA: &[Migration] = &[Migration::new(1, "mails", include_str!("../migrations/1_mails.sql"))];

/// Days after which a mail is forgotten, sent or refused, like the inbox's entries: its event does not come again so late.
const KEPT: i64 = 7;
/// Mails between two looks for some that can be forgotten.
const PURGE_EVERY: u64 = 1000;

/// The mails of this service.
#[derive(Clone, Debug)]
pub struct Ledger {
    database: Database,
    begun: Arc<AtomicU64>,
}

impl Ledger {
    /// Keeps its notes in `database`.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, begun: Arc::default() }
    }

    /// Notes that a mail is going to be sent; `false` when it was sent already.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin(&self, message_id: &str) -> anyhow::Result<bool> {
        let mut tx = self.database.begin().await?;
        let noted = sqlx::query(
            "INSERT INTO mails (message_id, attempts, begun_at) VALUES ($1, 1, $2) \
             ON CONFLICT (message_id) DO UPDATE SET attempts = mails.attempts + 1 WHERE mails.sent_at IS NULL",
        )
        .bind(message_id)
        .bind(now())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if self.begun.fetch_add(1, Ordering::Relaxed).is_multiple_of(PURGE_EVERY) {
            sqlx::query("DELETE FROM mails WHERE begun_at < $1")
                .bind(timestamp(chrono::Utc::now() - chrono::Duration::days(KEPT)))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(noted > 0)
    }

    /// Notes that the mail server took a mail.
    ///
    /// # Errors
    /// When the database refuses; the mail is sent again then.
    pub async fn sent(&self, message_id: &str) -> anyhow::Result<()> {
        let mut tx = self.database.begin().await?;
        sqlx::query("UPDATE mails SET sent_at = $2 WHERE message_id = $1")
            .bind(message_id)
            .bind(now())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
