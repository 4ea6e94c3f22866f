//! One query: what is known of it before, its span, and its measurements.

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::context::FutureExt;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::summary::Summary;
use crate::late::Late;
use crate::metrics::{Histogram, histogram, with_attributes};
use crate::span::Outcome;
use crate::work::{Failure, Report, Work, open};

/// Bounds the conventions recommend for operations of databases, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0];

/// Of the span's time, in seconds, what was spent waiting for a connection of the pool.
const WAIT: &str = "app.db.client.connection.wait_time";

static DURATION: Late<Histogram> = Late::new(|meter| {
    histogram("db.client.operation.duration", "s", "Time until the database answered").bounds(BOUNDS).build_on(meter)
});

/// A query to be observed: CLIENT span `{operation} {table}` and `db.client.operation.duration` (s), which is that of the span
/// without the wait for a connection of a pool.
///
/// The span has `db.system.name`, `db.operation.name`, `db.collection.name`, `db.query.summary` and `db.query.text`, in
/// which each value is a `?`, each list of values is `(?)`, and which has at most 1024 bytes. Statements are analysed once;
/// the results of the latest 1024 are remembered.
///
/// # Examples
///
/// ```
/// use telemetry::db::Query;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let query = Query::new("postgresql", "SELECT title FROM gigs WHERE price < 100");
/// assert_eq!(query.summary(), "SELECT gigs");
/// assert_eq!(query.text(), "SELECT title FROM gigs WHERE price < ?");
/// let titles = query.rows(async { Ok::<_, std::io::Error>(vec!["a logo"]) }, |titles| titles.len() as u64).await;
/// # titles.unwrap();
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it opens no span until it runs something"]
pub struct Query {
    system: Cow<'static, str>,
    summary: Arc<Summary>,
    namespace: Option<Cow<'static, str>>,
    server: Option<(Cow<'static, str>, u16)>,
    below_spans: bool,
}

impl Query {
    /// A query of a `system`, which is a `db.system.name` of the conventions, such as `postgresql`, `sqlite` or `mysql`.
    ///
    /// The notation of strings and names depends on it; of an unknown system, rather too much is taken for a value.
    pub fn new(system: impl Into<Cow<'static, str>>, statement: &str) -> Self {
        let system = system.into();
        let summary = Summary::of(&system, statement);
        Self { system, summary, namespace: None, server: None, below_spans: false }
    }

    /// The database's name: `db.namespace`.
    pub fn namespace(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Where the database is: `server.address` and `server.port`.
    pub fn server(mut self, address: impl Into<Cow<'static, str>>, port: u16) -> Self {
        self.server = Some((address.into(), port));
        self
    }

    /// Opens a span only below another one: a query that nobody asked for, such as that of a poll, would be a trace of its
    /// own each time. It is measured either way.
    pub fn only_below_spans(mut self) -> Self {
        self.below_spans = true;
        self
    }

    /// The command and the tables: `db.query.summary`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary.summary
    }

    /// The statement without values: `db.query.text`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.summary.text
    }

    /// Runs `future` inside the span. Dropped or panicking, it is recorded as such.
    ///
    /// Of an error only the type is told: what a database says of a violated constraint often shows values.
    pub async fn run<F>(self, future: F) -> F::Output
    where
        F: Future,
        F::Output: Outcome,
    {
        let work = self.start();
        let output = future.with_context(work.context.clone()).await;
        work.finish(without_text(output.failure()));
        output
    }

    /// The same for a query that returns rows, which `count` counts: `db.response.returned_rows`.
    pub async fn rows<F, T, E>(self, future: F, count: impl FnOnce(&T) -> u64) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        F::Output: Outcome,
    {
        let work = self.start();
        let output = future.with_context(work.context.clone()).await;
        if let Ok(found) = &output {
            returned(&work.context, count(found));
        }
        work.finish(without_text(output.failure()));
        output
    }

    /// Opens the span.
    pub(super) fn start(self) -> Work<Measured> {
        let current = Context::current();
        if self.below_spans && !current.has_active_span() {
            return Work::without_span(current, Measured::new(self));
        }
        let name = self.summary.name.to_string();
        let opened = open(name, SpanKind::Client, current, Vec::new(), |_| {
            let mut attributes = Vec::with_capacity(9);
            self.describe(&mut attributes);
            attributes.push(KeyValue::new("db.query.summary", Arc::clone(&self.summary.summary)));
            attributes.push(KeyValue::new("db.query.text", Arc::clone(&self.summary.text)));
            attributes
        });
        Work::new(opened, Measured::new(self))
    }

    /// What span and measurements have in common.
    fn describe(&self, attributes: &mut Vec<KeyValue>) {
        attributes.push(KeyValue::new("db.system.name", self.system.clone()));
        attributes.push(KeyValue::new("db.operation.name", self.summary.operation));
        attributes
            .extend(self.summary.table.as_ref().map(|table| KeyValue::new("db.collection.name", Arc::clone(table))));
        attributes.extend(self.namespace.as_ref().map(|name| KeyValue::new("db.namespace", name.clone())));
        if let Some((address, port)) = &self.server {
            attributes.push(KeyValue::new("server.address", address.clone()));
            attributes.push(KeyValue::new("server.port", i64::from(*port)));
        }
    }
}

fn without_text(failure: Failure) -> Failure {
    failure.map(|(kind, _)| (kind, String::new()))
}

/// Sets how many rows came back.
pub(super) fn returned(context: &Context, rows: u64) {
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    context.span().set_attribute(KeyValue::new("db.response.returned_rows", rows));
}

/// How long an operation waited for a connection: no part of what the database took. Nanoseconds, and one more, so that 0 is
/// one that did not wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Waited(Arc<AtomicU64>);

/// A query whose duration is measured.
pub(super) struct Measured {
    query: Query,
    /// Of a query that takes its connection from a pool.
    waited: Option<Waited>,
}

impl Measured {
    fn new(query: Query) -> Self {
        Self { query, waited: None }
    }

    /// Where whoever takes the connection tells how long that took.
    #[cfg(feature = "sqlx")]
    pub(super) fn waits(&mut self) -> Waited {
        self.waited.get_or_insert_default().clone()
    }
}

impl Waited {
    #[cfg(feature = "sqlx")]
    pub(super) fn set(&self, waited: Duration) {
        let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos.saturating_add(1), Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        self.0.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
    }
}

impl Report for Measured {
    fn ended(&self, context: &Context, elapsed: Duration, error: Option<&Cow<'static, str>>) {
        let mut operation = elapsed;
        if let Some(waited) = self.waited.as_ref().and_then(Waited::get) {
            operation = elapsed.saturating_sub(waited);
            context.span().set_attribute(KeyValue::new(WAIT, waited.as_secs_f64()));
        }
        with_attributes(|attributes| {
            self.query.describe(attributes);
            attributes.extend(error.map(|kind| KeyValue::new("error.type", kind.clone())));
            DURATION.get().record_in(operation.as_secs_f64(), attributes, context.span().span_context());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Observe;
    use crate::testing::{capture, metric};

    #[tokio::test]
    async fn query_is_a_client_span_with_its_statement_in_short() {
        let capture = capture();
        let query = Query::new("postgresql", "SELECT a FROM query_spans WHERE b = 'eve'").server("db.internal", 5432);
        let found = query.rows(async { Ok::<_, std::fmt::Error>(vec![1, 2]) }, |rows| rows.len() as u64);
        assert_eq!(capture.run(found).await.unwrap().len(), 2);
        let failing = Query::new("postgresql", "DELETE FROM query_spans").run(async { Err::<(), _>(std::fmt::Error) });
        assert!(capture.run(failing).await.is_err());
        let mut dropped = Box::pin(capture.run(Query::new("sqlite", "COMMIT").run(std::future::pending::<()>())));
        assert!(futures_util::poll!(dropped.as_mut()).is_pending());
        drop(dropped);

        assert_eq!(
            capture.tree(),
            "client SELECT query_spans\nclient DELETE query_spans !core::fmt::Error\nclient COMMIT !cancelled\n"
        );
        let span = &capture.spans()[0];
        assert_eq!(span.attribute("db.query.text"), "SELECT a FROM query_spans WHERE b = ?");
        assert_eq!(span.attribute("db.query.summary"), "SELECT query_spans");
        assert_eq!(span.attribute("db.response.returned_rows"), "2");
        assert_eq!(span.attribute("server.port"), "5432");
        let table = ("db.collection.name", "query_spans");
        assert_eq!(metric("db.client.operation.duration", &[table, ("db.operation.name", "SELECT")]), 1.0);
        assert_eq!(metric("db.client.operation.duration", &[table, ("error.type", "core::fmt::Error")]), 1.0);
    }

    #[tokio::test]
    async fn text_of_an_error_stays_outside_of_the_span() {
        let capture = capture();
        let query = || Query::new("mysql", "INSERT INTO query_errors VALUES (?)");
        let refused = || async { Err::<(), _>("Duplicate entry 'eve' for key 'name'") };
        let _ = capture.run(query().run(refused())).await;
        let _ = capture.run(query().rows(refused(), |()| 0)).await;
        let spans = capture.spans();
        assert_eq!(spans.iter().filter(|span| span.failed && span.status_message.is_empty()).count(), 2);
        assert!(!format!("{spans:?}").contains("Duplicate"));
    }

    #[tokio::test]
    async fn poll_is_measured_and_no_trace() {
        let capture = capture();
        let poll = || Query::new("sqlite", "SELECT a FROM polled").only_below_spans().run(async {});
        capture.run(poll()).await;
        capture.run(Observe::internal("request").run(poll())).await;
        assert_eq!(capture.tree(), "internal request\n  client SELECT polled\n");
        assert_eq!(metric("db.client.operation.duration", &[("db.collection.name", "polled")]), 2.0);
    }
}
