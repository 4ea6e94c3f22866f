//! Who a request comes from: the user's token, in a cookie or as a bearer.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use platform::token::{Key, TokenError};
use platform::{ApiError, Caller, new_id};
use serde::{Deserialize, Serialize};

use crate::clients::GatewayError;
use crate::clients::auth::User;

/// Name of the cookie.
pub(crate) const SESSION_COOKIE: &str = "marketplace_session";
/// Audience of users' tokens: an internal token is none of them.
const AUDIENCE: &str = "marketplace";

/// Issues and reads the tokens of users.
#[derive(Clone, Debug)]
pub struct Sessions {
    key: Key,
    lifetime_s: i64,
    secure: bool,
}

#[derive(Clone, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
    sub: String,
    username: String,
    email: String,
}

impl Sessions {
    /// Sessions of `hours` hours under `secret`; `secure` cookies travel over HTTPS only.
    #[must_use]
    pub fn new(secret: &str, hours: u32, secure: bool) -> Self {
        Self { key: Key::new(secret.as_bytes()), lifetime_s: i64::from(hours) * 3600, secure }
    }

    /// A token for `user`.
    ///
    /// # Errors
    /// When the claims cannot be written, which no user's text causes.
    pub fn issue(&self, user: &User) -> Result<String, TokenError> {
        let now = now_s();
        self.key.sign(&Claims {
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + self.lifetime_s,
            jti: new_id(),
            sub: user.id.clone(),
            username: user.username.clone(),
            email: user.email.clone(),
        })
    }

    /// The user of a token.
    ///
    /// # Errors
    /// Whether it has expired or is no token of ours.
    pub fn read(&self, token: &str) -> Result<Caller, TokenError> {
        self.read_until(token).map(|(caller, _)| caller)
    }

    /// The user of a token, and the second since 1970 in which it ends: for what lasts longer than a request.
    pub(crate) fn read_until(&self, token: &str) -> Result<(Caller, i64), TokenError> {
        let claims: Claims = self.key.verify(token, AUDIENCE)?;
        if claims.sub.is_empty() {
            return Err(TokenError::Invalid);
        }
        Ok((Caller::new(claims.sub, claims.username, claims.email), claims.exp))
    }

    /// The `Set-Cookie` header with `token`; with none, the one that removes the cookie.
    ///
    /// # Errors
    /// When the token holds characters that no header may hold.
    pub fn cookie(&self, token: Option<&str>) -> Result<HeaderValue, axum::http::header::InvalidHeaderValue> {
        let (value, age) = token.map_or(("", 0), |token| (token, self.lifetime_s));
        let secure = if self.secure { "; Secure" } else { "" };
        // Lax: a link from elsewhere finds the user signed in, a form or script from elsewhere cannot act for them.
        format!("{SESSION_COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}").parse()
    }

    fn of(&self, headers: &HeaderMap) -> Option<Result<Caller, TokenError>> {
        token(headers).map(|token| self.read(token))
    }
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The token of a request: the bearer's, or else the cookie's.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    bearer.or_else(|| {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, value)| *name == SESSION_COOKIE && !value.is_empty())
            .map(|(_, value)| value)
    })
}

/// A signed-in user; anybody else is refused with 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInUser(pub Caller);

/// A signed-in user, or a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anyone(pub Caller);

impl<S> FromRequestParts<S> for SignedInUser
where
    S: Sync,
    Sessions: FromRef<S>,
{
    type Rejection = GatewayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, GatewayError> {
        match Sessions::from_ref(state).of(&parts.headers) {
            Some(Ok(caller)) => Ok(Self(caller)),
            Some(Err(TokenError::Expired)) => {
                Err(ApiError::unauthorized("session_expired", "your session has ended: sign in again").into())
            }
            Some(Err(_)) => Err(ApiError::unauthorized("invalid_session", "sign in again").into()),
            None => Err(ApiError::unauthorized("sign_in_required", "sign in first").into()),
        }
    }
}

impl<S> FromRequestParts<S> for Anyone
where
    S: Sync,
    Sessions: FromRef<S>,
{
    type Rejection = GatewayError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, GatewayError> {
        // A session that has ended makes somebody a visitor, not an outcast.
        let caller = Sessions::from_ref(state).of(&parts.headers);
        Ok(Self(match caller {
            Some(Ok(caller)) => caller,
            _ => Caller::anonymous(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Sessions {
        Sessions::new("a secret of at least 32 characters!", 1, true)
    }

    fn user() -> User {
        User {
            id: "u-1".into(),
            username: "ada".into(),
            email: "ada@example.test".into(),
            email_verified: true,
            created_at: String::new(),
        }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn issued_token_names_its_user() {
        let token = sessions().issue(&user()).unwrap();
        let caller = Caller::new("u-1", "ada", "ada@example.test");
        assert_eq!(sessions().read(&token), Ok(caller));
    }

    #[test]
    fn token_of_another_secret_is_refused() {
        let other = Sessions::new("another secret of at least 32 chars", 1, true);
        let token = other.issue(&user()).unwrap();
        assert_eq!(sessions().read(&token), Err(TokenError::Invalid));
    }

    #[test]
    fn internal_token_is_no_session() {
        let secret = "a secret of at least 32 characters!";
        let tokens = platform::token::InternalTokens::new(secret);
        let internal = tokens.sign("order", &Caller::new("u-1", "ada", "a@b")).unwrap();
        assert!(sessions().read(&internal).is_err());
    }

    #[test]
    fn bearer_goes_before_cookie() {
        let mut both = headers("cookie", "a=b; marketplace_session=from-cookie; c=d");
        assert_eq!(token(&both), Some("from-cookie"));
        both.extend(headers("authorization", "bearer from-bearer"));
        assert_eq!(token(&both), Some("from-bearer"));
        assert_eq!(token(&headers("authorization", "Basic dTpw")), None);
    }

    #[test]
    fn cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = sessions().cookie(Some("t")).unwrap();
        assert_eq!(cookie, "marketplace_session=t; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure");
        let gone = sessions().cookie(None).unwrap();
        assert!(gone.to_str().unwrap().starts_with("marketplace_session=; Path=/; Max-Age=0;"));
    }
}
