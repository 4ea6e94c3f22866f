//! Requests: the consumer sends `actual` to a stand-in for the provider that expects `expected`.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use pact_models::PactSpecification;
use pact_models::interaction::http_interaction_from_json;
use pact_models::v4::http_parts::HttpRequest;
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};

use crate::cases::{Case, cases, judge};
use crate::response::headers;

/// Cases that are judged otherwise, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "request/path/empty path found when forward slash expected.json",
    "a request over HTTP has no empty path: it is sent as `/`",
)];

#[tokio::test]
async fn requests_are_judged_as_the_specification_says() {
    let client = Client::new();
    let mut judged = Vec::new();
    for case in cases("request") {
        let mut interaction =
            json!({ "description": "a case", "request": case.expected, "response": { "status": 200 } });
        if case.is_version_4() {
            interaction["type"] = json!("Synchronous/HTTP");
        }
        let pact = HttpPact::of(&case.pact("interactions", &interaction));
        let dir = tempfile::tempdir().unwrap();
        let recorder = Recorder::into_dir(dir.path());
        let sent = pact.exercise(&recorder, |base| send(&client, base, &case)).await;
        let mismatches = match sent {
            Ok(()) => Vec::new(),
            Err(error @ Error::UnexpectedRequest { .. }) => vec![error.to_string()],
            Err(other) => panic!("{}: {other}", case.name),
        };
        judged.push((case, mismatches));
    }
    judge(&judged, 384, EXCEPTIONS);
}

async fn send(client: &Client, base: Url, case: &Case) -> Result<(), reqwest::Error> {
    let version = if case.is_version_4() { PactSpecification::V4 } else { specification(case.version) };
    let document = json!({ "type": "Synchronous/HTTP", "description": "a case", "request": case.actual });
    let request = http_interaction_from_json("actual", &document, &version).unwrap().as_v4_http().unwrap().request;
    let method = Method::from_bytes(case.actual["method"].as_str().unwrap_or("GET").as_bytes()).unwrap();
    let mut call = client.request(method, target(base, &request));
    let headers = headers(&case.actual);
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    for (name, value) in headers {
        call = call.header(name, value);
    }
    if let Some(content_type) = case.actual.pointer("/body/contentType").and_then(Value::as_str)
        && case.is_version_4()
        && !typed
    {
        call = call.header("content-type", content_type);
    }
    call.body(request.body.value().unwrap_or_default()).send().await.map(drop)
}

fn specification(version: &str) -> PactSpecification {
    match version {
        "1.0.0" => PactSpecification::V1,
        "1.1.0" => PactSpecification::V1_1,
        "2.0.0" => PactSpecification::V2,
        _ => PactSpecification::V3,
    }
}

fn target(mut url: Url, request: &HttpRequest) -> Url {
    url.set_path(&request.path);
    for (name, values) in request.query.iter().flatten() {
        for value in values {
            match value {
                Some(value) => url.query_pairs_mut().append_pair(name, value),
                None => url.query_pairs_mut().append_key_only(name),
            };
        }
    }
    url
}
