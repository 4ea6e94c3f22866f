//! tower-http's `TraceLayer` at INFO with the JSON lines of tracing-subscriber: what axum's examples show.

use axum::Router;
use tower_http::trace::{DefaultMakeSpan, DefaultOnResponse, TraceLayer};
use tracing::Level;

use super::{Subject, requests};

pub(super) fn build(_endpoint: Option<&str>) -> Subject {
    requests::subject(|| {
        tracing_subscriber::fmt().json().with_env_filter("info").init();
        (layered(requests::router()), || Ok(()))
    })
}

/// One span and one line per request.
pub(super) fn layered(router: Router) -> Router {
    let layer = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    router.layer(layer)
}
