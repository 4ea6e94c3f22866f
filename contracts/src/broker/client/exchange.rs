//! One request and its answer: bounded, and an error with the address when it is not what was expected.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

use super::Client;
use super::document::Document;
use crate::broker::{BrokerError, Credential};
use crate::canonical::one_line;

/// What a broker speaks; somebody who takes anything would get a page.
const ACCEPTED: &str = "application/hal+json";

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// Most bytes of an answer: a pact of the largest size, written with room to spare.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Most characters of an answer that are shown in an error.
const SHOWN: usize = 300;

pub(super) fn client(base: &Url) -> Result<reqwest::Client, BrokerError> {
    let builder = reqwest::Client::builder()
        // Credentials are for whom they were given.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECTING)
        .user_agent(concat!("Shakedown/", env!("CARGO_PKG_VERSION")));
    // A proxy on the way to this machine itself would ask another one.
    let here = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let builder = if here { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| BrokerError::Remote(format!("no HTTP client for the broker: {error}")))
}

impl Client {
    pub(super) async fn get(&self, url: Url) -> Result<Document, BrokerError> {
        self.send(Method::GET, url, None).await
    }

    pub(super) async fn post(&self, url: Url, body: &Value) -> Result<Document, BrokerError> {
        self.send(Method::POST, url, Some(body)).await
    }

    pub(super) async fn put(&self, url: Url, body: &Value) -> Result<Document, BrokerError> {
        self.send(Method::PUT, url, Some(body)).await
    }

    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Document, BrokerError> {
        let what = format!("{method} {url}");
        let broken = |error: reqwest::Error| BrokerError::Remote(format!("{what}: {}", self.reason(error)));
        let mut request = self.http.request(method, url.clone()).timeout(self.limit).header("accept", ACCEPTED);
        request = match &self.credential {
            Some(Credential::Basic { user, password }) => request.basic_auth(user, Some(password)),
            Some(Credential::Bearer(token)) => request.bearer_auth(token),
            None => request,
        };
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut answer = request.send().await.map_err(broken)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                let message = format!("{what}: the answer has more than {MAX_ANSWER} bytes, which no broker sends");
                return Err(BrokerError::Remote(message));
            }
            bytes.extend_from_slice(&chunk);
        }
        let status = answer.status();
        if !status.is_success() {
            return Err(refusal(&what, status, &answer, &bytes));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value @ Value::Object(_)) => Ok(Document { url, value, bytes: bytes.len() }),
            _ => {
                let shown = shown(&bytes);
                Err(BrokerError::Remote(format!("{what}: expected a HAL document of a contract broker, not `{shown}`")))
            }
        }
    }

    /// The innermost cause, which says what is wrong; the outer ones repeat the address.
    fn reason(&self, error: reqwest::Error) -> String {
        if error.is_timeout() && error.is_connect() {
            return format!("no connection within {:?}", CONNECTING.min(self.limit));
        }
        if error.is_timeout() {
            return format!("no answer within {:?}", self.limit);
        }
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        cause.to_string()
    }
}

/// Why the broker did not do it, in its own words if it has some.
fn refusal(what: &str, status: StatusCode, answer: &reqwest::Response, bytes: &[u8]) -> BrokerError {
    let said = serde_json::from_slice::<Value>(bytes).ok().and_then(|body| said(&body));
    let sentence = match &said {
        Some(said) => format!("{what}: {said} (status {})", status.as_u16()),
        None => format!("{what}: status {}, `{}`", status.as_u16(), shown(bytes)),
    };
    match status {
        StatusCode::UNAUTHORIZED => BrokerError::Remote(format!(
            "{sentence}: expected `--broker-token`, or `--broker-username` with `--broker-password`, that the broker knows"
        )),
        StatusCode::FORBIDDEN => {
            BrokerError::Remote(format!("{sentence}: expected credentials of somebody who may do this"))
        }
        StatusCode::NOT_FOUND => BrokerError::NotFound(said.unwrap_or(sentence)),
        StatusCode::CONFLICT => BrokerError::Conflict(said.unwrap_or(sentence)),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => BrokerError::Invalid(said.unwrap_or(sentence)),
        status if status.is_redirection() => {
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("another place");
            BrokerError::Remote(format!(
                "{what}: leads to `{}`, expected the address of the broker itself",
                one_line(to, SHOWN)
            ))
        }
        _ => BrokerError::Remote(sentence),
    }
}

/// The sentences of an error document: ours and the official broker's have them in different places.
fn said(body: &Value) -> Option<String> {
    let sentences = |value: &Value| -> Option<String> {
        let listed: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            Value::Object(members) => {
                members.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str).collect()
            }
            _ => Vec::new(),
        };
        (!listed.is_empty()).then(|| one_line(&listed.join("; "), SHOWN))
    };
    body.pointer("/error/message").and_then(sentences).or_else(|| body.get("errors").and_then(sentences))
}

fn shown(bytes: &[u8]) -> String {
    one_line(String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]).trim(), SHOWN)
}
