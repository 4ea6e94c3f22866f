//! A provider and pacts small enough to read in one go.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{any, post};
use contracts::result::{InteractionResult, VerificationResult};
use contracts::store::{Pact, load_file};
use contracts::verify::{Options, Provider, verify};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A running provider; requests and calls of the state hook are kept.
pub(crate) struct Shop {
    pub(crate) provider: Provider,
    pub(crate) seen: Arc<Seen>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: Mutex<Vec<(String, HeaderMap, Bytes)>>,
    pub(crate) states: Mutex<Vec<Value>>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shop {
    /// `answer` makes what the provider answers to everything but its hooks.
    pub(crate) async fn start(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Seen::default());
        let router = Router::new()
            .route("/states", post(states))
            .route("/states-that-fail", post(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "no database") }))
            .route("/hang", any(std::future::pending::<()>))
            .fallback(move |State(seen): State<Arc<Seen>>, request: Request| async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                seen.requests.lock().unwrap().push((parts.uri.to_string(), parts.headers, body));
                if parts.uri.path() == "/hang" {
                    std::future::pending::<()>().await;
                }
                answer()
            })
            .with_state(Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut provider = Provider::new("shop", base.parse().unwrap());
        provider.states_url = Some(format!("{base}/states").parse().unwrap());
        provider.messages_url = Some(format!("{base}/messages").parse().unwrap());
        Self { provider, seen, server }
    }

    /// Replays pacts with short time-outs.
    pub(crate) async fn verify(&self, pacts: &[Pact]) -> VerificationResult {
        verify(&self.provider, pacts, &quick(), |_: &InteractionResult| {}).await
    }

    /// Replays one interaction and returns its mismatches as text.
    pub(crate) async fn mismatches(&self, interaction: Value) -> Vec<String> {
        let result = self.verify(&[pact(json!([interaction]))]).await;
        assert_eq!(result.interactions.len(), 1, "{result:?}");
        texts(&result.interactions[0])
    }
}

pub(crate) fn quick() -> Options {
    Options { timeout: Duration::from_millis(500), ..Options::default() }
}

pub(crate) fn texts(result: &InteractionResult) -> Vec<String> {
    result.mismatches.iter().map(ToString::to_string).collect()
}

async fn states(State(seen): State<Arc<Seen>>, body: String) -> String {
    let call: Value = serde_json::from_str(&body).unwrap();
    let reply = if call["state"] == "a token exists" { r#"{"token":"t-42"}"# } else { "" };
    seen.states.lock().unwrap().push(call);
    reply.to_owned()
}

/// A JSON answer.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &Value) -> Response {
    let mut builder = Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.to_string().into()).unwrap()
}

/// The pact of `mail` with `shop`.
pub(crate) fn pact(interactions: Value) -> Pact {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "mail-shop.json", &document(interactions));
    load_file(&path).unwrap()
}

pub(crate) fn document(interactions: Value) -> Value {
    json!({
        "consumer": { "name": "mail" },
        "provider": { "name": "shop" },
        "interactions": interactions,
        "metadata": { "pactSpecification": { "version": "4.0" } },
    })
}

pub(crate) fn write(dir: &Path, name: &str, content: &Value) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content.to_string()).unwrap();
    path
}

/// `GET /orders/7`: an order with an integer total, a currency of three capitals, and lines of at least one.
pub(crate) fn order() -> Value {
    json!({
        "type": "Synchronous/HTTP",
        "description": "the order",
        "request": { "method": "GET", "path": "/orders/7", "query": { "full": ["a b&c"] } },
        "response": {
            "status": 200,
            "headers": { "content-type": ["application/json"], "x-page": ["1"] },
            "body": {
                "contentType": "application/json",
                "content": { "total": 1200, "currency": "EUR", "lines": [{ "title": "logo" }] },
            },
            "matchingRules": {
                "header": { "x-page": { "combine": "AND", "matchers": [{ "match": "regex", "regex": "^[0-9]+$" }] } },
                "body": {
                    "$.total": { "combine": "AND", "matchers": [{ "match": "integer" }] },
                    "$.currency": { "combine": "AND", "matchers": [{ "match": "regex", "regex": "^[A-Z]{3}$" }] },
                    "$.lines": { "combine": "AND", "matchers": [{ "match": "type", "min": 1 }] },
                    "$.lines[*].*": { "combine": "AND", "matchers": [{ "match": "type" }] },
                },
            },
        },
    })
}

/// The message `an order was paid`, with patterns in body and metadata.
pub(crate) fn paid() -> Value {
    json!({
        "type": "Asynchronous/Messages",
        "description": "an order was paid",
        "contents": { "contentType": "application/json", "content": { "order": "o-7", "total": 1200 } },
        "metadata": { "type": "shop.order-paid.v1", "id": "1", "contentType": "application/json" },
        "matchingRules": {
            "body": {
                "$.order": { "combine": "AND", "matchers": [{ "match": "type" }] },
                "$.total": { "combine": "AND", "matchers": [{ "match": "integer" }] },
            },
            "metadata": { "$.id": { "combine": "AND", "matchers": [{ "match": "regex", "regex": "^[0-9]+$" }] } },
        },
    })
}
