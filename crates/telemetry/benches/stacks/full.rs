//! Peers put together until they do what this crate does alone.

use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use init_tracing_opentelemetry::TracingConfig;
use opentelemetry::trace::TracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::axum_tracing_opentelemetry::{filter, spans};
use super::instrumentation_tower::layered as measured;
use super::tower_http::layered as logged;
use super::{BATCH, DELAY, QUEUE, Subject, requests, sdk};

/// Spans by one, metrics by the other.
pub(super) fn without_lines(endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        let (meters, tracers) = (sdk::meters(endpoint), spans(endpoint));
        let router = measured(requests::router(), false).layer(OtelAxumLayer::default());
        (router, || sdk::finish(Some(tracers), Some(meters)))
    })
}

/// Spans and metrics without `tracing`, and a line that knows nothing of them.
pub(super) fn cheapest(endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        tracing_subscriber::fmt().json().with_env_filter("info").init();
        let (meters, tracers) = (sdk::meters(endpoint), sdk::tracers(endpoint));
        (measured(logged(requests::router()), true), || sdk::finish(Some(tracers), Some(meters)))
    })
}

/// Three layers, one subscriber with lines and spans.
pub(super) fn by_hand(endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        let (meters, tracers) = (sdk::meters(endpoint), sdk::tracers(endpoint));
        let traced = tracing_opentelemetry::layer().with_tracer(tracers.tracer("bench"));
        tracing_subscriber::registry().with(filter()).with(traced).with(tracing_subscriber::fmt::layer().json()).init();
        let router = measured(logged(requests::router()), false).layer(OtelAxumLayer::default());
        (router, || sdk::finish(Some(tracers), Some(meters)))
    })
}

/// The same with the production preset of init-tracing-opentelemetry, which is configured by the environment.
pub(super) fn by_init(endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        let meters = sdk::meters(endpoint);
        let guard = TracingConfig::production()
            .with_log_directives("info")
            .with_quiet_init(true)
            .init_subscriber()
            .expect("the first in this process");
        let router = measured(logged(requests::router()), false).layer(OtelAxumLayer::default());
        (router, move || {
            drop(guard);
            sdk::finish(None, Some(meters))
        })
    })
}

/// The environment in which [`by_init`] does as the others do.
pub fn environment(endpoint: &str) -> [(&'static str, String); 7] {
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.to_owned()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
        ("OTEL_TRACES_SAMPLER", "parentbased_always_on".to_owned()),
        ("OTEL_PROPAGATORS", "tracecontext".to_owned()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE.to_string()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", BATCH.to_string()),
        ("OTEL_BSP_SCHEDULE_DELAY", DELAY.as_millis().to_string()),
    ]
}
