//! Traffic through every instrumentation: what ends well, what fails, and what is dropped on the way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::{any, get};
use lapin::options::{BasicGetOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use telemetry::admin::Admin;
use telemetry::http::{Client, server_layer};
use telemetry::messaging::{Destination, OutgoingMessage, process, publish};
use telemetry::metrics::saturation::{self, Usage};
use telemetry::span::Observe;
use telemetry::testing::Capture;

/// A collector that refuses everything until it is told to answer, and then takes a part only.
pub async fn collector(answers: Arc<AtomicBool>) -> String {
    let answer = async move || match answers.load(Ordering::Relaxed) {
        true => {
            let partial = ExportTracePartialSuccess { rejected_spans: 1, error_message: "too old".into() };
            let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
            (StatusCode::OK, answer.encode_to_vec())
        }
        false => (StatusCode::BAD_REQUEST, Vec::new()),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await });
    base
}

pub async fn http(capture: &Capture) {
    let app = Router::new()
        .route("/gigs/{id}", any(async || "a gig"))
        .route("/broken", any(async || StatusCode::BAD_GATEWAY))
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
    broker.shutdown().await;
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
        let set = client.put(format!("{base}/admin/log-level")).body("trace").send().await.unwrap();
        assert_eq!(set.status(), StatusCode::NO_CONTENT);
        admin.shutdown().await;
    };
    capture.run(asking).await;
}
