//! The front door of the toy system that the harness's own tests run and break: takes visits and hands them to the
//! counter, which is written in Python.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::{get, post};
use tokio::signal::unix::{SignalKind, signal};

/// Longest wait for the counter.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Counter {
    client: telemetry::http::Client,
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::init(telemetry::Config::from_env("front"))?;
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let counter = Counter { client: telemetry::http::Client::new(http), url: std::env::var("COUNTER_URL")? };
    let app = Router::new()
        .route("/visits", post(record))
        .route("/visits/{id}", get(read))
        .with_state(counter)
        .layer(telemetry::http::server_layer())
        // Outside of the layer: whoever asks for readiness asks often, and is no client.
        .route("/health/ready", get(async || "up"));
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN_ADDR")?).await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    telemetry.shutdown_async(PATIENCE).await;
    Ok(())
}

type Answer = (StatusCode, [(HeaderName, &'static str); 1], Bytes);

async fn record(State(counter): State<Counter>, body: Bytes) -> Answer {
    let request = counter.client.post(format!("{}/visits", counter.url));
    forward(request.header(header::CONTENT_TYPE, "application/json").body(body)).await
}

async fn read(State(counter): State<Counter>, Path(id): Path<String>) -> Answer {
    forward(counter.client.get(format!("{}/visits/{id}", counter.url)).route("/visits/{id}")).await
}

async fn forward(request: telemetry::http::RequestBuilder) -> Answer {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let answer = async {
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status(), response.bytes().await?))
    };
    match answer.await {
        Ok((status, body)) => (status, json, body),
        // Whether the counter did it, nobody knows; a client has to ask again.
        Err(_) => (StatusCode::BAD_GATEWAY, json, Bytes::from_static(br#"{"message":"the counter does not answer"}"#)),
    }
}
