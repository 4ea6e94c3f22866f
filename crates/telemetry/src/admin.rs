//! What operators ask a running process: its metrics, and to log more or less.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::core::core;
use crate::metrics;

/// Longest set of directives that is accepted, in bytes.
const MAX_DIRECTIVES: usize = 4096;

/// `GET /metrics` (Prometheus' text format, or OpenMetrics' with exemplars for those who ask for it), `GET /admin/log-level`, and `PUT /admin/log-level` with directives in `RUST_LOG`
/// syntax as the body, in force at once and until the process ends.
///
/// Serve it where only operators reach it.
pub fn admin_router() -> Router {
    Router::new().route("/metrics", get(scrape)).route("/admin/log-level", get(log_level).put(set_log_level))
}

async fn scrape(headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let (content_type, page) = metrics::exposition(accept);
    ([(header::CONTENT_TYPE, content_type)], page)
}

async fn log_level() -> Response {
    match &core().logs {
        Some(logs) => logs.filter().into_response(),
        None => uninitialised(),
    }
}

async fn set_log_level(body: Bytes) -> Response {
    let Some(logs) = &core().logs else { return uninitialised() };
    let directives = match std::str::from_utf8(&body) {
        Ok(text) if !text.trim().is_empty() && text.len() <= MAX_DIRECTIVES => text.trim(),
        _ => return (StatusCode::BAD_REQUEST, "expected directives such as `info,order=debug`\n").into_response(),
    };
    match logs.set_filter(directives) {
        Ok(()) => {
            tracing::warn!(target: "telemetry::admin", directives, "log level changed");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(invalid) => {
            let reason =
                format!("`{directives}`: {}; expected directives such as `info,order=debug`\n", invalid.reason);
            (StatusCode::BAD_REQUEST, reason).into_response()
        }
    }
}

fn uninitialised() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "telemetry is not initialised: call `telemetry::init` first\n").into_response()
}
