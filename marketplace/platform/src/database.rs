//! One database per service, chosen by URL: SQLite in a file, or PostgreSQL, behind portable SQL.
//!
//! Portable means: placeholders `$1`, `ON CONFLICT`, ids and times in TEXT (RFC 3339, so that text order is time order),
//! money in BIGINT, yes and no in BIGINT 0 and 1. What only one of them can do has a [`Migration::per_backend`], and
//! [`Backend::of`] to tell which it is.
//!
//! SQLite has one writer at a time, PostgreSQL many, each of which sees what others commit meanwhile. So whoever reads
//! in order to write takes [`Tx::lock`] on what it is about before it reads; a statement that does both, such as
//! `SET count = count + 1`, needs none. Locks are taken in one order: first of a request's key, then of what it changes,
//! and that of the outbox at the end, by [`Tx::commit`].

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, SqlSafeStr as _, Transaction};
pub use telemetry::db::sqlx::Observed;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

use crate::env::Env;
use crate::outbox::{self, Stored};

/// How long a statement waits for a connection, for the write lock, or for another process's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may have been idle and still be taken to be alive. Asking costs a round trip each time.
const IDLE: Duration = Duration::from_millis(500);

/// One step of a schema, in the order of `version`; platform's own versions are above 9000.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Order and identity.
    pub version: i64,
    /// What it does, in a few words.
    pub description: &'static str,
    /// Statements for SQLite, usually from `include_str!`.
    pub sqlite: &'static str,
    /// Statements for PostgreSQL.
    pub postgres: &'static str,
}

impl Migration {
    /// A step of a service's schema, in SQL that both databases take.
    #[must_use]
    pub const fn new(version: i64, description: &'static str, sql: &'static str) -> Self {
        Self { version, description, sqlite: sql, postgres: sql }
    }

    /// A step that each database takes in its own words.
    #[must_use]
    pub const fn per_backend(
        version: i64,
        description: &'static str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Self {
        Self { version, description, sqlite, postgres }
    }
}

/// The tables of outbox, inbox and idempotency keys.
const PLATFORM: &[Migration] = &[
    Migration::new(9001, "outbox, inbox and idempotency keys", include_str!("../migrations/9001_messaging.sql")),
    Migration::per_backend(
        9002,
        "locking and storing an event in one step",
        "SELECT 1",
        include_str!("../migrations/9002_store_event.postgres.sql"),
    ),
    Migration::new(9003, "repeated deliveries", include_str!("../migrations/9003_repeats.sql")),
];

/// Which database a URL leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file of this machine, with one writer at a time.
    Sqlite,
    /// A server, with many writers.
    Postgres,
}

impl Backend {
    /// Which database a connection leads to, for the few statements that only one of them takes.
    #[must_use]
    pub fn of(connection: &Observed<impl Connected>) -> Self {
        if connection.backend_name() == "SQLite" { Self::Sqlite } else { Self::Postgres }
    }

    fn of_url(url: &str) -> Self {
        if url.starts_with("sqlite:") { Self::Sqlite } else { Self::Postgres }
    }

    /// Connections of one service. SQLite writes one at a time anyway; of PostgreSQL's usual hundred, each of the services
    /// may take this many.
    fn connections(self) -> u32 {
        match self {
            Self::Sqlite => 5,
            Self::Postgres => 10,
        }
    }

    /// What each connection is told first.
    fn settings(self) -> &'static [&'static str] {
        match self {
            // NORMAL loses nothing when the process dies, only when the machine does.
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = NORMAL",
                "PRAGMA foreign_keys = ON",
            ],
            // The same patience as with SQLite's write lock.
            Self::Postgres => &["SET lock_timeout = '5s'"],
        }
    }

    /// How a write transaction starts: what is said here about PostgreSQL holds at this level.
    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    /// Its name in telemetry.
    fn system(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
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
    backend: Backend,
    outbox: Arc<Notify>,
    events: Vec<Stored>,
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
                match database.backend {
                    Backend::Sqlite => step.sqlite,
                    Backend::Postgres => step.postgres,
                }
                .into_sql_str(),
                false,
            )
        });
        Migrator::with_migrations(all.collect()).run(database.pool.inner()).await?;
        Ok(database)
    }

    async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let backend = Backend::of_url(url);
        let mut url = url.to_owned();
        if backend == Backend::Sqlite && !url.contains("mode=") {
            url.push_str(if url.contains('?') { "&mode=rwc" } else { "?mode=rwc" });
        }
        let options = AnyPoolOptions::new()
            .max_connections(backend.connections())
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(move |connection, meta| {
                Box::pin(async move {
                    // A server may have restarted since; a file has not. While a connection is in use its own errors tell.
                    if backend == Backend::Postgres && meta.idle_for >= IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    for setting in backend.settings() {
                        sqlx::query(*setting).execute(&mut *connection).await?;
                    }
                    Ok(())
                })
            });
        // The relay and its upkeep ask twice a second; only what belongs to something becomes a span.
        let pool = Observed::pool("service", options.connect(&url).await?).system(backend.system()).only_below_spans();
        Ok(Self { pool, backend, writer: Arc::default(), outbox: Arc::default() })
    }

    /// Connections for reads that need no transaction.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Starts a write transaction. With SQLite, writers queue here instead of failing on each other's locks.
    ///
    /// # Errors
    ///
    /// Fails when no connection, or not the write lock, is free within 5 s.
    pub async fn begin(&self) -> Result<Tx, sqlx::Error> {
        let writer = match self.backend {
            Backend::Sqlite => {
                let lock = tokio::time::timeout(PATIENCE, Arc::clone(&self.writer).lock_owned()).await;
                Some(lock.map_err(|_| sqlx::Error::PoolTimedOut)?)
            }
            Backend::Postgres => None,
        };
        let inner = self.pool.begin_with(self.backend.begin()).await?;
        let (backend, outbox) = (self.backend, Arc::clone(&self.outbox));
        Ok(Tx { inner, backend, outbox, events: Vec::new(), _writer: writer })
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
    /// Waits until no other transaction holds `name`, and holds it until this one ends: what is read about it after this
    /// is what was committed last, and stays so.
    ///
    /// With SQLite this transaction holds the only write lock already.
    ///
    /// # Errors
    ///
    /// Fails when the other does not end within 5 s.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(database: platform::Database) -> Result<(), sqlx::Error> {
    /// let mut tx = database.begin().await?;
    /// tx.lock("lamp lamp-1").await?;
    /// let (lit,): (i64,) = sqlx::query_as("SELECT lit FROM lamps WHERE id = 'lamp-1'").fetch_one(&mut **tx).await?;
    /// if lit == 0 {
    ///     sqlx::query("UPDATE lamps SET lit = 1 WHERE id = 'lamp-1'").execute(&mut **tx).await?;
    /// }
    /// tx.commit().await
    /// # }
    /// ```
    pub async fn lock(&mut self, name: &str) -> Result<(), sqlx::Error> {
        if self.backend == Backend::Postgres {
            let statement = "SELECT pg_advisory_xact_lock($1)";
            sqlx::query(statement).bind(lock_number(name)).execute(&mut *self.inner).await?;
        }
        Ok(())
    }

    /// Makes everything in this transaction lasting, its events included, and wakes the outbox relay when it has any.
    ///
    /// # Errors
    ///
    /// Fails when the database refuses; then nothing of it happened.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        let events = std::mem::take(&mut self.events);
        let emitted = !events.is_empty();
        if emitted {
            outbox::store(&mut self, events).await?;
        }
        self.inner.commit().await?;
        if emitted {
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

    /// Keeps an event for the end of this transaction.
    pub(crate) fn keep(&mut self, event: Stored) {
        self.events.push(event);
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

/// PostgreSQL's locks have numbers. Two names with the same one would wait for each other, no more.
pub(crate) fn lock_number(name: &str) -> i64 {
    let digest = Sha256::digest(name);
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
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
