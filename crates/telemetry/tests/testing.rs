//! The test kit itself: what it finds, and what it says when it does not.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use support::delivery;
use telemetry::context::MessageContext;
use telemetry::messaging::{self, Consumer};
use telemetry::span::Observe;
use telemetry::testing::{capture, emitted};

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn flow_follows_links_where_the_correlation_id_is_lost() {
    let capture = capture();
    let sent = capture.run(Observe::internal("flow: send").run(async { Ok::<_, String>(MessageContext::capture()) }));
    // A consumer in another language that passes on the trace but not the id.
    let mut sent = sent.await.unwrap();
    (sent.correlation_id, sent.baggage) = (None, None);
    let mut headers = lapin::types::FieldTable::default();
    messaging::inject(&sent, &mut headers);
    Consumer::new("flow-kit").process(&delivery("kit", "k", headers, false), async {}).await;
    assert_eq!(capture.tree(), "internal flow: send\n");
    let flow = capture.flow();
    assert_eq!(flow.tree(), "internal flow: send\nconsumer process flow-kit ~> flow: send\n");
    assert_eq!(
        flow.tree_with(&["messaging.destination.name", "app.absent"]),
        "internal flow: send\nconsumer process flow-kit {messaging.destination.name=kit:k:flow-kit} ~> flow: send\n"
    );
    assert_eq!(flow.expect_span("consumer process flow-kit").attribute("messaging.message.id"), "m-1");
    assert!(flow.orphans().is_empty());
}

#[tokio::test]
async fn failed_expectation_shows_everything_that_was_seen() {
    let capture = capture();
    let inner = async { Observe::client("kit: inner").run(async { Err::<(), _>("no") }).await };
    let outer = capture.run(Observe::internal("kit: outer").run(inner));
    let _ = outer.await;
    capture.run(async { tracing::warn!(tries = 3, "gave up") }).await;

    let no_span = message(catch_unwind(AssertUnwindSafe(|| capture.expect_span("server GET /"))).unwrap_err());
    assert_eq!(
        no_span,
        "no span `server GET /`; its spans are\n  internal kit: outer !&str\n    client kit: inner !&str\n\
         its log lines are\n  WARN testing: gave up tries=3\n"
    );
    let no_log = message(catch_unwind(AssertUnwindSafe(|| capture.expect_log("succeeded"))).unwrap_err());
    assert!(no_log.starts_with("no log line with `succeeded`; its spans are\n  internal kit: outer"), "{no_log}");
    let counter = telemetry::metrics::meter().u64_counter("app.kit.tries").build();
    counter.add(2, &[opentelemetry::KeyValue::new("app.kit", "failing")]);
    let kit = [("app.kit", "failing")];
    let no_metric = catch_unwind(AssertUnwindSafe(|| capture.expect_metric("app.kit.tries", &kit, 3.0))).unwrap_err();
    let no_metric = message(no_metric);
    assert!(
        no_metric.contains("grew by 2, expected 3; its points are\n  app.kit.tries{app.kit=failing} 2"),
        "{no_metric}"
    );
}

#[tokio::test]
async fn metrics_count_from_the_beginning_of_the_capture() {
    let first = capture();
    let counter = telemetry::metrics::meter().u64_counter("app.kit.delta").build();
    counter.add(2, &[]);
    let second = capture();
    counter.add(5, &[]);
    first.expect_metric("app.kit.delta", &[], 7.0);
    second.expect_metric("app.kit.delta", &[], 5.0);
    assert_eq!(second.metric_delta("app.kit.unknown", &[]), 0.0);
}

#[tokio::test]
async fn waiting_ends_as_soon_as_the_telemetry_is_there() {
    let capture = capture();
    let context = capture.context();
    let worker = std::thread::spawn(move || {
        let _guard = context.attach();
        tracing::info!(answer = 42, "thought about it");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(Observe::internal("kit: thread").run(async {}));
    });
    assert_eq!(capture.wait_for_log("thought").await.field("answer"), "42");
    assert_eq!(
        capture.wait_for_span("internal kit: thread").await.attribute_type("app.correlation_id"),
        Some("string")
    );
    worker.join().unwrap();
}

#[tokio::test]
async fn everything_emitted_is_there_for_checks_that_hold_for_all() {
    let capture = capture();
    capture.run(Observe::internal("kit: everything").run(async { tracing::info!("kit: everything") })).await;
    let all = emitted();
    assert!(all.spans.iter().any(|span| span.name == "kit: everything"));
    assert!(all.logs.iter().any(|line| line.message() == "kit: everything"));
    let threads = all.metrics.iter().find(|point| point.metric == "process.thread.count").unwrap();
    assert_eq!((threads.instrument, threads.unit.as_str()), ("updowncounter", "{thread}"));
}
