//! What the span of a request tells, kept as it came until the span is exported.

use std::net::SocketAddr;

use http::HeaderValue;
use http::uri::PathAndQuery;
use http::{StatusCode, Version};
use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::names;
use crate::redact;
use crate::trace::{self, KEPT, LOST_SPANS, Parent};

/// Bytes of a request's head from which on it is not kept until the span has left. Parts of a head share its memory, and a
/// queue of spans must not hold that many heads of any length; up to here it is the buffer that the server reads into anyway.
const LARGE_HEAD: usize = 8 * 1024;

/// Longest part that is copied of a large head.
const LONGEST_PART: usize = 2 * 1024;

/// Makes parts of a request's head fit to be kept.
#[derive(Clone, Copy)]
pub(super) struct Keeper {
    copies: bool,
}

impl Keeper {
    /// For a head of so many bytes.
    pub(super) fn of(head: usize) -> Self {
        Self { copies: head > LARGE_HEAD }
    }

    pub(super) fn value(self, value: &HeaderValue) -> HeaderValue {
        let bytes = value.as_bytes();
        let copy = || HeaderValue::from_bytes(&bytes[..bytes.len().min(LONGEST_PART)]).ok();
        if self.copies { copy().unwrap_or(HeaderValue::from_static("")) } else { value.clone() }
    }

    pub(super) fn target(self, target: &PathAndQuery) -> PathAndQuery {
        let text = target.as_str();
        let copy = || PathAndQuery::try_from(&text[..text.floor_char_boundary(LONGEST_PART)]).ok();
        if self.copies { copy().unwrap_or(PathAndQuery::from_static("/")) } else { target.clone() }
    }
}

/// What a request said when it came.
#[derive(Debug)]
pub(crate) struct ServerRequest {
    pub(crate) parent: Parent,
    pub(super) version: Version,
    pub(super) original_method: Option<Box<str>>,
    pub(super) peer: Peer,
}

/// What else about a request becomes an attribute of its span.
#[derive(Debug)]
pub(crate) struct ServerFacts {
    pub(super) target: Option<PathAndQuery>,
    pub(super) method: &'static str,
    pub(super) https: bool,
    pub(super) route: Option<&'static str>,
    /// The route, if a parameter of it is a secret.
    pub(super) secret: Option<&'static str>,
    pub(super) request_size: Option<u64>,
    pub(super) response_size: u64,
    pub(super) status: Option<StatusCode>,
    pub(super) error: Option<&'static str>,
    /// Why it is exported although its trace is not sampled.
    pub(super) kept: Option<&'static str>,
    /// Spans below it that found no room to wait in.
    pub(super) lost_spans: u32,
}

/// Who called whom.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) server: Option<HeaderValue>,
    pub(super) client: Option<SocketAddr>,
    pub(super) user_agent: Option<HeaderValue>,
}

impl ServerFacts {
    /// Adds the attributes, redacted, and the status to the span.
    pub(crate) fn describe(self, request: ServerRequest, span: &mut SpanData) {
        let ServerRequest { version, original_method, peer, .. } = request;
        let attributes = &mut span.attributes;
        attributes.reserve(18);
        let mut optional = |key: &'static str, value: Option<Value>| {
            attributes.extend(value.map(|value| {
                let mut attribute = KeyValue::new(key, value);
                trace::limit(&mut attribute);
                attribute
            }));
        };
        optional("http.request.method", Some(self.method.into()));
        optional(
            "http.request.method_original",
            original_method.map(|method| redact::text(&method).into_owned().into()),
        );
        optional("url.scheme", Some(if self.https { "https" } else { "http" }.into()));
        if let Some(target) = &self.target {
            optional("url.path", Some(redact::path(self.secret, target.path()).into_owned().into()));
            optional("url.query", target.query().map(|query| redact::query(query).into_owned().into()));
        }
        optional("http.route", self.route.map(Into::into));
        optional("http.response.status_code", self.status.map(|status| i64::from(status.as_u16()).into()));
        optional("http.response.body.size", Some(size(self.response_size)));
        optional("http.request.body.size", self.request_size.map(size));
        optional("error.type", self.error.map(Into::into));
        optional(KEPT, self.kept.map(Into::into));
        optional(LOST_SPANS, (self.lost_spans > 0).then(|| i64::from(self.lost_spans).into()));
        optional("network.protocol.version", names::version(version).map(Into::into));
        optional(
            "user_agent.original",
            text(peer.user_agent.as_ref()).map(|text| redact::text(text).into_owned().into()),
        );
        if let Some(server) = text(peer.server.as_ref()) {
            let (address, port) = split_port(server);
            optional("server.address", Some(redact::text(address).into_owned().into()));
            optional("server.port", port.map(|port| i64::from(port).into()));
        }
        if let Some(client) = peer.client {
            optional("client.address", Some(client.ip().to_string().into()));
            optional("client.port", Some(i64::from(client.port()).into()));
        }
        if self.error.is_some() && span.status == Status::Unset {
            span.status = Status::error("");
        }
    }
}

fn size(bytes: u64) -> Value {
    i64::try_from(bytes).unwrap_or(i64::MAX).into()
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value?.to_str().ok()
}

/// `host`, `host:port` and `[v6]:port`.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse().ok()),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn nothing_of_a_large_head_is_kept_but_copies_of_bounded_length() {
        let head = "a".repeat(32 * 1024);
        let value = HeaderValue::from_maybe_shared(Bytes::from(head.clone())).unwrap();
        let target = PathAndQuery::from_maybe_shared(Bytes::from(format!("/{head}"))).unwrap();
        let (small, large) = (Keeper::of(head.len() / 32), Keeper::of(head.len()));
        assert_eq!((small.value(&value).len(), small.target(&target).as_str().len()), (head.len(), head.len() + 1));
        assert_eq!((large.value(&value).len(), large.target(&target).as_str().len()), (LONGEST_PART, LONGEST_PART));
    }

    #[test]
    fn port_is_split_from_any_host() {
        for (given, expected) in [
            ("shop", ("shop", None)),
            ("shop:80", ("shop", Some(80))),
            ("[::1]:8080", ("[::1]", Some(8080))),
            ("[::1]", ("[::1]", None)),
            ("shop:", ("shop:", None)),
            ("shop:99999", ("shop", None)),
        ] {
            assert_eq!(split_port(given), expected);
        }
    }
}
