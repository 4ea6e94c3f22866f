//! axum-tracing-opentelemetry over tracing-opentelemetry: spans and propagation, no metrics.

use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::{Subject, requests, sdk};

pub(super) fn build(endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        let tracers = spans(endpoint);
        (requests::router().layer(OtelAxumLayer::default()), || sdk::finish(Some(tracers), None))
    })
}

/// A subscriber that makes spans of `tracing`'s, and writes no lines.
pub(super) fn spans(endpoint: Option<&str>) -> SdkTracerProvider {
    let tracers = sdk::tracers(endpoint);
    let layer = tracing_opentelemetry::layer().with_tracer(tracers.tracer("bench"));
    tracing_subscriber::registry().with(filter()).with(layer).init();
    tracers
}

/// What its documentation recommends: its spans are of level TRACE.
pub(super) fn filter() -> tracing_subscriber::EnvFilter {
    tracing_subscriber::EnvFilter::new("info,otel::tracing=trace")
}
