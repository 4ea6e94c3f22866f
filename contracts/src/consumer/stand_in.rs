//! A server that answers as a pact says, in place of the provider.
//!
//! Our own, because the mock server of `pact_consumer` writes files when it is dropped, whatever the consumer's code
//! said, and reports its use to an outside host.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use pact_matching::match_request;
use pact_models::bodies::OptionalBody;
use pact_models::content_types::ContentType;
use pact_models::headers::parse_header;
use pact_models::interaction::Interaction as _;
use pact_models::pact::Pact as _;
use pact_models::query_strings::parse_query_string;
use pact_models::v4::http_parts::{HttpRequest, HttpResponse};
use pact_models::v4::pact::V4Pact;
use pact_models::v4::synch_http::SynchronousHttp;
use reqwest::Url;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Largest request that is read, in bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;

pub(super) struct StandIn {
    url: Url,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    interactions: Vec<SynchronousHttp>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    uses: HashMap<usize, usize>,
    unexpected: Option<(String, String)>,
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StandIn {
    pub(super) async fn start(interactions: Vec<SynchronousHttp>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = Url::parse(&format!("http://{}", listener.local_addr()?)).map_err(io::Error::other)?;
        let shared = Arc::new(Shared { interactions, seen: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        // Serving only ends with the abort below; there is nothing to report to then.
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap_or_default() });
        Ok(Self { url, shared, server })
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    /// The first request that nothing describes, with the reason, and the first interaction that nobody used.
    pub(super) fn stop(self) -> (Option<(String, String)>, Option<String>) {
        let mut seen = self.shared.seen();
        let unused = self.shared.interactions.iter().enumerate().find(|(index, _)| !seen.uses.contains_key(index));
        (seen.unexpected.take(), unused.map(|(_, interaction)| interaction.description.clone()))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let actual = match received(request).await {
        Ok(actual) => actual,
        Err(reason) => return (StatusCode::PAYLOAD_TOO_LARGE, reason).into_response(),
    };
    let name = format!("{} {}", actual.method, actual.path);
    let mut nearest: Option<(usize, String)> = None;
    let mut matching = Vec::new();
    for (index, interaction) in shared.interactions.iter().enumerate() {
        let mismatches = match compare(interaction, &actual).await {
            Ok(mismatches) => mismatches,
            Err(reason) => vec![reason],
        };
        if mismatches.is_empty() {
            matching.push(index);
        } else if nearest.as_ref().is_none_or(|(distance, _)| mismatches.len() < *distance) {
            let reason = format!("`{}` has {}", interaction.description, mismatches.join("; "));
            nearest = Some((mismatches.len(), reason));
        }
    }
    let mut seen = shared.seen();
    // The same request may be described in several states: each gets its turn.
    let Some(index) = matching.into_iter().min_by_key(|index| seen.uses.get(index).copied().unwrap_or_default()) else {
        let reason = nearest.map(|(_, reason)| reason).unwrap_or_default();
        seen.unexpected.get_or_insert_with(|| (name.clone(), reason.clone()));
        return (StatusCode::INTERNAL_SERVER_ERROR, format!("no interaction describes {name}: {reason}"))
            .into_response();
    };
    *seen.uses.entry(index).or_default() += 1;
    drop(seen);
    respond(&shared.interactions[index].response)
}

async fn compare(interaction: &SynchronousHttp, actual: &HttpRequest) -> Result<Vec<String>, String> {
    let (pact, boxed) = (V4Pact::default().boxed(), interaction.boxed());
    let result = match_request(interaction.request.clone(), actual.clone(), &pact, &boxed)
        .await
        .map_err(|error| error.to_string())?;
    let mut mismatches: Vec<String> = result.mismatches().iter().map(pact_matching::Mismatch::description).collect();
    mismatches.sort_unstable();
    Ok(mismatches)
}

async fn received(request: Request) -> Result<HttpRequest, String> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.map_err(|error| format!("the request cannot be read: {error}"))?;
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in &parts.headers {
        let values = parse_header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        headers.entry(name.as_str().to_owned()).or_default().extend(values);
    }
    let content_type = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.and_then(|value| ContentType::parse(value).ok());
    Ok(HttpRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().and_then(parse_query_string),
        headers: Some(headers),
        body: if body.is_empty() { OptionalBody::Empty } else { OptionalBody::Present(body, content_type, None) },
        ..HttpRequest::default()
    })
}

fn respond(response: &HttpResponse) -> Response {
    let mut builder = Response::builder().status(response.status);
    let headers = response.headers.iter().flatten();
    for (name, values) in headers {
        for value in values {
            builder = builder.header(name, value);
        }
    }
    let typed = response.headers.iter().flatten().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(content_type) = response.content_type().filter(|_| !typed && response.body.is_present()) {
        builder = builder.header("content-type", content_type.to_string());
    }
    builder
        .body(Body::from(response.body.value().unwrap_or_default()))
        .unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response())
}
