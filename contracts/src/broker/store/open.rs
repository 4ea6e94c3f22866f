//! The database: SQLite in a file, or PostgreSQL, chosen by URL; SQL that both take, on sqlx's `Any` driver.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Any, AnyConnection, AnyPool, SqlSafeStr as _, Transaction};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

use super::reach::reach;
use crate::broker::BrokerError;

/// How long anything waits for a connection or for another writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lock under which PostgreSQL's writers take turns; SQLite has one writer anyway.
const WRITER: i64 = 7_264_219;

/// What was published, verified and deployed.
///
/// # Examples
///
/// ```
/// use contracts::broker::Store;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await?;
/// let production = store.create_environment("production", "Production", true).await?;
/// assert_eq!(store.environments().await?, [production]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    pool: AnyPool,
    sqlite: bool,
    writer: Arc<Mutex<()>>,
    news: Arc<Notify>,
}

/// A write: dropped without a commit, it never happened.
pub(in crate::broker) struct Tx {
    inner: Transaction<'static, Any>,
    // After `inner`: the next writer starts when this one has ended.
    _writer: OwnedMutexGuard<()>,
}

impl Store {
    /// Opens `url` (`sqlite://FILE`, created when it is not there, or `postgres://...`) and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or holds a newer schema.
    pub async fn open(url: &str) -> Result<Self, BrokerError> {
        sqlx::any::install_default_drivers();
        let sqlite = url.starts_with("sqlite:");
        if !sqlite && !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
            // Not the rest of it: there may be a password.
            let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
            let message = format!("`{scheme}:` leads to no database: expected `sqlite://FILE` or `postgres://...`");
            return Err(BrokerError::Invalid(message));
        }
        let mut url = url.to_owned();
        if sqlite && !url.contains("mode=") {
            url.push_str(if url.contains('?') { "&mode=rwc" } else { "?mode=rwc" });
        }
        let settings: &'static [&'static str] = if sqlite {
            &["PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA foreign_keys = ON"]
        } else {
            &["SET lock_timeout = '5s'"]
        };
        let options = AnyPoolOptions::new()
            .max_connections(if sqlite { 5 } else { 10 })
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    for setting in settings {
                        sqlx::query(*setting).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            });
        reach(&url, sqlite, PATIENCE).await?;
        let pool = options.connect(&url).await?;
        let schemas = [
            ("broker", include_str!("../../../migrations/0001_broker.sql")),
            ("withdrawn and webhooks", include_str!("../../../migrations/0002_withdrawn_and_webhooks.sql")),
        ];
        let step = |(number, (name, schema)): (i64, (&'static str, &'static str))| {
            Migration::new(number, name.into(), MigrationType::Simple, schema.into_sql_str(), false)
        };
        let steps: Vec<Migration> = (1..).zip(schemas).map(step).collect();
        Migrator::with_migrations(steps).run(&pool).await.map_err(sqlx::Error::from)?;
        Ok(Self { pool, sqlite, writer: Arc::default(), news: Arc::default() })
    }

    /// For reads.
    pub(in crate::broker) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Says that something was written that webhooks may be told of.
    pub(in crate::broker) fn tell_news(&self) {
        self.news.notify_one();
    }

    /// Waits for that; what others write into the database is not heard of here.
    pub(in crate::broker) async fn news(&self) {
        self.news.notified().await;
    }

    /// Writers take turns, so what one has read stays true until it commits.
    pub(in crate::broker) async fn begin(&self) -> Result<Tx, BrokerError> {
        let waited = tokio::time::timeout(PATIENCE, Arc::clone(&self.writer).lock_owned()).await;
        let writer = waited.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let inner = if self.sqlite {
            self.pool.begin_with("BEGIN IMMEDIATE").await?
        } else {
            let mut inner = self.pool.begin().await?;
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITER).execute(&mut *inner).await?;
            inner
        };
        Ok(Tx { inner, _writer: writer })
    }
}

impl Tx {
    pub(in crate::broker) async fn commit(self) -> Result<(), BrokerError> {
        Ok(self.inner.commit().await?)
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}
