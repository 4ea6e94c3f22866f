//! On whose behalf a request reaches a service.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// The person behind a request, as the gateway's internal token names them; anonymous for a visitor.
///
/// As an extractor it refuses (401) a request without a valid internal token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caller {
    /// User id; empty for a visitor.
    pub id: String,
    /// Username; empty for a visitor.
    pub username: String,
    /// E-mail address; empty for a visitor.
    pub email: String,
}

impl Caller {
    /// A signed-in person.
    pub fn new(id: impl Into<String>, username: impl Into<String>, email: impl Into<String>) -> Self {
        Self { id: id.into(), username: username.into(), email: email.into() }
    }

    /// A visitor who has not signed in.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether this is a visitor.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.id.is_empty()
    }
}

/// A [`Caller`] who has signed in; visitors are refused with 401 `sign_in_required`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn(pub Caller);

impl std::ops::Deref for SignedIn {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ApiError::unauthorized("token_missing", "an internal token is required"))
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.is_anonymous() {
            return Err(ApiError::unauthorized("sign_in_required", "sign in first"));
        }
        Ok(Self(caller))
    }
}
