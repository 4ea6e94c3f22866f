//! Messages: the provider's hook emits `actual` to a pact that expects `expected`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contracts::store::Pact;
use contracts::verify::{Options, Provider, verify};
use pact_models::PactSpecification;
use pact_models::interaction::message_interaction_from_json;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cases::{Case, agree, cases};

#[tokio::test]
async fn messages_are_judged_as_the_specification_says() {
    let cases = cases("message");
    let pacts: Vec<Pact> = cases.iter().map(pact).collect();
    let answers: HashMap<String, Emitted> = cases.iter().map(|case| (case.name.clone(), emitted(case))).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: reqwest::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().route("/", post(hook)).with_state(Arc::new(answers));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut provider = Provider::new("provider", base.clone());
    provider.messages_url = Some(base);
    let options = Options { deadline: Duration::from_secs(300), ..Options::default() };
    let result = verify(&provider, &pacts, &options, |_| {}).await;
    server.abort();
    agree(cases, &result, 62, &[]);
}

async fn hook(State(answers): State<Arc<HashMap<String, Emitted>>>, Json(asked): Json<Value>) -> Emitted {
    answers[asked["description"].as_str().unwrap()].clone()
}

fn pact(case: &Case) -> Pact {
    let mut interaction = case.expected.clone();
    interaction["description"] = json!(case.name);
    if case.is_version_4() {
        interaction["type"] = json!("Asynchronous/Messages");
        return case.pact("interactions", &interaction);
    }
    case.pact("messages", &interaction)
}

type Emitted = (HeaderMap, Vec<u8>);

/// What the hook answers.
fn emitted(case: &Case) -> Emitted {
    let version = if case.is_version_4() { PactSpecification::V4 } else { PactSpecification::V3 };
    let mut document = case.actual.clone();
    document["type"] = json!("Asynchronous/Messages");
    document["description"] = json!("a case");
    let message = message_interaction_from_json("actual", &document, &version).unwrap();
    let contents = message.as_v4_async_message().unwrap().contents.contents;
    let mut headers = HeaderMap::new();
    let metadata: Value = case.actual.get("metaData").or(case.actual.get("metadata")).cloned().unwrap_or(json!({}));
    headers.insert("pact-message-metadata", STANDARD.encode(metadata.to_string()).parse().unwrap());
    if let Some(content_type) = contents.content_type() {
        headers.insert("content-type", content_type.to_string().parse().unwrap());
    }
    (headers, contents.value().unwrap_or_default().to_vec())
}
