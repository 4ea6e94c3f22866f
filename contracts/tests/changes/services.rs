//! The real services, each behind a layer that makes one planted change.

use std::collections::HashMap;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contracts::result::{InteractionResult, VerificationResult};
use contracts::store::Pact;
use contracts::verify::{Options, Provider, verify};
use platform::testing::TestApp;
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::change::Change;
use super::exchange::Exchange;

const MESSAGES: &str = "/_contract/messages";
const STATES: &str = "/_contract/states";
const METADATA: HeaderName = HeaderName::from_static("pact-message-metadata");
/// Largest body of these tests, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Services that were started so far; each is used for all of its changes.
#[derive(Default)]
pub(crate) struct Services(HashMap<&'static str, TestApp>);

impl Services {
    /// Replays the pacts on the provider as the change makes it.
    pub(crate) async fn replay(&mut self, change: &Change, pacts: &[Pact]) -> VerificationResult {
        let router = self.router(change.provider).await;
        let rewrite = change.rewrite;
        let changed = Router::new().fallback(move |request: Request| pass(router.clone(), rewrite, request));
        let base = serve(changed).await.unwrap();
        let mut provider = Provider::new(change.provider, base.parse().unwrap());
        provider.states_url = Some(format!("{base}{STATES}").parse().unwrap());
        provider.messages_url = Some(format!("{base}{MESSAGES}").parse().unwrap());
        provider.version = "2".into();
        verify(&provider, pacts, &Options::default(), |_: &InteractionResult| {}).await
    }

    async fn router(&mut self, name: &'static str) -> Router {
        if name == "gateway" && !self.0.contains_key(name) {
            self.start_gateway().await.unwrap();
        }
        self.started(name).await.unwrap().router()
    }

    async fn started(&mut self, name: &'static str) -> anyhow::Result<&TestApp> {
        if !self.0.contains_key(name) {
            self.0.insert(name, start(name, &[]).await?);
        }
        Ok(&self.0[name])
    }

    /// The gateway answers for the services behind it, so all of them are served to it.
    async fn start_gateway(&mut self) -> anyhow::Result<()> {
        let payments = serve(self.started("payments-sim").await?.router()).await?;
        self.0.insert("order", start("order", &[("PAYMENTS_URL", &payments)]).await?);
        let behind = [
            ("AUTH_URL", "auth"),
            ("USERS_URL", "users"),
            ("GIG_URL", "gig"),
            ("CHAT_URL", "chat"),
            ("ORDER_URL", "order"),
            ("REVIEW_URL", "review"),
        ];
        let mut urls = Vec::new();
        for (variable, name) in behind {
            urls.push((variable, serve(self.started(name).await?.router()).await?));
        }
        let urls: Vec<(&str, &str)> = urls.iter().map(|(variable, url)| (*variable, url.as_str())).collect();
        self.0.insert("gateway", start("gateway", &urls).await?);
        Ok(())
    }
}

/// Serves for as long as the test runs.
async fn serve(router: Router) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    // Ends with the runtime of the test.
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Ok(url)
}

async fn start(name: &'static str, variables: &[(&str, &str)]) -> anyhow::Result<TestApp> {
    let mut all = vec![
        ("CONTRACT_HOOKS", "1"),
        ("ALLOW_SEED", "1"),
        ("ARGON2_MEMORY_KIB", "8"),
        ("ARGON2_ITERATIONS", "1"),
        ("JWT_SECRET", "only for these tests: signs the users' sessions"),
    ];
    all.extend(variables);
    match name {
        "auth" => TestApp::start(name, &all, auth::app).await,
        "chat" => TestApp::start(name, &all, chat::app).await,
        "gateway" => TestApp::start(name, &all, gateway::app).await,
        "gig" => TestApp::start(name, &all, gig::app).await,
        "order" => TestApp::start(name, &all, order::app).await,
        "payments-sim" => TestApp::start(name, &all, payments_sim::app).await,
        "review" => TestApp::start(name, &all, review::app).await,
        "users" => TestApp::start(name, &all, users::app).await,
        other => anyhow::bail!("`{other}` is not a service of these tests"),
    }
}

/// Lets the service answer, and changes what it answers to everything but its state hook.
async fn pass(router: Router, rewrite: fn(&mut Exchange), request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let asked = to_bytes(body, MAX_BODY).await.unwrap();
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let response = match router.oneshot(Request::from_parts(parts, Body::from(asked.clone()))).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if uri.path() == STATES {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap();
    let mut exchange = Exchange {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        request: json(&asked),
        status: parts.status,
        metadata: parts.headers.get(METADATA).map(decoded),
        headers: parts.headers,
        body: json(&body),
    };
    let before = exchange.body.clone();
    rewrite(&mut exchange);
    let Exchange { status, mut headers, metadata, .. } = exchange;
    if let Some(metadata) = metadata {
        let encoded = STANDARD.encode(Value::Object(metadata).to_string());
        headers.insert(METADATA, HeaderValue::from_str(&encoded).unwrap());
    }
    headers.remove(header::CONTENT_LENGTH);
    // What was not JSON, and what was not touched, goes out as it came.
    let body = if exchange.body == before { body } else { Bytes::from(exchange.body.to_string()) };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn json(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn decoded(header: &HeaderValue) -> serde_json::Map<String, Value> {
    serde_json::from_slice(&STANDARD.decode(header).unwrap()).unwrap()
}
