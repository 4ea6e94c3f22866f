//! A consumer's own database for the length of one test.

use platform::{Database, HandlerError, Migration, Tx};
use tempfile::TempDir;

pub(crate) struct Inbox {
    database: Database,
    _dir: TempDir,
}

impl Inbox {
    pub(crate) async fn open(schema: &'static [Migration]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let database = Database::open(&format!("sqlite://{}/inbox.db", dir.path().display()), schema).await?;
        Ok(Self { database, _dir: dir })
    }

    pub(crate) async fn begin(&self) -> anyhow::Result<Tx> {
        Ok(self.database.begin().await?)
    }

    /// The one number that `sql` finds for `id`.
    pub(crate) async fn number(&self, sql: &'static str, id: &str) -> anyhow::Result<i64> {
        let (number,) = sqlx::query_as(sql).bind(id).fetch_one(self.database.pool()).await?;
        Ok(number)
    }
}

/// A handler's refusal as an error with its reason.
pub(crate) fn handled(result: Result<(), HandlerError>) -> anyhow::Result<()> {
    result.map_err(|error| anyhow::anyhow!("{error}"))
}
