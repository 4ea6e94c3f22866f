//! Traffic through every instrumentation: what ends well, what fails, and what is dropped on the way.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{any, get};
use lapin::options::{BasicAckOptions, BasicGetOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value;
use prost::Message;
use telemetry::admin::Admin;
use telemetry::db::Query;
use telemetry::http::{Client, server_layer};
use telemetry::mail::Mail;
use telemetry::messaging::{Consumer, Destination, OutgoingMessage, lag, process, publish, queue_age};
use telemetry::metrics::saturation::{self, Usage};
use telemetry::socketio::Namespace;
use telemetry::span::Observe;
use telemetry::task::Task;
use telemetry::testing::Capture;

use super::check::Resource;

/// A collector that is not ready until it is told to answer, refuses once, and then takes a part only; keeps the resource of
/// spans.
pub async fn collector(answers: Arc<AtomicBool>, resource: Arc<Mutex<Resource>>) -> String {
    let refused = Arc::new(AtomicBool::new(false));
    let answer = async move |uri: Uri, body: Bytes| {
        if !answers.load(Ordering::Relaxed) {
            return (StatusCode::SERVICE_UNAVAILABLE, Vec::new());
        }
        if !refused.swap(true, Ordering::Relaxed) {
            return (StatusCode::BAD_REQUEST, Vec::new());
        }
        if uri.path() == "/v1/traces" {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let resources = request.resource_spans.into_iter().filter_map(|spans| spans.resource);
            let attributes = resources.flat_map(|resource| resource.attributes);
            let typed =
                attributes.map(|attribute| (attribute.key, kind(attribute.value.and_then(|value| value.value))));
            resource.lock().unwrap().extend(typed);
        }
        let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".into() };
        (StatusCode::OK, ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

fn kind(value: Option<any_value::Value>) -> &'static str {
    match value {
        Some(any_value::Value::StringValue(_)) => "string",
        Some(any_value::Value::IntValue(_)) => "int",
        other => panic!("a resource attribute of another type: {other:?}"),
    }
}

pub async fn http(capture: &Capture) {
    let app = Router::new()
        .route("/gigs/{id}", any(async || "a gig"))
        .route("/broken", any(async || StatusCode::BAD_GATEWAY))
        .route("/crowded", get(crowded))
        .route("/hangs", get(std::future::pending::<()>))
        .layer(server_layer().slow(Duration::ZERO));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    let client = Client::new(reqwest::Client::new()).slow(Duration::ZERO);
    let calls = async {
        let gig = client.post(format!("{base}/gigs/7?page=1")).route("/gigs/{id}").header("user-agent", "registry");
        gig.body("{}").send().await.unwrap().text().await.unwrap();
        let brew = Method::from_bytes(b"BREW").unwrap();
        client.request(brew, format!("{base}/gigs/7")).send().await.unwrap().text().await.unwrap();
        client.post(format!("{base}/broken")).body("{}").send().await.unwrap();
        // Not sampled by its caller, and kept because it fails.
        let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        let kept = reqwest::Client::new().get(format!("{base}/broken")).header("traceparent", unsampled);
        kept.send().await.unwrap();
        let crowded = reqwest::Client::new().get(format!("{base}/crowded")).header("traceparent", unsampled);
        crowded.send().await.unwrap();
        client.get(format!("{base}/nowhere")).send().await.unwrap();
        let hangs = client.get(format!("{base}/hangs")).timeout(Duration::from_millis(50));
        assert!(hangs.send().await.unwrap_err().is_timeout());
        assert!(client.get("http://127.0.0.1:1/").send().await.unwrap_err().is_connect());
        let mut dropped = Box::pin(client.get(format!("{base}/hangs")).send());
        assert!(futures_util::poll!(dropped.as_mut()).is_pending());
    };
    capture.run(calls).await;
    // The server learns of the caller that went away in its own time.
    let cancelled =
        |span: &telemetry::testing::Span| span.kind == "server" && span.attribute("error.type") == "cancelled";
    let spans = capture.wait_for(|spans| spans.iter().any(cancelled)).await;
    assert!(spans.iter().any(cancelled), "{}", capture.tree());
}

pub async fn messaging(capture: &Capture) {
    let broker = amqp_broker::Broker::start(amqp_broker::Config::default()).await.unwrap();
    let url = format!("amqp://guest:guest@{}/%2f", broker.amqp_addr());
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    channel.queue_declare("mail".into(), QueueDeclareOptions::default(), FieldTable::default()).await.unwrap();

    let message = || OutgoingMessage::new(uuid::Uuid::now_v7().to_string(), "order.created.v1", "{}");
    let publishing = async {
        publish(&channel, &Destination::new("", "mail"), message()).await.unwrap();
        let returned = publish(&channel, &Destination::new("", "nowhere"), message()).await.unwrap();
        assert!(matches!(returned, lapin::Confirmation::Ack(Some(_))), "{returned:?}");
    };
    capture.run(publishing).await;

    let take = async || channel.basic_get("mail".into(), BasicGetOptions::default()).await.unwrap().unwrap().delivery;
    let delivery = take().await;
    assert!(process(&delivery, "mail", async { Err::<(), _>("refused") }).await.is_err());
    delivery.nack(lapin::options::BasicNackOptions { requeue: true, ..Default::default() }).await.unwrap();
    let delivery = take().await;
    assert!(delivery.redelivered);
    process(&delivery, "mail", async {}).await;

    let consumer = Consumer::new("mail").pulled();
    let pulling = async {
        publish(&channel, &Destination::new("", "mail"), message()).await.unwrap();
        let found = consumer.receive(&channel, BasicGetOptions::default()).await.unwrap().unwrap().delivery;
        assert!(consumer.receive(&channel, BasicGetOptions::default()).await.unwrap().is_none());
        assert!(consumer.ack(&found, BasicAckOptions::default()).await.unwrap());
        assert!(!consumer.ack(&found, BasicAckOptions::default()).await.unwrap(), "it is settled");
        let closing = connection.create_channel().await.unwrap();
        assert!(Consumer::new("absent").receive(&closing, BasicGetOptions::default()).await.is_err());
        found
    };
    let delivery = capture.run(pulling).await;
    let failing = consumer.process_batch(std::slice::from_ref(&delivery), async { Err::<(), _>("refused") });
    assert!(failing.await.is_err());

    let mut death = FieldTable::default();
    death.insert("queue".into(), AMQPValue::LongString("orders".into()));
    death.insert("reason".into(), AMQPValue::LongString("rejected".into()));
    let mut headers = FieldTable::default();
    headers.insert("x-death".into(), AMQPValue::FieldArray(vec![AMQPValue::FieldTable(death)].into()));
    let mut dead = lapin::message::Delivery::mock(1, "e".into(), "k".into(), false, Vec::new());
    dead.properties = dead.properties.with_headers(headers);
    process(&dead, "dead", async {}).await;
    broker.shutdown().await;
}

pub async fn sockets(capture: &Capture) {
    let chat = Namespace::new("/chat").events(["message"]);
    let _connection = chat.connected();
    let events = async {
        let sent = chat.emitted("message").run(|context| async { Ok::<_, String>(context) }).await.unwrap();
        let _ = chat.received("message", &sent).run(async { Err::<(), _>("refused") }).await;
        let _ = chat.emitted("unknown").run(|_| async { Err::<(), _>("gone") }).await;
    };
    capture.run(events).await;
}

pub async fn database(capture: &Capture) {
    let query = |statement| Query::new("postgresql", statement).namespace("shop").server("db", 5432);
    let queries = async {
        let rows = query("SELECT title FROM gigs WHERE price < 100");
        rows.rows(async { Ok::<_, String>(vec![1]) }, |rows| rows.len() as u64).await.unwrap();
        let _ = query("INSERT INTO gigs VALUES (1)").run(async { Err::<(), _>("refused") }).await;
    };
    capture.run(queries).await;
}

/// More spans than may wait for the end of a request.
async fn crowded() -> StatusCode {
    for _ in 0..130 {
        Observe::internal("step").run(async {}).await;
    }
    StatusCode::BAD_GATEWAY
}

/// A pool, watched as long as what is returned is kept.
#[cfg(feature = "sqlx")]
pub async fn pool() -> impl Sized {
    let pool = sqlx::sqlite::SqlitePoolOptions::new().connect("sqlite::memory:").await.unwrap();
    let pool = telemetry::db::sqlx::Observed::pool("registry", pool);
    sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    pool
}

#[cfg(not(feature = "sqlx"))]
pub async fn pool() {}

#[cfg(feature = "kafka")]
pub use super::kafka::kafka;

#[cfg(not(feature = "kafka"))]
pub async fn kafka(_: &Capture) {}

pub async fn mails(capture: &Capture) {
    let mail = || Mail::via("smtp.internal", 587).kind("order confirmation").recipients(1).size(2048);
    let _ = capture.run(mail().send(async { Err::<(), _>("refused") })).await;
}

pub async fn tasks(capture: &Capture) {
    let tasks = async {
        Task::new("quiet").spawn(async {}).await.unwrap();
        Task::new("panics").traced().spawn(async { panic!("on purpose") }).await.unwrap_err();
    };
    capture.run(tasks).await;
}

/// Queues that are watched as long as what is returned is kept.
pub fn queues() -> impl Sized {
    (lag("mail", || Some(3)), queue_age("mail", || Some(Duration::from_secs(2))))
}

pub async fn operations(capture: &Capture) {
    let failing = async { Observe::client("lookup").run(async { Err::<(), _>("no answer") }).await };
    let _ = capture.run(Observe::internal("step").run(failing)).await;
}

/// A pool, and what panics when it is read: an instrument and a pool that is gone.
pub fn instruments() -> impl Sized {
    let meter = telemetry::metrics::meter();
    meter.u64_observable_gauge("app.registry.gone").with_callback(|_| panic!("on purpose")).build();
    let pool = saturation::watch("database.pool", || Usage::used(3).limit(10).waiting(1));
    (pool, saturation::watch("gone.pool", || panic!("on purpose")))
}

pub async fn admin(capture: &Capture) {
    let up = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&up);
    let check = move || {
        let up = state.swap(true, Ordering::Relaxed);
        async move { if up { Ok(()) } else { Err("not yet") } }
    };
    let asking = async {
        let admin = Admin::new().check("database", check).cache_for(Duration::ZERO).serve("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", admin.local_addr());
        let client = reqwest::Client::new();
        for path in ["/health/live", "/health/ready", "/health/ready", "/metrics", "/admin/build"] {
            client.get(format!("{base}{path}")).send().await.unwrap();
        }
        for level in ["/admin/log-level?for=1h", "/admin/log-level"] {
            let set = client.put(format!("{base}{level}")).body("trace").send().await.unwrap();
            assert_eq!(set.status(), StatusCode::NO_CONTENT);
        }
        admin.shutdown().await;
    };
    capture.run(asking).await;
}
