//! Outbox, relay, inbox and consumer runtime, on both pairs of backends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use amqp_broker::{Broker, Config};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use backends::Pair;
use chaos::proxy::{Link, Toxic, ToxicKind, Upstream};
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use platform::testing::TestApp;
use platform::{
    App, Caller, Consumer, Context, Database, Event, EventType, HandlerError, Migration, Tx, broker, outbox,
};
use serde::{Deserialize, Serialize};

const DEADLINE: Duration = Duration::from_secs(20);

const SCHEMA: &[Migration] = &[Migration::per_backend(
    1,
    "lights",
    "CREATE TABLE lights (position INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, number BIGINT NOT NULL)",
    "CREATE TABLE lights (position BIGSERIAL PRIMARY KEY, room TEXT NOT NULL, number BIGINT NOT NULL)",
)];

#[derive(Debug, Serialize, Deserialize)]
struct LampLit {
    room: String,
    number: i64,
}

impl EventType for LampLit {
    const TYPE: &'static str = "house.lamp_lit.v1";
}

async fn record(tx: &mut Tx, _: Event, lit: LampLit) -> Result<(), HandlerError> {
    if lit.number < 0 {
        return Err(HandlerError::reject("negative lamp"));
    }
    sqlx::query("INSERT INTO lights (room, number) VALUES ($1, $2)")
        .bind(lit.room)
        .bind(lit.number)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A handler that fails as often as it is told to before it works.
async fn stumble(failures: Arc<AtomicU32>, tx: &mut Tx, event: Event, lit: LampLit) -> Result<(), HandlerError> {
    record(tx, event, LampLit { room: lit.room.clone(), number: lit.number }).await?;
    let left = failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if left.is_ok() {
        return Err(HandlerError::Retry(anyhow::anyhow!("stumbled")));
    }
    Ok(())
}

async fn house(ctx: Context) -> anyhow::Result<App> {
    let database = ctx.database(&[]).await?;
    Ok(App::new(Router::new().route("/", get(|| async {}))).with_database(&database))
}

async fn janitor(ctx: Context) -> anyhow::Result<App> {
    let database = ctx.database(SCHEMA).await?;
    let consumer = Consumer::new("janitor").on::<LampLit>(record);
    Ok(App::new(Router::new()).with_database(&database).with_consumer(consumer))
}

async fn start(name: &'static str, pair: Pair, url: &str) -> TestApp {
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url())];
    let service = match name {
        "house" => TestApp::start_with_broker(name, url, &variables, house).await,
        _ => TestApp::start_with_broker(name, url, &variables, janitor).await,
    };
    let service = service.unwrap().holding(database);
    wait_until("the service is ready", || async {
        service.get("/health/ready", &Caller::anonymous()).await.status == StatusCode::OK
    })
    .await;
    service
}

async fn open(pair: Pair) -> (Database, backends::Database) {
    let place = pair.database().await;
    (Database::open(place.url(), SCHEMA).await.unwrap(), place)
}

/// Waits for a named condition.
async fn wait_until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let end = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn emit(database: &Database, room: &str, numbers: impl IntoIterator<Item = i64>) -> Vec<Event> {
    let mut tx = database.begin().await.unwrap();
    let mut events = Vec::new();
    for number in numbers {
        let event = Event::new(room, &LampLit { room: room.to_owned(), number }).unwrap();
        outbox::emit(&mut tx, event.clone());
        events.push(event);
    }
    tx.commit().await.unwrap();
    events
}

async fn lights(database: &Database, room: &str) -> Vec<i64> {
    let rows: Vec<(i64,)> = sqlx::query_as("SELECT number FROM lights WHERE room = $1 ORDER BY position")
        .bind(room)
        .fetch_all(database.pool())
        .await
        .unwrap();
    rows.into_iter().map(|(number,)| number).collect()
}

/// A plain client, as a harness or a stranger would be one.
async fn client(url: &str) -> (Connection, Channel) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

async fn publish(channel: &Channel, event: &Event, body: &[u8]) {
    let mut headers = FieldTable::default();
    for (name, value) in event.headers() {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let properties = BasicProperties::default().with_headers(headers).with_message_id(event.id.as_str().into());
    let key = LampLit::TYPE.into();
    channel
        .basic_publish(broker::EXCHANGE.into(), key, BasicPublishOptions::default(), body, properties)
        .await
        .unwrap();
}

async fn dead_letter(channel: &Channel) -> (String, Vec<u8>) {
    let end = Instant::now() + DEADLINE;
    loop {
        let got = channel.basic_get("janitor.dead-letter".into(), BasicGetOptions::default()).await.unwrap();
        if let Some(message) = got {
            message.ack(BasicAckOptions::default()).await.unwrap();
            let headers = message.properties.headers().clone().unwrap();
            let Some(AMQPValue::LongString(reason)) = headers.inner().get(broker::REASON_HEADER) else {
                panic!("no reason in {headers:?}");
            };
            return (reason.to_string(), message.delivery.data.clone());
        }
        assert!(Instant::now() < end, "nothing was dead-lettered");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn events_reach_their_consumer_in_order_and_leave_the_outbox(pair: Pair) {
    let broker = pair.broker().await;
    let url = broker.url();
    let (janitor, house) = (start("janitor", pair, &url).await, start("house", pair, &url).await);
    for chunk in 0..5 {
        for room in ["hall", "kitchen", "attic"] {
            emit(house.database(), room, chunk * 20..chunk * 20 + 20).await;
        }
    }
    for room in ["hall", "kitchen", "attic"] {
        wait_until(room, || async { lights(janitor.database(), room).await.len() == 100 }).await;
        assert_eq!(lights(janitor.database(), room).await, (0..100).collect::<Vec<_>>(), "{room}");
    }
    wait_until("the outbox is empty", || async { outbox::pending(house.database()).await.unwrap() == 0 }).await;
}

async fn event_delivered_again_has_no_second_effect(pair: Pair) {
    let broker = pair.broker().await;
    let url = broker.url();
    let janitor = start("janitor", pair, &url).await;
    let (_connection, channel) = client(&url).await;
    let event = Event::new("hall", &LampLit { room: "hall".into(), number: 1 }).unwrap();
    for _ in 0..3 {
        publish(&channel, &event, event.body.as_bytes()).await;
    }
    let last = Event::new("hall", &LampLit { room: "hall".into(), number: 2 }).unwrap();
    publish(&channel, &last, last.body.as_bytes()).await;
    wait_until("the last event", || async { lights(janitor.database(), "hall").await.contains(&2) }).await;
    assert_eq!(lights(janitor.database(), "hall").await, [1, 2]);
}

async fn events_wait_for_a_broker_that_is_away(pair: Pair) {
    let broker = pair.broker().await;
    let link = Link::bind("services->broker", Upstream::new(broker.address())).unwrap();
    let url = broker.url_through(&link.address().to_string());
    let (janitor, house) = (start("janitor", pair, &url).await, start("house", pair, &url).await);
    emit(house.database(), "hall", 0..5).await;
    wait_until("the first events", || async { lights(janitor.database(), "hall").await.len() == 5 }).await;
    link.add("away", Toxic::new(ToxicKind::Cut));
    emit(house.database(), "hall", 5..10).await;
    wait_until("the service sees that the broker is away", || async { !sees_broker(&house).await }).await;
    assert_eq!(outbox::pending(house.database()).await.unwrap(), 5);
    link.remove("away");
    wait_until("the events that waited", || async { lights(janitor.database(), "hall").await.len() == 10 }).await;
    assert_eq!(lights(janitor.database(), "hall").await, (0..10).collect::<Vec<_>>());
}

async fn sees_broker(service: &TestApp) -> bool {
    service.get("/health/ready", &Caller::anonymous()).await.json["checks"]["broker"]["status"] != "down"
}

/// The embedded broker keeps its queues in memory, so that a new one knows none of them.
#[tokio::test]
async fn events_wait_for_a_broker_that_comes_back_empty() {
    let broker = Broker::start(Config::default()).await.unwrap();
    let address = broker.amqp_addr();
    let url = format!("amqp://guest:guest@{address}/%2f");
    let pair = Pair::Embedded;
    let (janitor, house) = (start("janitor", pair, &url).await, start("house", pair, &url).await);
    broker.shutdown().await;
    emit(house.database(), "hall", 0..5).await;
    wait_until("the service sees that the broker is away", || async { !sees_broker(&house).await }).await;
    let _again = Broker::start(Config { listen: address, ..Config::default() }).await.unwrap();
    wait_until("the events that waited", || async { lights(janitor.database(), "hall").await.len() == 5 }).await;
    assert_eq!(lights(janitor.database(), "hall").await, (0..5).collect::<Vec<_>>());
}

async fn event_that_nobody_takes_stays_in_the_outbox_until_somebody_does(pair: Pair) {
    let broker = pair.broker().await;
    let url = broker.url();
    let house = start("house", pair, &url).await;
    emit(house.database(), "hall", 0..3).await;
    let janitor = start("janitor", pair, &url).await;
    wait_until("the events", || async { lights(janitor.database(), "hall").await.len() == 3 }).await;
    assert_eq!(lights(janitor.database(), "hall").await, [0, 1, 2]);
}

async fn poison_goes_to_the_dead_letter_queue_with_its_reason(pair: Pair) {
    let broker = pair.broker().await;
    let url = broker.url();
    let janitor = start("janitor", pair, &url).await;
    let (_connection, channel) = client(&url).await;
    let event = Event::new("hall", &LampLit { room: "hall".into(), number: -1 }).unwrap();

    publish(&channel, &event, b"{ not json").await;
    let (reason, body) = dead_letter(&channel).await;
    assert!(reason.starts_with("body is not JSON"), "{reason}");
    assert_eq!(body, b"{ not json");

    publish(&channel, &event, b"{\"room\":7}").await;
    let (reason, _) = dead_letter(&channel).await;
    assert!(reason.contains("house.lamp_lit.v1") && reason.contains("invalid type"), "{reason}");

    publish(&channel, &event, event.body.as_bytes()).await;
    assert_eq!(dead_letter(&channel).await.0, "negative lamp");

    // The queue goes on behind the poison.
    let good = Event::new("hall", &LampLit { room: "hall".into(), number: 1 }).unwrap();
    publish(&channel, &good, good.body.as_bytes()).await;
    wait_until("the good event", || async { lights(janitor.database(), "hall").await == [1] }).await;
}

async fn failed_try_leaves_nothing_and_the_next_one_keeps_the_order(pair: Pair) {
    let broker = pair.broker().await;
    let url = broker.url();
    let failures = Arc::new(AtomicU32::new(2));
    let app = |ctx: Context| {
        let failures = Arc::clone(&failures);
        async move {
            let database = ctx.database(SCHEMA).await?;
            let consumer = Consumer::new("janitor").on_with::<LampLit, _>(failures, stumble);
            Ok(App::new(Router::new()).with_database(&database).with_consumer(consumer))
        }
    };
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url())];
    let janitor = TestApp::start_with_broker("janitor", &url, &variables, app).await.unwrap().holding(database);
    let house = start("house", pair, &url).await;
    emit(house.database(), "hall", 0..3).await;
    wait_until("all events", || async { lights(janitor.database(), "hall").await.len() == 3 }).await;
    assert_eq!(lights(janitor.database(), "hall").await, [0, 1, 2]);
    assert_eq!(failures.load(Ordering::SeqCst), 0);
}

async fn stopped_consumer_leaves_what_it_has_not_handled_to_the_next(pair: Pair) {
    let broker = pair.broker().await;
    let url = broker.url();
    let (janitor, house) = (start("janitor", pair, &url).await, start("house", pair, &url).await);
    janitor.stop().await;
    emit(house.database(), "hall", 0..50).await;
    wait_until("the outbox is empty", || async { outbox::pending(house.database()).await.unwrap() == 0 }).await;
    let next = start("janitor", pair, &url).await;
    wait_until("all events", || async { lights(next.database(), "hall").await.len() == 50 }).await;
}

async fn transaction_that_is_undone_emits_nothing(pair: Pair) {
    let (database, _place) = open(pair).await;
    let mut tx = database.begin().await.unwrap();
    let event = Event::new("hall", &LampLit { room: "hall".into(), number: 1 }).unwrap();
    outbox::emit(&mut tx, event);
    tx.rollback().await.unwrap();
    assert_eq!(outbox::pending(&database).await.unwrap(), 0);
}

async fn event_applied_twice_is_a_duplicate(pair: Pair) {
    let (database, _place) = open(pair).await;
    let consumer = Consumer::new("janitor").on::<LampLit>(record);
    let event = Event::new("hall", &LampLit { room: "hall".into(), number: 1 }).unwrap();
    use platform::consumer::Outcome;
    assert_eq!(consumer.apply(&database, &event).await.unwrap(), Outcome::Applied);
    assert_eq!(consumer.apply(&database, &event).await.unwrap(), Outcome::Duplicate);
    assert_eq!(lights(&database, "hall").await, [1]);
}

backends::on_each_pair!(
    events_reach_their_consumer_in_order_and_leave_the_outbox,
    event_delivered_again_has_no_second_effect,
    events_wait_for_a_broker_that_is_away,
    event_that_nobody_takes_stays_in_the_outbox_until_somebody_does,
    poison_goes_to_the_dead_letter_queue_with_its_reason,
    failed_try_leaves_nothing_and_the_next_one_keeps_the_order,
    stopped_consumer_leaves_what_it_has_not_handled_to_the_next,
    transaction_that_is_undone_emits_nothing,
    event_applied_twice_is_a_duplicate,
);
