//! What the platform's parts say about one operation: a request, the event it emits, and what a consumer does about it.

use axum::Router;
use axum::http::Method;
use axum::routing::post;
use backends::Pair;
use platform::testing::TestApp;
use platform::{App, Caller, Consumer, Context, Event, EventType, HandlerError, Tx, outbox};
use serde::{Deserialize, Serialize};
use telemetry::testing::capture;

#[derive(Debug, Serialize, Deserialize)]
struct LampLit {
    room: String,
}

impl EventType for LampLit {
    const TYPE: &'static str = "house.lamp_lit.v1";
}

async fn house(ctx: Context) -> anyhow::Result<App> {
    let database = ctx.database(&[]).await?;
    let light = {
        let database = database.clone();
        move || async move {
            let mut tx = database.begin().await.unwrap();
            outbox::emit(&mut tx, Event::new("hall", &LampLit { room: "hall".into() }).unwrap());
            tx.commit().await.unwrap();
        }
    };
    Ok(App::new(Router::new().route("/lamps", post(light))).with_database(&database))
}

async fn janitor(ctx: Context) -> anyhow::Result<App> {
    async fn note(_: &mut Tx, _: Event, lit: LampLit) -> Result<(), HandlerError> {
        tracing::info!(room = lit.room, "a lamp is lit");
        Ok(())
    }
    let database = ctx.database(&[]).await?;
    let consumer = Consumer::new("janitor").on::<LampLit>(note);
    Ok(App::new(Router::new()).with_database(&database).with_consumer(consumer))
}

async fn request_event_and_consumer_are_one_flow(pair: Pair) {
    let capture = capture();
    let broker = pair.broker().await;
    let (url, databases) = (broker.url(), [pair.database().await, pair.database().await]);
    let [ours, theirs] = [0, 1].map(|index: usize| [("DATABASE_URL", databases[index].url())]);
    let _janitor = TestApp::start_with_broker("janitor", &url, &theirs, janitor).await.unwrap();
    let house = TestApp::start_with_broker("house", &url, &ours, house).await.unwrap();

    let id = capture.correlation_id().as_str();
    let caller = Caller::new("u-1", "ada", "ada@example.test");
    let answer = house.call(Method::POST, "/lamps", Some(&caller), &[("x-correlation-id", id)], None).await;
    assert!(answer.status.is_success(), "{}", answer.text);

    let line = capture.wait_for_log("a lamp is lit").await;
    let spans = capture.wait_for(|spans| spans.iter().any(|span| span.kind == "consumer")).await;
    let flow = capture.flow();
    // Before the janitor's queue is bound, the relay is told that nobody takes the event, and sends it again.
    let of_kind = |kind| {
        flow.spans().iter().find(|span| span.kind == kind && !span.failed).unwrap_or_else(|| panic!("{}", flow.tree()))
    };
    let (server, producer, consumer) = (of_kind("server"), of_kind("producer"), of_kind("consumer"));
    assert_eq!(server.name, "POST /lamps");
    assert_eq!(producer.trace_id, server.trace_id, "{}", flow.tree());
    assert_eq!(consumer.links, [(producer.trace_id.clone(), producer.span_id.clone())], "{}", flow.tree());
    assert_eq!(line.field("trace_id"), consumer.trace_id);
    assert!(spans.iter().all(|span| span.attribute("app.correlation_id") == id), "{}", flow.tree());
    assert!(flow.orphans().is_empty(), "{}", flow.tree());
}

backends::on_each_pair!(request_event_and_consumer_are_one_flow);
