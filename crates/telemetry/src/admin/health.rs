//! `/health/live` and `/health/ready`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::checks::{Checks, Health};

pub(super) fn router(checks: Checks) -> Router {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).with_state(checks)
}

/// Depends on nothing: a process that is restarted because its database is away only makes things worse.
async fn live() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"up"}"#).into_response()
}

async fn ready(State(checks): State<Checks>) -> Response {
    let report = checks.report().await;
    let status = match report.status {
        Health::Up => StatusCode::OK,
        Health::Down => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(report)).into_response()
}
