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
use crate::trace::{KEPT, LOST_SPANS, Parent};

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
            attributes.extend(value.map(|value| KeyValue::new(key, value)));
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
