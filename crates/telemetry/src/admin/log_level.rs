//! `/admin/log-level`: to log more or less without a restart.

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::core::core;

/// Longest set of directives that is accepted, in bytes.
const MAX_DIRECTIVES: usize = 4096;

pub(super) fn router() -> Router {
    Router::new()
        .route("/admin/log-level", get(log_level).put(set_log_level))
        .layer(DefaultBodyLimit::max(MAX_DIRECTIVES))
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
        Ok(text) if !text.trim().is_empty() => text.trim(),
        _ => return (StatusCode::BAD_REQUEST, "expected directives such as `info,order=debug`\n").into_response(),
    };
    match logs.set_filter(directives) {
        Ok(()) => {
            tracing::warn!(target: "telemetry::admin", { app.log.filter = directives }, "log level changed");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(invalid) => {
            let reason =
                format!("`{directives}`: {}; expected directives such as `info,order=debug`\n", invalid.reason);
            (StatusCode::BAD_REQUEST, reason).into_response()
        }
    }
}

pub(super) fn uninitialised() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "telemetry is not initialised: call `telemetry::init` first\n").into_response()
}
