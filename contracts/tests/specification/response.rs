//! Responses: the provider answers `actual` to a pact that expects `expected`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::any;
use contracts::store::Pact;
use contracts::verify::{Options, Provider, verify};
use pact_models::PactSpecification;
use pact_models::interaction::http_interaction_from_json;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::cases::{Case, agree, cases};

/// Cases that are judged otherwise, with the reason. The matching engine's own tests leave these out, too.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "response/body/unexpected xml namespace.json",
    "an element with a namespace is another one for the engine, though nobody expected it to have none",
)];

#[tokio::test]
async fn responses_are_judged_as_the_specification_says() {
    let cases = cases("response");
    let answers: Vec<Answer> = cases.iter().map(Answer::of).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/{case}", any(answer)).with_state(Arc::new(answers));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let pacts: Vec<Pact> = cases.iter().enumerate().map(|(index, case)| pact(index, case)).collect();
    let provider = Provider::new("provider", base.parse().unwrap());
    let options = Options { concurrency: 4, deadline: Duration::from_secs(300), ..Options::default() };
    let result = verify(&provider, &pacts, &options, |_| {}).await;
    server.abort();
    agree(cases, &result, 357, EXCEPTIONS);
}

fn pact(index: usize, case: &Case) -> Pact {
    let mut interaction = json!({
        "description": case.name,
        "request": { "method": "GET", "path": format!("/{index}") },
        "response": case.expected,
    });
    if case.is_version_4() {
        interaction["type"] = json!("Synchronous/HTTP");
    }
    case.pact("interactions", &interaction)
}

/// What the provider sends.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn of(case: &Case) -> Self {
        let version = if case.is_version_4() { PactSpecification::V4 } else { PactSpecification::V3 };
        let document = json!({ "type": "Synchronous/HTTP", "description": "a case", "response": case.actual });
        let response =
            http_interaction_from_json("actual", &document, &version).unwrap().as_v4_http().unwrap().response;
        let mut headers = headers(&case.actual);
        let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        // A case of version 4 may name the type of the body beside the body only.
        if let Some(content_type) = case.actual.pointer("/body/contentType").and_then(Value::as_str)
            && case.is_version_4()
            && !typed
        {
            headers.push(("content-type".into(), content_type.into()));
        }
        Self { status: response.status, headers, body: response.body.value().unwrap_or_default().to_vec() }
    }
}

/// Headers as they stand in a case: a text or a list of them.
pub(crate) fn headers(actual: &Value) -> Vec<(String, String)> {
    let members = actual["headers"].as_object().into_iter().flatten();
    // A value that goes on in the next line is one line where it is sent: HTTP has given up folding.
    let text = |value: &Value| value.as_str().map(|text| text.replace('\n', " ")).unwrap();
    members
        .flat_map(|(name, value)| match value {
            Value::Array(values) => values.iter().map(|value| (name.clone(), text(value))).collect(),
            one => vec![(name.clone(), text(one))],
        })
        .collect()
}

async fn answer(Path(case): Path<usize>, State(answers): State<Arc<Vec<Answer>>>) -> Response {
    let answer = &answers[case];
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body.clone())).unwrap()
}
