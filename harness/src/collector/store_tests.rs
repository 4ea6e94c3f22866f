use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::collector::{Attributes, Link, SpanKind, SpanStatus};

fn span(service: &str, trace: u128, id: u64) -> Span {
    Span {
        trace_id: TraceId::new(trace).expect("not zero"),
        span_id: SpanId::new(id).expect("not zero"),
        parent: None,
        resource: Resource::named(service),
        scope: "".into(),
        name: "work".into(),
        kind: SpanKind::Internal,
        start_ns: 1,
        end_ns: 2,
        status: SpanStatus::Unset,
        status_message: "".into(),
        attributes: Attributes::from([("app.correlation_id", "c-1"), ("messaging.message.id", "m-1")]),
        links: Box::default(),
        events: Box::default(),
        dropped: 0,
    }
}

fn trace(number: u128) -> TraceId {
    TraceId::new(number).expect("not zero")
}

#[test]
fn store_finds_traces_by_correlation_message_and_link() {
    let store = Store::default();
    let mut linking = span("b", 2, 1);
    linking.attributes = Attributes::default();
    linking.links =
        [Link { trace_id: trace(1), span_id: SpanId::new(1).expect("not zero"), attributes: Attributes::default() }]
            .into();
    store.ingest_spans(vec![span("a", 1, 1), linking]);
    store.read(|view| {
        assert_eq!(view.traces_of_correlation("c-1"), [trace(1)]);
        assert_eq!(view.traces_of_message("m-1"), [trace(1)]);
        assert_eq!(view.traces_linking_to(trace(1)), [trace(2)]);
        assert!(view.span(trace(2), SpanId::new(1).expect("not zero")).is_some());
    });
}

#[test]
fn repeated_span_is_held_once_and_counted() {
    let store = Store::default();
    store.ingest_spans(vec![span("a", 1, 1), span("a", 1, 1)]);
    let stats = store.stats();
    assert_eq!((stats.spans, stats.duplicates), (1, 1));
}

#[test]
fn chatty_service_evicts_its_own_spans_only() {
    let one = span("quiet", 1, 1).weight();
    let store = Store::new(StoreLimits { max_bytes: one * 10, max_service_bytes: one * 100, ..StoreLimits::default() });
    store.ingest_spans(vec![span("quiet", 1, 1)]);
    for id in 1..=100 {
        store.ingest_spans(vec![span("chatty", 2, id)]);
    }
    let stats = store.stats();
    assert_eq!(stats.services["quiet"].spans, 1);
    assert_eq!(stats.services["chatty"].spans, 9);
    assert_eq!(stats.services["chatty"].evicted_spans, 91);
    assert_eq!(stats.services["quiet"].evicted_until_ns, 0);
    assert_eq!(stats.evicted, 91);
}

#[test]
fn evicted_trace_leaves_no_index_entry_behind() {
    let one = span("a", 1, 1).weight();
    let store = Store::new(StoreLimits { max_service_bytes: one, ..StoreLimits::default() });
    let mut other = span("a", 2, 1);
    other.attributes = Attributes::default();
    store.ingest_spans(vec![span("a", 1, 1), other]);
    let inner = store.lock();
    assert!(inner.by_key.is_empty(), "{:?}", inner.by_key);
    assert_eq!(inner.traces.len(), 1);
}

#[test]
fn services_beyond_the_limit_are_refused_and_counted() {
    let store = Store::new(StoreLimits { max_services: 1, ..StoreLimits::default() });
    store.ingest_spans(vec![span("a", 1, 1), span("b", 1, 2)]);
    store.ingest_log_line("c", "hello");
    let stats = store.stats();
    assert_eq!((stats.spans, stats.rejected), (1, 2));
}

#[tokio::test]
async fn waiting_ends_when_the_condition_comes_true() {
    let store = Arc::new(Store::default());
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for id in 1..=5 {
                store.ingest_spans(vec![span("a", 1, id)]);
                tokio::task::yield_now().await;
            }
        }
    });
    let wait = store.wait_until(Instant::now() + Duration::from_secs(10), |view| match view.trace(trace(1)).len() {
        5 => Ok("all"),
        spans => Err(format!("{spans} of 5 spans arrived")),
    });
    assert_eq!(wait.await.expect("condition"), "all");
    writer.await.expect("writer");
}

#[tokio::test]
async fn waiting_names_the_unmet_condition() {
    let store = Store::default();
    let error = store
        .wait_until::<()>(Instant::now(), |view| Err(format!("{} of 5 spans arrived", view.stats().spans)))
        .await
        .expect_err("nothing arrives");
    assert_eq!(error.unmet, "0 of 5 spans arrived");
}

proptest! {
    #[test]
    fn store_stays_within_its_bounds(sizes in prop::collection::vec((0_usize..4, 0_usize..4000), 0..80)) {
        let limits = StoreLimits { max_bytes: 60_000, max_service_bytes: 30_000, ..StoreLimits::default() };
        let store = Store::new(limits.clone());
        for (index, (service, size)) in sizes.iter().enumerate() {
            store.ingest_log_line(&format!("service-{service}"), &"x".repeat(*size));
            let mut added = span(&format!("service-{service}"), 1 + index as u128 % 7, 1 + index as u64);
            added.status_message = "y".repeat(*size).into();
            store.ingest_spans(vec![added]);
        }
        let stats = store.stats();
        prop_assert!(stats.bytes <= limits.max_bytes);
        prop_assert!(stats.services.values().all(|service| service.bytes <= limits.max_service_bytes));
        prop_assert_eq!(stats.spans + stats.logs + usize::try_from(stats.evicted).expect("small"), 2 * sizes.len());
        let indexed: usize = store.read(|view| view.traces().map(|id| view.trace(id).len()).sum());
        prop_assert_eq!(indexed, stats.spans);
    }
}
