//! One bounded HTTP exchange with a provider or one of its hooks, with failures in words.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Client, Request, Response};
use tokio::time::Instant;

use super::mismatch::{Mismatch, Part};

/// Largest answer that is read, in bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The identity of one replay, sent along so that the provider's spans and log lines can be found.
#[derive(Clone)]
pub(super) struct Trace {
    pub(super) trace_id: String,
    pub(super) traceparent: String,
    pub(super) correlation_id: String,
}

impl Trace {
    /// A fresh trace for the interaction with this hash.
    pub(super) fn fresh(hash: &str) -> Self {
        let trace_id = uuid::Uuid::now_v7().simple().to_string();
        // The low half of a version 7 identifier is random, and its variant bits keep it from being zero.
        let span_id = &uuid::Uuid::now_v7().simple().to_string()[16..];
        Self {
            traceparent: format!("00-{trace_id}-{span_id}-01"),
            correlation_id: format!("contract-{}", &hash[..hash.len().min(16)]),
            trace_id,
        }
    }
}

/// A provider under replay, until a moment.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) provider: &'a str,
    pub(super) until: Instant,
    pub(super) allowed: Duration,
}

impl Exchange<'_> {
    /// Sends `request`; `what` names it in a sentence.
    pub(super) async fn send(&self, request: Request, what: &str) -> Result<Reply, Mismatch> {
        let (provider, host) = (self.provider, authority(&request));
        let failed = |part: &str| Mismatch::transport(format!("provider `{provider}` {part}"));
        match tokio::time::timeout_at(self.until, self.exchange(request)).await {
            Err(_) => Err(failed(&format!("did not answer {what} within {:?}", self.allowed))),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(Broken::TooLarge)) => {
                Err(failed(&format!("answered {what} with more than {MAX_BODY} bytes, expected less")))
            }
            Ok(Err(Broken::Http(error))) if error.is_connect() => {
                Err(failed(&format!("cannot be reached at `{host}` for {what} ({}): is it running?", root(&error))))
            }
            Ok(Err(Broken::Http(error))) => {
                let cause = root(&error);
                Err(failed(&format!("broke the connection during {what} ({cause}): it may have died")))
            }
        }
    }

    async fn exchange(&self, request: Request) -> Result<Reply, Broken> {
        let mut response: Response = self.client.execute(request).await.map_err(Broken::Http)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(Broken::Http)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze() })
    }
}

enum Broken {
    Http(reqwest::Error),
    TooLarge,
}

/// A client that talks to the provider itself: no proxy from the environment, no redirects followed.
pub(super) fn client() -> Result<Client, Mismatch> {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| Mismatch::new(Part::Transport, "", format!("cannot set up an HTTP client: {}", root(&error))))
}

fn authority(request: &Request) -> String {
    let url = request.url();
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => url.to_string(),
    }
}

/// The innermost cause, which says what happened; the outer ones only say where.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    let mut next = error.source();
    while let Some(inner) = next {
        cause = inner;
        next = inner.source();
    }
    cause.to_string()
}
