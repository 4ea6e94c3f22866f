//! Replay of a request: generated, sent, its response compared.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use pact_matching::{generate_request, match_response};
use pact_models::bodies::OptionalBody;
use pact_models::content_types::ContentType;
use pact_models::generators::GeneratorTestMode;
use pact_models::headers::parse_header;
use pact_models::interaction::Interaction as _;
use pact_models::pact::Pact as _;
use pact_models::v4::http_parts::{HttpRequest, HttpResponse};
use pact_models::v4::pact::V4Pact;
use pact_models::v4::synch_http::SynchronousHttp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};
use serde_json::Value;
use tokio::time::Instant;

use super::exchange::{Exchange, Trace};
use super::judge;
use super::mismatch::{Mismatch, Part, from_engine};
use super::nesting;
use super::provider::Provider;
use super::states::Values;

/// Sends the request and returns what differs in the response.
pub(super) async fn replay(
    exchange: Exchange<'_>,
    provider: &Provider,
    interaction: &SynchronousHttp,
    values: &Values,
    trace: &Trace,
) -> Vec<Mismatch> {
    let context: HashMap<&str, Value> = values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let generated = generate_request(&interaction.request, &GeneratorTestMode::Provider, &context).await;
    let what = format!("`{} {}`", generated.method, generated.path);
    let request = match build(provider, &generated, trace) {
        Ok(request) => request,
        Err(reason) => return vec![Mismatch::new(Part::Pact, "", format!("{what} cannot be sent: {reason}"))],
    };
    match exchange.send(request, &what).await {
        Ok(reply) => judged(interaction, reply.status, reply.headers, reply.body, exchange.until).await,
        Err(failure) => vec![failure],
    }
}

/// What differs between an answer and the one that is expected, found until a moment.
pub(crate) async fn judged(
    interaction: &SynchronousHttp,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    until: Instant,
) -> Vec<Mismatch> {
    if let Some(refused) = nesting::refused(interaction.response.body.value().as_ref(), &body) {
        return vec![refused];
    }
    let interaction = interaction.clone();
    judge::within(until, move || async move { compare(&interaction, status, &headers, &body).await }).await
}

async fn compare(interaction: &SynchronousHttp, status: u16, headers: &HeaderMap, body: &Bytes) -> Vec<Mismatch> {
    let actual = response(status, headers, body);
    let expected_body = interaction.response.body.value();
    let (pact, boxed) = (V4Pact::default().boxed(), interaction.boxed());
    match match_response(interaction.response.clone(), actual, &pact, &boxed).await {
        Ok(found) => from_engine(found, expected_body.as_ref(), body),
        Err(error) => vec![Mismatch::new(Part::Pact, "", format!("the response cannot be compared: {error}"))],
    }
}

fn response(status: u16, headers: &HeaderMap, body: &Bytes) -> HttpResponse {
    let mut values: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in headers {
        let parsed = parse_header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        values.entry(name.as_str().to_owned()).or_default().extend(parsed);
    }
    HttpResponse {
        status,
        headers: Some(values),
        body: body_of(body, headers.get("content-type").and_then(|value| value.to_str().ok())),
        ..HttpResponse::default()
    }
}

/// A body with the content type that its header names.
pub(super) fn body_of(body: &Bytes, content_type: Option<&str>) -> OptionalBody {
    let content_type = content_type.and_then(|value| ContentType::parse(value).ok());
    if body.is_empty() { OptionalBody::Empty } else { OptionalBody::Present(body.clone(), content_type, None) }
}

fn build(provider: &Provider, generated: &HttpRequest, trace: &Trace) -> Result<Request, String> {
    let method = Method::from_bytes(generated.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| format!("`{}` is not a method", generated.method))?;
    let mut request = Request::new(method, target(&provider.base_url, generated)?);
    *request.headers_mut() = headers(provider, generated, trace)?;
    if let Some(body) = generated.body.value() {
        *request.body_mut() = Some(body.into());
    }
    Ok(request)
}

fn target(base: &Url, generated: &HttpRequest) -> Result<Url, String> {
    let mut url = base.clone();
    if url.cannot_be_a_base() {
        return Err(format!("`{base}` is not a base URL, expected http://host:port"));
    }
    url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), generated.path));
    url.set_query(None);
    let query: BTreeMap<&String, &Vec<Option<String>>> = generated.query.iter().flatten().collect();
    for (name, values) in query {
        for value in values {
            match value {
                Some(value) => url.query_pairs_mut().append_pair(name, value),
                None => url.query_pairs_mut().append_key_only(name),
            };
        }
    }
    Ok(url)
}

fn headers(provider: &Provider, generated: &HttpRequest, trace: &Trace) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in generated.headers.iter().flatten() {
        set(&mut headers, name, &values.join(", "))?;
    }
    if let Some(content_type) = generated.content_type().filter(|_| generated.body.is_present()) {
        default(&mut headers, "content-type", &content_type.to_string())?;
    }
    // The trace is always a fresh one; a correlation id in the pact may be part of what the consumer expects back.
    set(&mut headers, "traceparent", &trace.traceparent)?;
    default(&mut headers, "x-correlation-id", &trace.correlation_id)?;
    for (name, value) in &provider.headers {
        default(&mut headers, name, value)?;
    }
    Ok(headers)
}

fn default(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    if headers.contains_key(name) { Ok(()) } else { set(headers, name, value) }
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let key: HeaderName = name.parse().map_err(|_| format!("`{name}` is not a header name"))?;
    let value =
        HeaderValue::from_str(value).map_err(|_| format!("the value of header `{name}` has control characters"))?;
    headers.insert(key, value);
    Ok(())
}
