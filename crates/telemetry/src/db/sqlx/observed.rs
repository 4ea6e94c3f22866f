//! Something that executes queries, and what is known about the database behind it.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::{Database, Transaction};

use super::pool::Gauges;
use super::run::told;
use crate::db::Query;

/// An executor of sqlx that opens a span for each query; see [`Query`] for what it says.
///
/// * `&Observed<Pool<_>>`, from [`Observed::pool`], takes a connection per query;
/// * `&mut Observed<PoolConnection<_>>` and `&mut Observed<Transaction<_>>` come from such a pool;
/// * `Observed<&mut Connection>`, from [`Observed::new`], is any executor of sqlx, used once.
///
/// All of them can be given to the methods of `sqlx::query` and its relatives. Errors are typed (`unique_violation`,
/// `pool_timed_out`, `row_not_found`, a SQLSTATE, ...) and their texts left out, because they may show values.
#[derive(Clone)]
pub struct Observed<E> {
    pub(super) inner: E,
    pub(super) known: Known,
}

/// What is known about the database.
#[derive(Clone)]
pub(super) struct Known {
    system: Option<Cow<'static, str>>,
    namespace: Option<Cow<'static, str>>,
    server: Option<(Cow<'static, str>, u16)>,
    below_spans: bool,
    /// Of the pool, when it is one or comes from one.
    pub(super) gauges: Option<Arc<Gauges>>,
}

impl<E> Observed<E> {
    /// Any executor of sqlx, such as `&mut connection` or `&mut *transaction`.
    pub fn new(executor: E) -> Self {
        Self::with(executor, Known { system: None, namespace: None, server: None, below_spans: false, gauges: None })
    }

    pub(super) fn with(inner: E, known: Known) -> Self {
        Self { inner, known }
    }

    /// Sets `db.system.name`; needed only with sqlx's `Any`, which does not tell which database it is.
    #[must_use]
    pub fn system(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.known.system = Some(name.into());
        self
    }

    /// Sets `db.namespace`, the database's name.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.known.namespace = Some(name.into());
        self
    }

    /// Sets `server.address` and `server.port`.
    #[must_use]
    pub fn server(mut self, address: impl Into<Cow<'static, str>>, port: u16) -> Self {
        self.known.server = Some((address.into(), port));
        self
    }

    /// Opens spans only below other ones; see [`Query::only_below_spans`].
    #[must_use]
    pub fn only_below_spans(mut self) -> Self {
        self.known.below_spans = true;
        self
    }

    /// What is observed; what it executes itself is not.
    pub fn inner(&self) -> &E {
        &self.inner
    }

    /// What is observed; what it executes itself is not.
    pub fn into_inner(self) -> E {
        self.inner
    }
}

/// Commits and rolls back as the transaction does, each in a span of its own; dropped, it rolls back.
impl<DB: Database> Observed<Transaction<'_, DB>> {
    /// Makes what was done lasting: span `COMMIT`.
    ///
    /// # Errors
    ///
    /// As `sqlx::Transaction::commit`.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.known.query::<DB>("COMMIT").run(told(self.inner.commit())).await.0
    }

    /// Undoes what was done: span `ROLLBACK`.
    ///
    /// # Errors
    ///
    /// As `sqlx::Transaction::rollback`.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.known.query::<DB>("ROLLBACK").run(told(self.inner.rollback())).await.0
    }
}

impl Known {
    pub(super) fn query<DB: Database>(&self, statement: &str) -> Query {
        let mut query = Query::new(self.system.clone().unwrap_or_else(|| system(DB::NAME).into()), statement);
        if let Some(name) = &self.namespace {
            query = query.namespace(name.clone());
        }
        if let Some((address, port)) = &self.server {
            query = query.server(address.clone(), *port);
        }
        if self.below_spans { query.only_below_spans() } else { query }
    }
}

/// The conventions' name for what sqlx calls the database.
fn system(name: &'static str) -> &'static str {
    match name {
        "PostgreSQL" => "postgresql",
        "MySQL" => "mysql",
        "SQLite" => "sqlite",
        _ => "other_sql",
    }
}

/// The connection inside, for what no executor does; it is not observed.
impl<T: Deref> Deref for Observed<T> {
    type Target = T::Target;

    fn deref(&self) -> &T::Target {
        &self.inner
    }
}

impl<T: DerefMut> DerefMut for Observed<T> {
    fn deref_mut(&mut self) -> &mut T::Target {
        &mut self.inner
    }
}

impl<E: fmt::Debug> fmt::Debug for Observed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.inner).finish()
    }
}
