//! Who may read, and who may write.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::FOR_VERIFICATION;
use super::hal::Hal;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// Look, and ask.
    Read,
    /// Publish, verify, deploy, and all that readers may.
    Write,
}

/// How somebody shows who they are.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// HTTP basic authentication.
    Basic {
        /// Name.
        user: String,
        /// Password.
        password: String,
    },
    /// `Authorization: Bearer ...`.
    Bearer(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}

/// Who may do what. Only hashes of the credentials are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    known: Vec<([u8; 32], Rights)>,
    anybody: Option<Rights>,
}

impl Access {
    /// Everybody may do everything: for a machine of one's own.
    #[must_use]
    pub fn everybody() -> Self {
        Self { known: Vec::new(), anybody: Some(Rights::Write) }
    }

    /// Only those with credentials.
    #[must_use]
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Everybody may read.
    #[must_use]
    pub fn with_public_reading(mut self) -> Self {
        self.anybody = Some(Rights::Read);
        self
    }

    /// Whoever shows `credential` has `rights`.
    ///
    /// # Examples
    ///
    /// ```
    /// use contracts::broker::{Access, Credential, Rights};
    ///
    /// let access = Access::nobody()
    ///     .with(&Credential::Bearer("a long random text".into()), Rights::Write)
    ///     .with(&Credential::Basic { user: "ada".into(), password: "pw".into() }, Rights::Read);
    /// ```
    #[must_use]
    pub fn with(mut self, credential: &Credential, rights: Rights) -> Self {
        let shown = match credential {
            Credential::Basic { user, password } => basic(&format!("{user}:{password}")),
            Credential::Bearer(token) => bearer(token),
        };
        self.known.push((shown, rights));
        self
    }

    fn rights(&self, header: Option<&HeaderValue>) -> Option<Rights> {
        let shown = header.and_then(|header| header.to_str().ok()).and_then(shown);
        // Hashes: how long a comparison takes says nothing about what would have been right.
        let known = shown
            .and_then(|shown| self.known.iter().filter(|(hash, _)| *hash == shown).map(|(_, rights)| *rights).max());
        known.max(self.anybody)
    }
}

fn shown(header: &str) -> Option<[u8; 32]> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(bearer(rest.trim()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(rest.trim()).ok()?;
    Some(basic(std::str::from_utf8(&decoded).ok()?))
}

fn basic(pair: &str) -> [u8; 32] {
    Sha256::digest(format!("basic {pair}")).into()
}

fn bearer(token: &str) -> [u8; 32] {
    Sha256::digest(format!("bearer {token}")).into()
}

/// Lets through who may.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request<Body>, next: Next) -> Response {
    // Asking what to verify is a question, although it is sent by POST.
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let asks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || (*request.method() == Method::POST && route == Some(FOR_VERIFICATION));
    // Webhooks say where the writers' other systems are.
    let asks = asks && !route.is_some_and(|route| route.starts_with("/webhooks"));
    let needed = if asks { Rights::Read } else { Rights::Write };
    match access.rights(request.headers().get(AUTHORIZATION)) {
        Some(rights) if rights >= needed => next.run(request).await,
        Some(_) => {
            let message = "these credentials may read but not write";
            (StatusCode::FORBIDDEN, Hal(json!({ "errors": [message] }))).into_response()
        }
        None => {
            let message = "who are you? Send basic authentication or a bearer token";
            let challenge = [(WWW_AUTHENTICATE, r#"Basic realm="broker", Bearer"#)];
            (StatusCode::UNAUTHORIZED, challenge, Hal(json!({ "errors": [message] }))).into_response()
        }
    }
}
