//! Pools: connections taken with their wait measured, and how many there are.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Instant;

use futures_core::Stream;
use futures_core::stream::BoxStream;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, ObservableUpDownCounter};
use sqlx::pool::PoolConnection;
use sqlx::{Database, Error, Executor, Pool, SqlSafeStr, SqlStr, Transaction};
use tokio::sync::mpsc;

use super::executor::Item;
use super::observed::Observed;
use super::peeked::Peeked;
use super::run::finished;
use crate::db::query::Waited;
use crate::late::{Late, duration};
use crate::metrics::Histogram;
use crate::readings::{Observe, Reading, Readings};

/// What pools report.
struct Instruments {
    counts: Readings,
    maxima: Readings,
    pending: Readings,
    wait: Histogram,
    _levels: [ObservableUpDownCounter<f64>; 3],
}

static INSTRUMENTS: Late<Instruments> = Late::new(|meter| {
    let (counts, maxima, pending) = (Readings::default(), Readings::default(), Readings::default());
    Instruments {
        _levels: [
            level(meter, "db.client.connection.count", "{connection}", "Connections by what they are doing", &counts),
            level(meter, "db.client.connection.max", "{connection}", "Most connections there may be", &maxima),
            level(meter, "db.client.connection.pending_requests", "{request}", "Waiting for a connection", &pending),
        ],
        counts,
        maxima,
        pending,
        wait: duration(meter, "db.client.connection.wait_time", "Time until a connection was free"),
    }
});

fn level(
    meter: &Meter,
    name: &'static str,
    unit: &'static str,
    what: &'static str,
    readings: &Readings,
) -> ObservableUpDownCounter<f64> {
    let readings = readings.clone();
    let level = meter.f64_observable_up_down_counter(name).with_unit(unit).with_description(what);
    level.with_callback(move |observer| readings.observe(observer)).build()
}

/// What is reported of one pool, for as long as it, or a connection of it, is there.
pub(super) struct Gauges {
    pool: Arc<str>,
    pending: Arc<AtomicI64>,
    _readings: [Arc<Reading>; 3],
}

impl Gauges {
    fn new<DB: Database>(name: &str, pool: &Pool<DB>) -> Arc<Self> {
        let name: Arc<str> = name.into();
        let named = KeyValue::new("db.client.connection.pool.name", Arc::clone(&name));
        let state = |state: &'static str| [named.clone(), KeyValue::new("db.client.connection.state", state)];
        let (idle, used) = (state("idle"), state("used"));
        let pending = Arc::new(AtomicI64::new(0));
        // A reading holds the pool, and whoever observes the pool the reading: not the other way round.
        let (counted, limited, waiting) = (pool.clone(), pool.clone(), Arc::clone(&pending));
        let (of_limit, of_waiting) = ([named.clone()], [named.clone()]);
        let counts: Arc<Reading> = Arc::new(move |observe: Observe<'_>| {
            let free = counted.num_idle() as f64;
            observe(free, &idle);
            // The two are read one after the other.
            observe((f64::from(counted.size()) - free).max(0.0), &used);
        });
        let maxima: Arc<Reading> =
            Arc::new(move |observe| observe(f64::from(limited.options().get_max_connections()), &of_limit));
        let pendings: Arc<Reading> =
            Arc::new(move |observe| observe(waiting.load(Ordering::Relaxed) as f64, &of_waiting));
        let instruments = INSTRUMENTS.get();
        instruments.counts.add(&counts);
        instruments.maxima.add(&maxima);
        instruments.pending.add(&pendings);
        Arc::new(Self { pool: name, pending, _readings: [counts, maxima, pendings] })
    }
}

impl<DB: Database> Observed<Pool<DB>> {
    /// A pool that is observed under `name`; take it after [`crate::init`].
    ///
    /// While it, or a connection of it, is there, it reports the levels `db.client.connection.count` by
    /// `db.client.connection.state` (`idle`, `used`), `db.client.connection.max` and
    /// `db.client.connection.pending_requests`, and how long each request waited as `db.client.connection.wait_time` (s).
    pub fn pool(name: &str, pool: Pool<DB>) -> Self {
        let gauges = Gauges::new(name, &pool);
        let mut observed = Self::new(pool);
        observed.known.gauges = Some(gauges);
        observed
    }

    /// Takes a connection.
    ///
    /// # Errors
    ///
    /// As `sqlx::Pool::acquire`.
    pub async fn acquire(&self) -> Result<Observed<PoolConnection<DB>>, Error> {
        Ok(Observed::with(self.connection(&Waited::default()).await?, self.known.clone()))
    }

    /// Begins a transaction: span `BEGIN`.
    ///
    /// # Errors
    ///
    /// As `sqlx::Pool::begin`.
    pub async fn begin(&self) -> Result<Observed<Transaction<'static, DB>>, Error> {
        self.begun("BEGIN", None).await
    }

    /// Begins a transaction with a statement of the database's own, such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    ///
    /// As `sqlx::Pool::begin_with`.
    pub async fn begin_with(&self, statement: impl SqlSafeStr) -> Result<Observed<Transaction<'static, DB>>, Error> {
        let statement = statement.into_sql_str();
        self.begun(statement.clone().as_str(), Some(statement)).await
    }

    async fn begun(&self, shown: &str, statement: Option<SqlStr>) -> Result<Observed<Transaction<'static, DB>>, Error> {
        let mut work = self.known.query::<DB>(shown).start();
        let waited = work.report.waits();
        let begun = async {
            let connection = self.connection(&waited).await?;
            Transaction::begin(connection, statement).await
        };
        Ok(Observed::with(finished(work, begun).await?, self.known.clone()))
    }

    /// A connection, with the wait for it measured and told to `waited`; dropped waiting, it waits no more.
    pub(super) async fn connection(&self, waited: &Waited) -> Result<PoolConnection<DB>, Error> {
        let _waiting = Waiting::start(self.known.gauges.as_deref(), waited);
        self.inner.acquire().await
    }

    /// The items of a query that has a connection for itself. The stream of sqlx borrows the connection, so both live in
    /// a future, which hands the items out.
    pub(super) fn stream<'e>(&'e self, query: Peeked<DB>, waited: Waited) -> BoxStream<'e, Item<DB>>
    where
        for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    {
        let (sender, items) = mpsc::channel(1);
        let source = async move {
            let mut connection = match self.connection(&waited).await {
                Ok(connection) => connection,
                Err(error) => return drop(sender.send(Err(error)).await),
            };
            let mut stream = pin!(connection.fetch_many(query));
            while let Some(item) = poll_fn(|poller| stream.as_mut().poll_next(poller)).await {
                if sender.send(item).await.is_err() {
                    return;
                }
            }
        };
        Box::pin(Handed { source: Some(Box::pin(source)), items })
    }
}

/// Items of a channel, as the future that feeds it makes them.
struct Handed<'e, T> {
    source: Option<Pin<Box<dyn Future<Output = ()> + Send + 'e>>>,
    items: mpsc::Receiver<T>,
}

impl<T> Stream for Handed<'_, T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, poller: &mut std::task::Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        // Twice: the source may stop at the full channel, which the first item leaves room in.
        if let Poll::Ready(Some(item)) = this.items.poll_recv(poller) {
            return Poll::Ready(Some(item));
        }
        if let Some(source) = &mut this.source
            && source.as_mut().poll(poller).is_ready()
        {
            this.source = None;
        }
        this.items.poll_recv(poller)
    }
}

/// Somebody who waits for a connection.
struct Waiting<'g> {
    gauges: Option<&'g Gauges>,
    waited: &'g Waited,
    since: Instant,
}

impl<'g> Waiting<'g> {
    fn start(gauges: Option<&'g Gauges>, waited: &'g Waited) -> Self {
        if let Some(gauges) = gauges {
            gauges.pending.fetch_add(1, Ordering::Relaxed);
        }
        Self { gauges, waited, since: Instant::now() }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waited = self.since.elapsed();
        self.waited.set(waited);
        if let Some(gauges) = self.gauges {
            gauges.pending.fetch_sub(1, Ordering::Relaxed);
            let named = [KeyValue::new("db.client.connection.pool.name", Arc::clone(&gauges.pool))];
            INSTRUMENTS.get().wait.record(waited.as_secs_f64(), &named);
        }
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gauges").field("pool", &self.pool).finish_non_exhaustive()
    }
}
