//! opentelemetry-instrumentation-tower: spans, propagation and metrics, straight on the OpenTelemetry API.

use axum::Router;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;

use super::{Subject, requests, sdk};

pub(super) fn build(endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        let (tracers, meters) = (sdk::tracers(endpoint), sdk::meters(endpoint));
        (layered(requests::router(), true), || sdk::finish(Some(tracers), Some(meters)))
    })
}

/// Wraps `router`; spans are optional, so that others can make them.
pub(super) fn layered(router: Router, spans: bool) -> Router {
    router.layer(LayerBuilder::builder().with_tracing(spans).build().expect("a layer"))
}
