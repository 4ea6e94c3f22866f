//! Queries of sqlx on SQLite in memory, through each of the observed executors.

use std::str::FromStr;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection, Pool, Row, Sqlite, SqliteConnection};
use telemetry::db::sqlx::Observed;
use telemetry::testing::{capture, emitted, metric};

async fn pool(name: &str, connections: u32) -> Observed<Pool<Sqlite>> {
    impatient_pool(name, connections, Duration::from_millis(50)).await
}

async fn impatient_pool(name: &str, connections: u32, patience: Duration) -> Observed<Pool<Sqlite>> {
    let options = SqliteConnectOptions::from_str("sqlite::memory:").unwrap();
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience)
        .connect_with(options)
        .await
        .unwrap();
    Observed::pool(name, pool)
}

#[tokio::test]
async fn queries_of_pool_transaction_and_connection_are_spans() {
    let capture = capture();
    let pool = pool("observed", 1).await;
    let done = async {
        sqlx::query("CREATE TABLE lamps (id TEXT PRIMARY KEY, lit BIGINT)").execute(&pool).await?;
        let mut tx = pool.begin().await?;
        for id in ["a", "b", "c"] {
            sqlx::query("INSERT INTO lamps VALUES ($1, $2)").bind(id).bind(1).execute(&mut tx).await?;
        }
        sqlx::query("UPDATE lamps SET lit = 0 WHERE id = 'a'").execute(Observed::new(&mut *tx)).await?;
        tx.commit().await?;
        let all = sqlx::query("SELECT id FROM lamps").fetch_all(&pool).await?;
        assert_eq!(all.len(), 3);
        let (lit,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM lamps WHERE lit = 1").fetch_one(&pool).await?;
        assert_eq!(lit, 2);
        let mut connection = pool.acquire().await?;
        let none = sqlx::query("SELECT id FROM lamps WHERE id = 'secret'").fetch_optional(&mut connection).await?;
        assert!(none.is_none());
        Ok::<_, sqlx::Error>(())
    };
    capture.run(done).await.unwrap();
    assert_eq!(
        capture.tree(),
        "client CREATE lamps\nclient BEGIN\nclient INSERT lamps\nclient INSERT lamps\nclient INSERT lamps\n\
         client UPDATE lamps\nclient COMMIT\nclient SELECT lamps\nclient SELECT lamps\nclient SELECT lamps\n"
    );
    let spans = capture.spans();
    assert_eq!(spans[7].attribute("db.response.returned_rows"), "3");
    assert_eq!(spans[9].attribute("db.response.returned_rows"), "0");
    assert_eq!(spans[9].attribute("db.query.text"), "SELECT id FROM lamps WHERE id = ?");
    assert!(spans.iter().all(|span| span.attribute("db.system.name") == "sqlite"));
    let inserts = [("db.collection.name", "lamps"), ("db.operation.name", "INSERT")];
    assert_eq!(metric("db.client.operation.duration", &inserts), 3.0);
}

#[tokio::test]
async fn failures_are_typed_and_tell_no_values() {
    let capture = capture();
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let done = async {
        let mut observed = Observed::new(&mut connection);
        sqlx::query("CREATE TABLE people (mail TEXT UNIQUE)").execute(&mut observed).await.unwrap();
        for _ in 0..2 {
            let insert = sqlx::query("INSERT INTO people VALUES ($1)").bind("eve@example.org");
            let _ = insert.execute(&mut observed).await;
        }
        sqlx::query("SELECT nothing FROM nowhere").fetch_all(&mut observed).await.unwrap_err();
    };
    capture.run(done).await;
    assert_eq!(
        capture.tree(),
        "client CREATE people\nclient INSERT people\nclient INSERT people !unique_violation\nclient SELECT nowhere !1\n"
    );
    assert!(!format!("{:?}", capture.spans()).contains("eve@"));
}

#[tokio::test]
async fn rows_are_streamed_and_a_stream_left_early_is_no_failure() {
    let capture = capture();
    let pool = pool("streamed", 1).await;
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n";
    let done = async {
        let rows = sqlx::query(numbers).fetch(&pool).map_ok(|row| row.get::<i64, _>(0));
        let all: Vec<i64> = rows.try_collect().await?;
        assert_eq!((all.len(), all[999]), (1000, 1000));
        let mut some = sqlx::query(numbers).fetch(&pool);
        assert!(some.try_next().await?.is_some());
        drop(some);
        drop(sqlx::query(numbers).fetch(&pool));
        // The connection has come back each time.
        sqlx::query("SELECT 1").execute(&pool).await.map(drop)
    };
    capture.run(done).await.unwrap();
    assert_eq!(capture.tree(), "client SELECT\nclient SELECT\nclient SELECT !cancelled\nclient SELECT\n");
    assert_eq!(capture.spans()[0].attribute("db.response.returned_rows"), "1000");
}

#[tokio::test]
async fn pool_reports_its_connections_and_who_waits() {
    let capture = capture();
    let pool = pool("gauged", 1).await;
    let named = ("db.client.connection.pool.name", "gauged");
    let held = pool.acquire().await.unwrap();
    assert_eq!(metric("db.client.connection.count", &[named, ("db.client.connection.state", "used")]), 1.0);
    assert_eq!(metric("db.client.connection.max", &[named]), 1.0);
    let mut waiting = Box::pin(capture.run(sqlx::query("SELECT 1").fetch_one(&pool)));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    assert_eq!(metric("db.client.connection.pending_requests", &[named]), 1.0);
    assert!(matches!(waiting.await, Err(sqlx::Error::PoolTimedOut)));
    assert_eq!(metric("db.client.connection.pending_requests", &[named]), 0.0);
    assert_eq!(capture.tree(), "client SELECT !pool_timed_out\n");
    drop(held);
    assert!(sqlx::query("SELECT 1").fetch_one(&pool).await.is_ok());
    assert_eq!(metric("db.client.connection.wait_time", &[named]), 3.0);
    let levels =
        emitted().metrics.into_iter().filter(|point| point.has(&[named]) && point.instrument == "updowncounter");
    let mut levels: Vec<String> = levels.map(|point| point.metric).collect();
    levels.dedup();
    levels.sort();
    assert_eq!(
        levels,
        ["db.client.connection.count", "db.client.connection.max", "db.client.connection.pending_requests"],
        "as the conventions have them"
    );
    let page = telemetry::metrics::prometheus();
    assert!(page.contains("# TYPE db_client_connection_count gauge\n"), "{page}");
    drop(pool);
    assert_eq!(metric("db.client.connection.max", &[named]), 0.0);
}

/// Count and sum, in seconds, of the operations of one database.
fn operations(namespace: &str) -> (f64, f64) {
    let page = telemetry::metrics::prometheus();
    let of = |what: &str| {
        let name = format!("db_client_operation_duration_seconds_{what}{{");
        let lines =
            page.lines().filter(|line| line.starts_with(&name) && line.contains(&format!("namespace=\"{namespace}\"")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    };
    (of("count"), of("sum"))
}

#[tokio::test]
async fn wait_for_a_connection_is_no_part_of_the_operation() {
    const WAIT: Duration = Duration::from_millis(200);
    let capture = capture();
    let refused = impatient_pool("wait-refused", 1, WAIT).await.namespace("wait_refused");
    let held = refused.acquire().await.unwrap();
    let in_vain = async {
        assert!(sqlx::query("SELECT 1").fetch_optional(&refused).await.is_err());
        assert!(sqlx::query("SELECT 2").fetch_all(&refused).await.is_err());
        assert!(refused.begin().await.is_err());
    };
    capture.run(in_vain).await;
    drop(held);
    let (count, sum) = operations("wait_refused");
    assert!(count == 3.0 && sum < WAIT.as_secs_f64(), "{count} took {sum} s");

    let served = impatient_pool("wait-served", 1, Duration::from_secs(60)).await.namespace("wait_served");
    let all = async || {
        sqlx::query("SELECT 1").fetch_optional(&served).await.unwrap();
        sqlx::query("SELECT 2").fetch_all(&served).await.unwrap();
        served.begin().await.unwrap().commit().await.unwrap();
    };
    let held = served.acquire().await.unwrap();
    let mut waiting = Box::pin(capture.run(all()));
    let start = Instant::now();
    while start.elapsed() < WAIT {
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    drop(held);
    waiting.await;
    let (count, sum) = operations("wait_served");
    assert!(count == 4.0 && sum < WAIT.as_secs_f64(), "{count} took {sum} s");

    let spans = capture.spans();
    let waits = |span: &telemetry::testing::Span| {
        let wait = span.attribute("app.db.client.connection.wait_time").parse::<f64>();
        wait.map(|seconds| seconds >= WAIT.as_secs_f64())
    };
    // The span shows what its caller saw, and how much of that was the wait. A commit has its connection.
    let waited: Vec<_> = spans.iter().map(|span| waits(span).ok()).collect();
    assert_eq!(waited, [Some(true), Some(true), Some(true), Some(true), Some(false), Some(false), None]);

    let start = Instant::now();
    let mut dropped = Box::pin(sqlx::query("SELECT 3").fetch_optional(&served));
    let held = served.acquire().await.unwrap();
    assert!(futures_util::poll!(dropped.as_mut()).is_pending());
    while start.elapsed() < 2 * WAIT {
        tokio::task::yield_now().await;
    }
    drop((dropped, held));
    let (count, sum) = operations("wait_served");
    assert!(count == 5.0 && sum < WAIT.as_secs_f64(), "{count} took {sum} s");
}
