//! Many writers at once: what SQLite's single writer gives, PostgreSQL must be asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::FromRequestParts as _;
use axum::http::{Request, StatusCode};
use backends::Pair;
use platform::consumer::Outcome;
use platform::idempotency::IdempotencyKey;
use platform::{Backend, Caller, Consumer, Database, Event, EventType, HandlerError, Migration, Tx, outbox};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// Writers of each test; fewer than a pool has connections would hide nothing, more would only wait for them.
const WRITERS: i64 = 8;

const SCHEMA: &[Migration] =
    &[Migration::new(1, "lamps", "CREATE TABLE lamps (id TEXT PRIMARY KEY, lit BIGINT NOT NULL)")];

#[derive(Debug, Serialize, Deserialize)]
struct LampLit {
    number: i64,
}

impl EventType for LampLit {
    const TYPE: &'static str = "house.lamp_lit.v1";
}

fn lit(room: &str, number: i64) -> Event {
    Event::new(room, &LampLit { number }).unwrap()
}

async fn open(pair: Pair) -> (Database, backends::Database) {
    let place = pair.database().await;
    (Database::open(place.url(), SCHEMA).await.unwrap(), place)
}

async fn lamps(database: &Database) -> i64 {
    let (lit,): (i64,) = sqlx::query_as("SELECT CAST(COALESCE(SUM(lit), 0) AS BIGINT) FROM lamps")
        .fetch_one(database.pool())
        .await
        .unwrap();
    lit
}

/// Runs `work` in as many tasks as there are writers, all starting at once.
async fn at_once<T, F, Fut>(database: &Database, work: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(Database, i64) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(WRITERS as usize));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let (start, writing) = (Arc::clone(&start), work(database.clone(), number));
        writers.spawn(async move {
            start.wait().await;
            writing.await
        });
    }
    writers.join_all().await
}

async fn light(tx: &mut Tx) {
    sqlx::query("INSERT INTO lamps (id, lit) VALUES ($1, 1)")
        .bind(platform::new_id())
        .execute(&mut **tx)
        .await
        .unwrap();
}

async fn events_of_all_writers_get_positions_in_the_order_of_commits(pair: Pair) {
    let (database, _place) = open(pair).await;
    at_once(&database, |database, number| async move {
        for round in 0..10 {
            let mut tx = database.begin().await.unwrap();
            tx.lock("lamp hall").await.unwrap();
            // The place in the room's own order, as an aggregate's version is.
            let (next,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM lamps").fetch_one(&mut **tx).await.unwrap();
            light(&mut tx).await;
            outbox::emit(&mut tx, lit("hall", next));
            outbox::emit(&mut tx, lit(&format!("room {number}"), round));
            tx.commit().await.unwrap();
        }
    })
    .await;
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT subject, body FROM outbox ORDER BY position").fetch_all(database.pool()).await.unwrap();
    let mut rooms: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (room, body) in rows {
        rooms.entry(room).or_default().push(serde_json::from_str::<LampLit>(&body).unwrap().number);
    }
    assert_eq!(rooms.remove("hall").unwrap(), (0..WRITERS * 10).collect::<Vec<_>>());
    assert_eq!(rooms.len() as i64, WRITERS);
    assert!(rooms.values().all(|numbers| *numbers == (0..10).collect::<Vec<_>>()), "{rooms:?}");
}

async fn transaction_that_emits_early_holds_nobody_up(pair: Pair) {
    let (database, _place) = open(pair).await;
    if database.backend() == Backend::Sqlite {
        // There is one transaction at a time.
        return;
    }
    let mut early = database.begin().await.unwrap();
    outbox::emit(&mut early, lit("hall", 1));
    let mut late = database.begin().await.unwrap();
    outbox::emit(&mut late, lit("attic", 2));
    late.commit().await.unwrap();
    early.commit().await.unwrap();
    assert_eq!(outbox::pending(&database).await.unwrap(), 2);
}

async fn lock_makes_reading_and_then_writing_one_step(pair: Pair) {
    let (database, _place) = open(pair).await;
    sqlx::query("INSERT INTO lamps (id, lit) VALUES ('lamp', 0)").execute(database.pool()).await.unwrap();
    at_once(&database, |database, _| async move {
        for _ in 0..10 {
            let mut tx = database.begin().await.unwrap();
            tx.lock("lamp lamp").await.unwrap();
            let (lit,): (i64,) =
                sqlx::query_as("SELECT lit FROM lamps WHERE id = 'lamp'").fetch_one(&mut **tx).await.unwrap();
            sqlx::query("UPDATE lamps SET lit = $1 WHERE id = 'lamp'").bind(lit + 1).execute(&mut **tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    })
    .await;
    assert_eq!(lamps(&database).await, WRITERS * 10);
}

async fn event_applied_by_many_at_once_has_one_effect(pair: Pair) {
    async fn handle(tx: &mut Tx, _: Event, _: LampLit) -> Result<(), HandlerError> {
        light(tx).await;
        Ok(())
    }
    let (database, _place) = open(pair).await;
    let (consumer, event) = (Consumer::new("janitor").on::<LampLit>(handle), lit("hall", 1));
    let outcomes = at_once(&database, |database, _| {
        let (consumer, event) = (consumer.clone(), event.clone());
        async move { consumer.apply(&database, &event).await.unwrap() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count(), 1);
    assert_eq!(lamps(&database).await, 1);
}

async fn requests_under_one_key_at_once_have_one_effect(pair: Pair) {
    let (database, _place) = open(pair).await;
    let statuses = at_once(&database, |database, _| async move {
        let (mut parts, ()) = Request::builder().header("idempotency-key", "k-1").body(()).unwrap().into_parts();
        let key = IdempotencyKey::from_request_parts(&mut parts, &()).await.unwrap();
        let (caller, request) = (Caller::new("u-1", "ada", "ada@example.test"), json!({ "room": "hall" }));
        let mut tx = database.begin().await.unwrap();
        if let Some(answer) = key.replay(&mut tx, &caller, &request).await.unwrap() {
            return answer.status();
        }
        light(&mut tx).await;
        key.remember(&mut tx, &caller, &request, StatusCode::CREATED, &json!({})).await.unwrap();
        tx.commit().await.unwrap();
        StatusCode::CREATED
    })
    .await;
    assert_eq!(statuses, [StatusCode::CREATED; WRITERS as usize]);
    assert_eq!(lamps(&database).await, 1);
}

async fn lock_that_is_never_given_back_fails_whoever_waits(pair: Pair) {
    let (database, _place) = open(pair).await;
    let mut first = database.begin().await.unwrap();
    first.lock("lamp").await.unwrap();
    let second = async {
        let mut second = database.begin().await?;
        second.lock("lamp").await
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), second).await;
    assert!(waited.expect("an end to waiting").is_err());
    first.lock("lamp").await.unwrap();
}

backends::on_each_pair!(
    (flavor = "multi_thread", worker_threads = 2)
    events_of_all_writers_get_positions_in_the_order_of_commits,
    transaction_that_emits_early_holds_nobody_up,
    lock_makes_reading_and_then_writing_one_step,
    event_applied_by_many_at_once_has_one_effect,
    requests_under_one_key_at_once_have_one_effect,
    lock_that_is_never_given_back_fails_whoever_waits,
);
