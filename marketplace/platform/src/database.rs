//! One database per service: SQLite in a file now, PostgreSQL by URL later, behind portable SQL.
//!
//! Portable means: placeholders `$1`, `ON CONFLICT`, ids and times in TEXT (RFC 3339, so that text order is time order),
//! money in BIGINT, yes and no in BIGINT 0 and 1.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::{Any, AnyConnection, AnyPool, SqlSafeStr as _, Transaction};
pub use telemetry::db::sqlx::Observed;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

use crate::env::Env;

/// Connections of one service; SQLite writes one at a time anyway.
const CONNECTIONS: u32 = 5;

/// How long a statement waits for a connection, for the write lock, or for another process's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// One step of a schema, in the order of `version`; platform's own versions are above 9000.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Order and identity.
    pub version: i64,
    /// What it does, in a few words.
    pub description: &'static str,
    /// Statements, usually from `include_str!`.
    pub sql: &'static str,
}

impl Migration {
    /// A step of a service's schema.
    #[must_use]
    pub const fn new(version: i64, description: &'static str, sql: &'static str) -> Self {
        Self { version, description, sql }
    }
}

/// The tables of outbox, inbox and idempotency keys.
const PLATFORM: &[Migration] =
    &[Migration::new(9001, "outbox, inbox and idempotency keys", include_str!("../migrations/9001_messaging.sql"))];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

/// Connections for reads; each query takes one, is measured, and is a span below that of whom it is for.
pub type Pool = Observed<AnyPool>;

/// What leads to one connection: one that was taken from the [`Pool`], or the one of a [`Tx`].
///
/// What a store offers takes `&mut Observed<impl Connected>`, so that it can be part of a transaction and each of its
/// queries is measured; a bare `AnyConnection` would hide them.
///
/// # Examples
///
/// ```
/// use platform::{Connected, Observed};
///
/// async fn count(db: &mut Observed<impl Connected>) -> Result<i64, sqlx::Error> {
///     let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM lamps").fetch_one(db).await?;
///     Ok(count)
/// }
/// ```
pub trait Connected: DerefMut<Target = AnyConnection> + Debug + Send {}

impl<T: DerefMut<Target = AnyConnection> + Debug + Send> Connected for T {}

/// A service's database.
///
/// # Examples
///
/// ```no_run
/// use platform::{Database, Migration};
///
/// # async fn run() -> Result<(), sqlx::Error> {
/// const SCHEMA: &[Migration] = &[Migration::new(1, "lamps", "CREATE TABLE lamps (id TEXT PRIMARY KEY)")];
/// let database = Database::open("sqlite:///tmp/house.db", SCHEMA).await?;
/// let mut tx = database.begin().await?;
/// sqlx::query("INSERT INTO lamps (id) VALUES ($1)").bind("lamp-1").execute(&mut *tx).await?;
/// tx.commit().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    backend: Backend,
    writer: Arc<Mutex<()>>,
    outbox: Arc<Notify>,
}

/// A write transaction; dropped without [`commit`](Self::commit), it rolls back.
#[derive(Debug)]
pub struct Tx {
    inner: Observed<Transaction<'static, Any>>,
    outbox: Arc<Notify>,
    emitted: bool,
    // After `inner`: the next writer starts when this transaction has ended.
    _writer: Option<OwnedMutexGuard<()>>,
}

impl Database {
    /// Opens `url` (creating an SQLite file when there is none) and applies the platform's and the service's schema.
    ///
    /// # Errors
    ///
    /// Fails when the database cannot be reached or a migration fails.
    pub async fn open(url: &str, migrations: &[Migration]) -> Result<Self, sqlx::Error> {
        let database = Self::connect(url).await?;
        let all = PLATFORM.iter().chain(migrations).map(|step| {
            sqlx::migrate::Migration::new(
                step.version,
                step.description.into(),
                MigrationType::Simple,
                step.sql.into_sql_str(),
                false,
            )
        });
        Migrator::with_migrations(all.collect()).run(database.pool.inner()).await?;
        Ok(database)
    }

    async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let backend = if url.starts_with("sqlite:") { Backend::Sqlite } else { Backend::Postgres };
        let mut url = url.to_owned();
        if backend == Backend::Sqlite && !url.contains("mode=") {
            url.push_str(if url.contains('?') { "&mode=rwc" } else { "?mode=rwc" });
        }
        let options = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if backend == Backend::Sqlite {
                        // NORMAL loses nothing when the process dies, only when the machine does.
                        for pragma in [
                            "PRAGMA busy_timeout = 5000",
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = NORMAL",
                            "PRAGMA foreign_keys = ON",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            });
        let system = if backend == Backend::Sqlite { "sqlite" } else { "postgresql" };
        // The relay and its upkeep ask twice a second; only what belongs to something becomes a span.
        let pool = Observed::pool("service", options.connect(&url).await?).system(system).only_below_spans();
        Ok(Self { pool, backend, writer: Arc::default(), outbox: Arc::default() })
    }

    /// Connections for reads that need no transaction.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Starts a write transaction. With SQLite, writers queue here instead of failing on each other's locks.
    ///
    /// # Errors
    ///
    /// Fails when no connection, or not the write lock, is free within 5 s.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        let (writer, statement) = match self.backend {
            Backend::Sqlite => {
                let lock = tokio::time::timeout(PATIENCE, Arc::clone(&self.writer).lock_owned()).await;
                (Some(lock.map_err(|_| sqlx::Error::PoolTimedOut)?), "BEGIN IMMEDIATE")
            }
            Backend::Postgres => (None, "BEGIN"),
        };
        let inner = self.pool.begin_with(statement).await?;
        Ok(Tx { inner, outbox: Arc::clone(&self.outbox), emitted: false, _writer: writer })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// Says why it does not.
    pub async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(drop)
    }

    /// Woken when a transaction with events has committed.
    pub(crate) fn outbox_signal(&self) -> &Notify {
        &self.outbox
    }
}

impl Tx {
    /// Makes everything in this transaction lasting, and wakes the outbox relay when it holds events.
    ///
    /// # Errors
    ///
    /// Fails when the database refuses; then nothing of it happened.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.inner.commit().await?;
        if self.emitted {
            self.outbox.notify_one();
        }
        Ok(())
    }

    /// Undoes everything in this transaction.
    ///
    /// # Errors
    ///
    /// Fails when the connection is gone, which undoes it as well.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.inner.rollback().await
    }

    pub(crate) fn mark_emitted(&mut self) {
        self.emitted = true;
    }
}

impl Deref for Tx {
    type Target = Observed<Transaction<'static, Any>>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

/// `url` without its password, for messages.
pub(crate) fn shown(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => match parsed.set_password(Some("***")) {
            Ok(()) => parsed.to_string(),
            Err(()) => "***".to_owned(),
        },
        _ => url.to_owned(),
    }
}

impl Env {
    /// The URL of a database.
    pub(crate) fn url_of_database(&self, name: &str) -> String {
        let expected = "expected a URL such as `sqlite:///var/lib/order.db` or `postgres://user@host/order`";
        match self.optional(name) {
            None => self.problem(format!("`{name}` is not set: {expected}")),
            Some(url) if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) => url,
            Some(url) => self.problem(format!("`{name}` is `{}`: {expected}", shown(&url))),
        }
    }
}
