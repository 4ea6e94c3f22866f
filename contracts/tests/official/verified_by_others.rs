//! Pacts that were recorded here, verified by the official command line: each provider of the marketplace as a whole.

use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use contracts::store::{Pact, load_dir};
use platform::testing::TestApp;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::cli::{Done, pact};
use crate::shop::serve;

const HOOKS: &[(&str, &str)] = &[("CONTRACT_HOOKS", "1"), ("ALLOW_SEED", "1")];

/// Interactions that the provider has to honour, read as the verifier of this repository reads them.
fn expected(provider: &str) -> Vec<Pact> {
    let pacts = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("pacts")).unwrap();
    pacts.into_iter().filter(|pact| pact.provider == provider).collect()
}

/// The official verifier on all pacts of `provider`, with its report.
async fn verify(provider: &str, pacts: &[Pact], http: SocketAddr, messages: SocketAddr) -> (Done, Value) {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    let (http_port, states) = (http.port().to_string(), format!("http://{http}/_contract/states"));
    let (transport, report_file) = (format!("message:{}", messages.port()), report.display().to_string());
    let mut arguments = vec!["verifier", "--provider-name", provider, "--hostname", "127.0.0.1", "--port", &http_port];
    arguments.extend(["--transports", &transport, "--state-change-url", &states, "--state-change-teardown"]);
    arguments.extend(["--json", &report_file, "--no-colour"]);
    let files: Vec<String> = pacts.iter().map(|pact| pact.path.display().to_string()).collect();
    for file in &files {
        arguments.extend(["--file", file]);
    }
    let done = pact(&arguments).await;
    let report = std::fs::read(report).unwrap_or_else(|error| panic!("no report: {error}\n{}", done.said));
    (done, serde_json::from_slice(&report).unwrap())
}

/// The official verifier asks for messages at the root of a port of their own; here they have a path.
fn messages(service: Router) -> Router {
    Router::new().fallback(move |mut request: Request| async move {
        *request.uri_mut() = "/_contract/messages".parse().unwrap();
        service.oneshot(request).await
    })
}

async fn honours(provider: &'static str, service: &TestApp) {
    let (http, asked) = (serve(service.router()).await, serve(messages(service.router())).await);
    let pacts = expected(provider);
    let interactions: usize = pacts.iter().map(|pact| pact.interactions.len()).sum();
    assert!(interactions > 0, "no pact expects anything of `{provider}`");
    let (done, report) = verify(provider, &pacts, http, asked).await;
    done.well();
    let verified = report["interactionResults"].as_array().map_or(&[][..], Vec::as_slice);
    let held = verified.iter().filter(|each| each["result"] == "OK").count();
    assert_eq!((verified.len(), held), (interactions, interactions), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn auth_is_verified_as_a_whole() {
    let cheap = [HOOKS, &[("ARGON2_MEMORY_KIB", "8"), ("ARGON2_ITERATIONS", "1")]].concat();
    honours("auth", &TestApp::start("auth", &cheap, auth::app).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_is_verified_as_a_whole() {
    honours("users", &TestApp::start("users", HOOKS, users::app).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gig_is_verified_as_a_whole() {
    honours("gig", &TestApp::start("gig", HOOKS, gig::app).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_is_verified_as_a_whole() {
    honours("chat", &TestApp::start("chat", HOOKS, chat::app).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn review_is_verified_as_a_whole() {
    honours("review", &TestApp::start("review", HOOKS, review::app).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_verified_as_a_whole_with_its_payment_provider() {
    let payments = TestApp::start("payments-sim", &[], payments_sim::app).await.unwrap();
    let payments_url = format!("http://{}", serve(payments.router()).await);
    let variables = [HOOKS, &[("PAYMENTS_URL", payments_url.as_str())]].concat();
    honours("order", &TestApp::start("order", &variables, order::app).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_that_renames_a_field_is_refused() {
    let users = TestApp::start("users", HOOKS, users::app).await.unwrap();
    let renaming = |service: Router, from: &'static str, to: &'static str| {
        Router::new().fallback(move |request: Request| async move {
            let (mut parts, body) = service.oneshot(request).await.unwrap().into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            parts.headers.remove("content-length");
            Response::from_parts(parts, Body::from(String::from_utf8_lossy(&body).replace(from, to)))
        })
    };
    let http = serve(renaming(users.router(), "\"username\"", "\"userName\"")).await;
    let asked = serve(messages(renaming(users.router(), "seller", "vendor"))).await;
    let (done, report) = verify("users", &expected("users"), http, asked).await;
    assert_eq!(report["result"], false, "{report:#}");
    done.badly("username");
}
