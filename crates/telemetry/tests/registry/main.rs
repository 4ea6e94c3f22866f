//! The registry against the truth: traffic runs through every instrumentation, and whatever comes out must be declared in
//! `registry/`, and the other way around. Alone in its process, as it looks at everything that is emitted.
#![allow(unreachable_pub, reason = "modules of one test")]

mod check;
#[cfg(feature = "kafka")]
mod kafka;
mod model;
mod traffic;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use telemetry::span::Observe;
use telemetry::testing::{Emitted, capture_with, emitted, metric};

use check::{Resource, check};
use model::Registry;

/// Declared, and out of reach of this test.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "scope",
        "an instrument that Prometheus is not shown would be an undeclared metric here; metrics/prometheus.rs tests it",
    ),
    ("event.panic", "the hook belongs to `init`; tests/export.rs has a process panic under it"),
    ("event.telemetry.config", "written by `init` from its own environment; tests/export.rs has one with a mistake"),
    ("event.telemetry.logs", "needs a stdout that stalls; the writer's own tests have one"),
    #[cfg(not(feature = "sqlx"))]
    ("metric.db.client.connection.count", "needs the feature `sqlx`"),
    #[cfg(not(feature = "sqlx"))]
    ("metric.db.client.connection.max", "needs the feature `sqlx`"),
    #[cfg(not(feature = "sqlx"))]
    ("metric.db.client.connection.pending_requests", "needs the feature `sqlx`"),
    #[cfg(not(feature = "sqlx"))]
    ("metric.db.client.connection.wait_time", "needs the feature `sqlx`"),
    #[cfg(not(feature = "sqlx"))]
    ("app.db.client.connection.wait_time", "on any span: needs the feature `sqlx`"),
    #[cfg(not(feature = "kafka"))]
    ("span.app.kafka.send", "needs the feature `kafka`"),
    #[cfg(not(feature = "kafka"))]
    ("span.app.kafka.process", "needs the feature `kafka`"),
    #[cfg(not(feature = "kafka"))]
    ("span.app.kafka.process_batch", "needs the feature `kafka`"),
    #[cfg(not(feature = "kafka"))]
    ("span.app.kafka.commit", "needs the feature `kafka`"),
    #[cfg(not(feature = "kafka"))]
    ("messaging.consumer.group.name", "on any metric: needs the feature `kafka`"),
    #[cfg(not(feature = "kafka"))]
    ("messaging.destination.partition.id", "on any metric: needs the feature `kafka`"),
];

/// Asks until `condition` holds: readings of a clock, and exports, come in their own time.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::task::yield_now().await;
    }
}

/// The traffic, once: everything it emitted, and the resource it came from.
async fn traffic() -> (Emitted, Resource) {
    let (answers, resource) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let collector = traffic::collector(Arc::clone(&answers), Arc::clone(&resource)).await;
    let capture = capture_with(|config| {
        let config =
            config.otlp_endpoint(&collector).span_queue(64).span_batch(1).span_delay(Duration::from_millis(10));
        config.metric_interval(Duration::from_millis(100)).version("1.2.3").commit("4cb9f2e")
    });
    traffic::http(&capture).await;
    traffic::messaging(&capture).await;
    traffic::operations(&capture).await;
    traffic::sockets(&capture).await;
    traffic::database(&capture).await;
    traffic::mails(&capture).await;
    traffic::tasks(&capture).await;
    let _queues = traffic::queues();
    let _records = traffic::kafka(&capture).await;
    let _database_pool = traffic::pool().await;
    let _pools = traffic::instruments();
    traffic::admin(&capture).await;

    let said = |field: &str| {
        let mut lines = emitted().logs.into_iter().filter(|line| line.target() == "telemetry::export");
        lines.any(|line| !line.field(field).is_empty())
    };
    eventually("the collector that is not ready is noticed", || said("error")).await;
    answers.store(true, Ordering::Relaxed);
    capture.run(Observe::internal("afterwards").run(async {})).await;
    eventually("the collector that answers again is noticed", || said("failed")).await;
    eventually("the collector that takes a part is noticed", || said("rejected")).await;
    eventually("spans are taken", || !resource.lock().unwrap().is_empty()).await;
    // Shares of time need two looks with some time between them.
    let two_looks = ["process.cpu.utilization", "app.tokio.worker.utilization"];
    let present = || two_looks.iter().all(|name| emitted().metrics.iter().any(|point| point.metric == *name));
    eventually("utilization is measured", present).await;
    assert!(metric("http.server.request.duration", &[]) > 0.0);
    let resource = resource.lock().unwrap().clone();
    (emitted(), resource)
}

fn findings(registry: &Registry, emitted: &Emitted, resource: &Resource) -> BTreeSet<String> {
    let elsewhere = |finding: &String| ELSEWHERE.iter().any(|(id, _)| finding.starts_with(&format!("`{id}` ")));
    check(registry, emitted, resource).into_iter().filter(|finding| !elsewhere(finding)).collect()
}

fn list(findings: &BTreeSet<String>) -> String {
    findings.iter().map(|finding| format!("- {finding}\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn emitted_and_declared_are_the_same() {
    let registry = Registry::load();
    let (clean, resource) = traffic().await;
    let found = findings(&registry, &clean, &resource);
    assert!(found.is_empty(), "emitted and declared differ:\n{}", list(&found));

    // A checker that finds nothing may be blind: here is something to find.
    let capture = capture_with(|config| config);
    let planted = Observe::internal("planted").attribute("app.planted", 7).attribute("error.type", true);
    capture.run(planted.run(async { tracing::info!(target: "telemetry::planted", "a line nobody declared") })).await;
    let meter = telemetry::metrics::meter();
    meter.u64_counter("app.telemetry.planted").build().add(1, &[]);
    meter
        .u64_counter("app.telemetry.log.lines")
        .with_unit("{line}")
        .build()
        .add(1, &[KeyValue::new("outcome", "eaten")]);
    let mut more = resource.clone();
    more.insert("host.planted".into(), "string");
    let found = list(&findings(&registry, &emitted(), &more));
    for expected in [
        "attribute `app.planted` (int) on span `internal planted` is not declared: add `- ref: app.planted` to \
         `span.app.operation` in common.yaml and define it (`id: app.planted`, type, brief, stability)",
        "attribute `error.type` on span `internal planted` is of type boolean, declared is string",
        "log line `telemetry::planted: a line nobody declared` is not declared: add a group `event.telemetry.planted`",
        "metric `app.telemetry.planted` is not declared: add a group `metric.app.telemetry.planted`",
        "attribute `host.planted` (string) on the resource is not declared",
        "`eaten` of attribute `outcome` on metric `app.telemetry.log.lines` is none of its members",
    ] {
        assert!(found.contains(expected), "{expected}\nin\n{found}");
    }

    // And the other direction: what stops being emitted is missed.
    let mut less = clean;
    less.spans.retain(|span| span.kind != "producer");
    less.logs.retain(|line| line.target() != "telemetry::client");
    less.metrics.retain(|point| point.metric != "process.cpu.time");
    more.remove("service.name");
    let missed = list(&findings(&registry, &less, &more));
    for id in ["span.app.messaging.send", "event.telemetry.client", "metric.process.cpu.time"] {
        assert!(missed.contains(&format!("`{id}` in ")), "{id} in\n{missed}");
    }
    assert!(missed.contains("the resource lacks `service.name`"), "{missed}");
}
