//! `/admin/log-level`: to log more or less without a restart.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::expiry::expiry;
use crate::core::core;

/// Longest set of directives that is accepted, in bytes.
const MAX_DIRECTIVES: usize = 4096;

#[derive(Serialize)]
struct InForce {
    filter: String,
    /// Absent when it is for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_s: Option<f64>,
}

pub(super) fn router() -> Router {
    Router::new()
        .route("/admin/log-level", get(log_level).put(set_log_level))
        .layer(DefaultBodyLimit::max(MAX_DIRECTIVES))
}

async fn log_level() -> Response {
    let Some(logs) = &core().logs else { return uninitialised() };
    let (filter, left) = logs.shown();
    Json(InForce { filter, expires_in_s: left.map(|left| left.as_millis() as f64 / 1000.0) }).into_response()
}

async fn set_log_level(RawQuery(query): RawQuery, body: Bytes) -> Response {
    let Some(logs) = &core().logs else { return uninitialised() };
    let directives = match std::str::from_utf8(&body) {
        Ok(text) if !text.trim().is_empty() => text.trim(),
        _ => return (StatusCode::BAD_REQUEST, "expected directives such as `info,order=debug`\n").into_response(),
    };
    let time = match expiry(query.as_deref()) {
        Ok(time) => time,
        Err(expected) => return (StatusCode::BAD_REQUEST, format!("{expected}\n")).into_response(),
    };
    let set = match time {
        Some(time) => logs.set_filter_for(directives, time),
        None => logs.set_filter(directives),
    };
    match set {
        Ok(()) => {
            let seconds = time.map(|time| time.as_secs());
            tracing::warn!(
                target: "telemetry::admin",
                { app.log.filter = directives, app.log.filter_expires_in_s = seconds },
                "log level changed"
            );
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
