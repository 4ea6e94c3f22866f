//! The front door of the toy system that the harness tests run and break: takes visits and hands them to the counter,
//! which is written in Python.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};

#[derive(Clone)]
struct Counter {
    client: telemetry::http::Client,
    url: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let guard = telemetry::init(telemetry::Config::from_env("front"))?;
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()?;
    let counter = Counter {
        client: telemetry::http::Client::new(http),
        url: std::env::var("COUNTER_URL")?,
    };
    let app = Router::new()
        .route("/visits", post(visit))
        .route("/visits/{id}", get(read))
        .with_state(counter)
        .layer(telemetry::http::server_layer())
        .route("/health/ready", get(|| async { "up" }));
    let listener = tokio::net::TcpListener::bind(std::env::var("LISTEN_ADDR")?).await?;
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    guard.shutdown_async(Duration::from_secs(2)).await;
    Ok(())
}

async fn visit(State(counter): State<Counter>, body: Bytes) -> impl IntoResponse {
    let request = reqwest::Client::new()
        .post(format!("{}/visits", counter.url))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body);
    forward(&counter.client, request).await
}

async fn read(State(counter): State<Counter>, Path(id): Path<String>) -> impl IntoResponse {
    let request = reqwest::Client::new().get(format!("{}/visits/{id}", counter.url));
    forward(&counter.client, request).await
}

async fn forward(
    client: &telemetry::http::Client,
    request: reqwest::RequestBuilder,
) -> impl IntoResponse + use<> {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match client.send(request).await {
        Ok(response) => {
            let status = response.status();
            match response.bytes().await {
                Ok(body) => (status, json, body),
                Err(_) => unavailable(json),
            }
        }
        Err(_) => unavailable(json),
    }
}

type Json = [(header::HeaderName, &'static str); 1];

fn unavailable(json: Json) -> (StatusCode, Json, Bytes) {
    let body = Bytes::from_static(br#"{"message":"the counter does not answer"}"#);
    (StatusCode::BAD_GATEWAY, json, body)
}
