//! The executors.

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx::{Connection, Database, Either, Error, Execute, Executor, Pool, SqlStr};

use super::observed::Observed;
use super::peeked::Peeked;
use super::run::{Rows, found};
use crate::db::query::Waited;

/// What a stream of results gives.
pub(super) type Item<DB> = Result<Either<<DB as Database>::QueryResult, <DB as Database>::Row>, Error>;
type Found<DB> = Result<Option<<DB as Database>::Row>, Error>;
type Prepared<DB> = Result<<DB as Database>::Statement, Error>;

/// The database of what `T` leads to.
type Of<T> = <<T as Deref>::Target as Connection>::Database;

impl<'c, E: Executor<'c>> Executor<'c> for Observed<E> {
    type Database = E::Database;

    fn fetch_many<'e, 'q: 'e, Q>(self, query: Q) -> BoxStream<'e, Item<E::Database>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, E::Database>,
    {
        let query = Peeked::new(query);
        let work = self.known.query::<E::Database>(query.sql.as_str()).start();
        Box::pin(Rows::new(work, self.inner.fetch_many(query)))
    }

    fn fetch_optional<'e, 'q: 'e, Q>(self, query: Q) -> BoxFuture<'e, Found<E::Database>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, E::Database>,
    {
        let query = Peeked::new(query);
        let observed = self.known.query::<E::Database>(query.sql.as_str());
        let fetched = self.inner.fetch_optional(query);
        Box::pin(async move { found(observed.start(), fetched).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [<E::Database as Database>::TypeInfo],
    ) -> BoxFuture<'e, Prepared<E::Database>>
    where
        'c: 'e,
    {
        self.inner.prepare_with(sql, parameters)
    }

    #[cfg(feature = "sqlx-macros")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<E::Database>, Error>>
    where
        'c: 'e,
    {
        self.inner.describe(sql)
    }
}

/// A connection of a pool, a transaction, or a `&mut` to any connection.
impl<'c, T> Executor<'c> for &'c mut Observed<T>
where
    T: DerefMut<Target: Connection> + Debug + Send,
    &'c mut T::Target: Executor<'c, Database = Of<T>>,
{
    type Database = Of<T>;

    fn fetch_many<'e, 'q: 'e, Q>(self, query: Q) -> BoxStream<'e, Item<Of<T>>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, Of<T>>,
    {
        Observed::with(&mut *self.inner, self.known.clone()).fetch_many(query)
    }

    fn fetch_optional<'e, 'q: 'e, Q>(self, query: Q) -> BoxFuture<'e, Found<Of<T>>>
    where
        'c: 'e,
        Q: 'q + Execute<'q, Of<T>>,
    {
        Observed::with(&mut *self.inner, self.known.clone()).fetch_optional(query)
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [<Of<T> as Database>::TypeInfo],
    ) -> BoxFuture<'e, Prepared<Of<T>>>
    where
        'c: 'e,
    {
        (&mut *self.inner).prepare_with(sql, parameters)
    }

    #[cfg(feature = "sqlx-macros")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<Of<T>>, Error>>
    where
        'c: 'e,
    {
        (&mut *self.inner).describe(sql)
    }
}

/// Each query takes a connection for itself.
impl<'p, DB> Executor<'p> for &'p Observed<Pool<DB>>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, Q>(self, query: Q) -> BoxStream<'e, Item<DB>>
    where
        'p: 'e,
        Q: 'q + Execute<'q, DB>,
    {
        let query = Peeked::new(query);
        let mut work = self.known.query::<DB>(query.sql.as_str()).start();
        let waited = work.report.waits();
        Box::pin(Rows::new(work, self.stream(query, waited)))
    }

    fn fetch_optional<'e, 'q: 'e, Q>(self, query: Q) -> BoxFuture<'e, Found<DB>>
    where
        'p: 'e,
        Q: 'q + Execute<'q, DB>,
    {
        let query = Peeked::new(query);
        let observed = self.known.query::<DB>(query.sql.as_str());
        Box::pin(async move {
            let mut work = observed.start();
            let waited = work.report.waits();
            let fetched = async move {
                let mut connection = self.connection(&waited).await?;
                connection.fetch_optional(query).await
            };
            found(work, fetched).await
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [DB::TypeInfo]) -> BoxFuture<'e, Prepared<DB>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut connection = self.connection(&Waited::default()).await?;
            connection.prepare_with(sql, parameters).await
        })
    }

    #[cfg(feature = "sqlx-macros")]
    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<DB>, Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut connection = self.connection(&Waited::default()).await?;
            connection.describe(sql).await
        })
    }
}
