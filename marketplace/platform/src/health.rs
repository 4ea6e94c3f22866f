//! `/health/live`, `/health/ready` and `/metrics`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use crate::database::Database;

/// How long the database may take to answer a readiness check.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Says whether one background connection is up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beacon(Arc<AtomicBool>);

impl Beacon {
    pub(crate) fn up(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn down(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn is_up(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What readiness depends on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependencies {
    pub(crate) database: Option<Database>,
    /// Relay and consumers; ready means all of them are.
    pub(crate) broker: Vec<Beacon>,
}

impl Dependencies {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .route("/metrics", get(metrics))
            .with_state(Arc::new(self))
    }
}

async fn live() -> Json<Value> {
    Json(json!({ "status": "up" }))
}

async fn ready(State(dependencies): State<Arc<Dependencies>>) -> Response {
    let mut states = Map::new();
    if let Some(database) = &dependencies.database {
        let answer = tokio::time::timeout(PING_TIMEOUT, database.ping()).await;
        states.insert("database".to_owned(), json!(word(matches!(answer, Ok(Ok(()))))));
    }
    if !dependencies.broker.is_empty() {
        states.insert("broker".to_owned(), json!(word(dependencies.broker.iter().all(Beacon::is_up))));
    }
    let up = states.values().all(|state| state == word(true));
    let status = if up { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "status": word(up), "dependencies": states }))).into_response()
}

const fn word(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}

async fn metrics(headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let (content_type, page) = telemetry::metrics::exposition(accept);
    ([(header::CONTENT_TYPE, content_type)], page).into_response()
}
