//! Links: absolute, each part of a path percent-encoded.

use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, HOST, VARY};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Served;
use crate::broker::StoredPact;
use crate::broker::address::address;
use crate::gate::Version;

/// A HAL document.
pub(super) struct Hal(pub(super) Value);

impl IntoResponse for Hal {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/hal+json;charset=utf-8"), (VARY, "accept")], self.0.to_string()).into_response()
    }
}

/// Makes links that the client can follow.
#[derive(Clone, Debug)]
pub(super) struct Links {
    base: String,
}

impl FromRequestParts<Served> for Links {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, served: &Served) -> Result<Self, Self::Rejection> {
        let asked = || {
            let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
            // Whoever sends nonsense gets links that lead nowhere.
            let fits = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]_".contains(&byte));
            let scheme = match parts.headers.get("x-forwarded-proto").and_then(|proto| proto.to_str().ok()) {
                Some("https") => "https",
                _ => "http",
            };
            format!("{scheme}://{}", host.filter(fits).unwrap_or("localhost"))
        };
        Ok(Self { base: served.base.as_deref().map_or_else(asked, str::to_owned) })
    }
}

impl Links {
    /// Paths without a host, to put into others.
    pub(super) fn nowhere() -> Self {
        Self { base: String::new() }
    }

    /// The address of `path`, whose parts are each encoded.
    pub(super) fn to(&self, parts: &[&str]) -> String {
        address(&self.base, parts)
    }

    /// Where everything begins.
    pub(super) fn home(&self) -> String {
        format!("{}/", self.base)
    }

    /// A link.
    pub(super) fn link(&self, parts: &[&str]) -> Value {
        json!({ "href": self.to(parts) })
    }

    /// A link with a name and a title for people.
    pub(super) fn named(&self, name: &str, title: &str, parts: &[&str]) -> Value {
        json!({ "href": self.to(parts), "name": name, "title": title })
    }

    /// A link with `{...}` for the client to fill in; `path` begins with a slash.
    pub(super) fn template(&self, path: &str) -> Value {
        json!({ "href": format!("{}{path}", self.base), "templated": true })
    }

    pub(super) fn version(&self, version: &Version) -> Value {
        let parts = ["pacticipants", &version.pacticipant, "versions", &version.number];
        self.named(&version.number, "Pacticipant version", &parts)
    }

    pub(super) fn pacticipant(&self, name: &str) -> Value {
        self.named(name, "Pacticipant", &["pacticipants", name])
    }

    pub(super) fn content(pact: &StoredPact) -> [&str; 7] {
        ["pacts", "provider", &pact.provider, "consumer", &pact.consumer.pacticipant, "pact-version", &pact.content]
    }

    /// Of a pact by its content, which stays the same.
    pub(super) fn pact(&self, pact: &StoredPact) -> Value {
        let name = format!("Pact between {} and {}", pact.consumer, pact.provider);
        self.named(&name, "Pact", &Self::content(pact))
    }
}
