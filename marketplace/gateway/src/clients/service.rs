//! One service behind the gateway: how it is called.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use platform::outbound::Outbound;
use platform::token::InternalTokens;
use platform::{Backoff, Caller};
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use telemetry::http::Client;

use super::error::{CallError, Problem};

/// How long the gateway waits, and how often it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For one attempt, from connecting to the last byte.
    pub attempt: Duration,
    /// For all attempts of a call together.
    pub total: Duration,
    /// Attempts of a GET. Anything else is tried once: it may have taken effect without an answer.
    pub attempts: u32,
    /// Upper bound of the first pause; it doubles with each attempt.
    pub pause: Duration,
    /// Most calls that wait for this service at the same time: one that hangs must not take all there is room for.
    pub at_once: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(3),
            total: Duration::from_secs(5),
            attempts: 3,
            pause: Duration::from_millis(50),
            at_once: 256,
        }
    }
}

/// A service behind the gateway.
#[derive(Clone, Debug)]
pub struct Service {
    name: &'static str,
    base: Arc<str>,
    http: Client,
    tokens: InternalTokens,
    patience: Patience,
    outbound: Outbound,
}

impl Service {
    /// The service `name` below `base` (`http://host:port`). Each request carries a token for it, signed with `tokens`.
    #[must_use]
    pub fn new(name: &'static str, base: &str, http: Client, tokens: InternalTokens) -> Self {
        let patience = Patience::default();
        let outbound = Outbound::new(patience.at_once);
        Self { name, base: base.trim_end_matches('/').into(), http, tokens, patience, outbound }
    }

    /// The same service, with other limits.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self.outbound = Outbound::new(patience.at_once);
        self
    }

    /// A GET of `template`, whose `{...}` segments are filled with `values` in order.
    pub fn get(&self, template: &'static str, values: &[&str]) -> Call<'_> {
        self.call(Method::GET, template, values)
    }

    /// A POST, see [`get`](Self::get).
    pub fn post(&self, template: &'static str, values: &[&str]) -> Call<'_> {
        self.call(Method::POST, template, values)
    }

    /// A PUT, see [`get`](Self::get).
    pub fn put(&self, template: &'static str, values: &[&str]) -> Call<'_> {
        self.call(Method::PUT, template, values)
    }

    /// A DELETE, see [`get`](Self::get).
    pub fn delete(&self, template: &'static str, values: &[&str]) -> Call<'_> {
        self.call(Method::DELETE, template, values)
    }

    fn call(&self, method: Method, template: &'static str, values: &[&str]) -> Call<'_> {
        Call {
            service: self,
            method,
            template,
            url: fill(&self.base, template, values),
            query: None,
            body: Ok(None),
            idempotency_key: None,
        }
    }
}

/// Fills the `{...}` segments of a template, each value percent-encoded as one segment.
fn fill(base: &str, template: &str, values: &[&str]) -> Result<Url, String> {
    let mut url = Url::parse(base).map_err(|error| format!("base `{base}`: {error}"))?;
    let mut values = values.iter();
    {
        let mut path = url.path_segments_mut().map_err(|()| format!("base `{base}` cannot have a path"))?;
        path.pop_if_empty();
        for segment in template.split('/').skip(1) {
            if !segment.starts_with('{') {
                path.push(segment);
                continue;
            }
            match values.next() {
                // A dot segment would be taken for a way up or vanish.
                Some(&("" | "." | "..")) | None => {
                    return Err(format!("`{segment}` of `{template}` has no usable value"));
                }
                Some(value) => path.push(value),
            };
        }
    }
    Ok(url)
}

/// One call being prepared.
#[derive(Debug)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    service: &'a Service,
    method: Method,
    template: &'static str,
    url: Result<Url, String>,
    query: Option<String>,
    body: Result<Option<Vec<u8>>, serde_json::Error>,
    idempotency_key: Option<String>,
}

impl Call<'_> {
    /// Sets a JSON body.
    pub fn json<T: Serialize>(mut self, body: &T) -> Self {
        self.body = serde_json::to_vec(body).map(Some);
        self
    }

    /// Sets the query, already encoded.
    pub fn query(mut self, query: Option<&str>) -> Self {
        self.query = query.filter(|query| !query.is_empty()).map(str::to_owned);
        self
    }

    /// Passes the client's idempotency key on.
    pub fn idempotency_key(mut self, key: Option<&str>) -> Self {
        self.idempotency_key = key.map(str::to_owned);
        self
    }

    /// Sends the call on behalf of `caller` and reads the answer; an empty answer reads as JSON `null`.
    ///
    /// # Errors
    /// What the service refused, or why there is no usable answer. A GET is tried again, with exponentially growing
    /// random pauses, while that may help and time allows.
    pub async fn send<T: DeserializeOwned>(self, caller: &Caller) -> Result<T, CallError> {
        let service = self.service;
        let request = |reason: String| CallError::Request { service: service.name, reason };
        let mut url = self.url.clone().map_err(request)?;
        if self.query.is_some() {
            url.set_query(self.query.as_deref());
        }
        let body = match &self.body {
            Ok(body) => body.as_deref(),
            Err(error) => return Err(request(error.to_string())),
        };
        let started = Instant::now();
        let patience = service.patience;
        let attempts = if self.method == Method::GET { patience.attempts.max(1) } else { 1 };
        let mut backoff = Backoff::new(patience.pause, patience.total);
        loop {
            let left = patience.total.saturating_sub(started.elapsed());
            let error = match self.once(&url, body, caller, left.min(patience.attempt)).await {
                Ok(bytes) => {
                    let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
                    return serde_json::from_slice(text)
                        .map_err(|source| CallError::Unreadable { service: service.name, source });
                }
                Err(error) => error,
            };
            let pause = backoff.next_wait();
            if backoff.attempt() >= attempts || !error.is_transient() || started.elapsed() + pause >= patience.total {
                return Err(error);
            }
            tracing::debug!(
                service = service.name,
                attempt = backoff.attempt(),
                error = %error,
                "call is tried again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(
        &self,
        url: &Url,
        body: Option<&[u8]>,
        caller: &Caller,
        timeout: Duration,
    ) -> Result<Bytes, CallError> {
        let service = self.service.name;
        let token = self
            .service
            .tokens
            .sign(service, caller)
            .map_err(|error| CallError::Request { service, reason: error.to_string() })?;
        let mut request = self
            .service
            .http
            .request(self.method.clone(), url.clone())
            .route(self.template)
            .bearer_auth(token)
            .timeout(timeout);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        if let Some(key) = &self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        match self.service.outbound.send(request).await {
            Ok((status, bytes)) if status.is_success() => Ok(bytes),
            Ok((status, bytes)) => Err(refusal(service, status, &bytes)),
            Err(source) => Err(CallError::Unanswered { service, source }),
        }
    }
}

/// A refusal in the stable shape is passed on; anything else is the service's failure.
fn refusal(service: &'static str, status: StatusCode, body: &[u8]) -> CallError {
    let clear = status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE;
    match serde_json::from_slice::<Problem>(body) {
        // A refused internal token is the gateway's mistake, not the client's.
        Ok(problem) if clear && problem.status == status.as_u16() && !problem.code.starts_with("token_") => {
            CallError::Refused { service, problem }
        }
        _ => CallError::Failed { service, status: status.as_u16() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_within_their_segment() {
        let url = fill("http://h:1", "/api/v1/gig/{id}", &["a/../b?c#d %"]).unwrap();
        assert_eq!(url.as_str(), "http://h:1/api/v1/gig/a%2F..%2Fb%3Fc%23d%20%25");
    }

    #[test]
    fn dot_segments_and_missing_values_are_refused() {
        for values in [&[".."][..], &["."], &[""], &[]] {
            assert!(fill("http://h:1", "/api/v1/gig/{id}", values).is_err());
        }
    }

    #[test]
    fn refusal_in_the_stable_shape_is_passed_on() {
        let body = br#"{"status":409,"code":"seller_exists","message":"m","correlationId":"c"}"#;
        let error = refusal("users", StatusCode::CONFLICT, body);
        assert_eq!(error.refused_with(), Some(409));
        assert!(!error.is_transient());
    }

    #[test]
    fn failures_and_foreign_bodies_are_hidden() {
        let internal = br#"{"status":500,"code":"internal","message":"m"}"#;
        for (status, body) in [
            (StatusCode::INTERNAL_SERVER_ERROR, &internal[..]),
            (StatusCode::NOT_FOUND, b"<html>"),
            (StatusCode::UNAUTHORIZED, br#"{"status":401,"code":"token_missing","message":"m"}"#),
        ] {
            assert!(matches!(refusal("order", status, body), CallError::Failed { .. }));
        }
    }
}
