//! Signed tokens: HS256 JSON web tokens on `hmac` and `sha2`, and the internal token between gateway and services.

use std::sync::{Arc, Once};

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::caller::Caller;

/// How long an internal token is valid, in seconds: one request, with its retries.
const INTERNAL_LIFETIME: i64 = 60;

/// Clocks of two machines may differ by this many seconds.
const LEEWAY: u64 = 5;

/// Issuer of internal tokens.
const ISSUER: &str = "gateway";

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token was valid once.
    #[error("token has expired")]
    Expired,
    /// The token is for somebody else.
    #[error("token is for another audience")]
    Audience,
    /// Not a token of ours: malformed, wrong signature, wrong algorithm, missing claims.
    #[error("token is not valid")]
    Invalid,
}

/// A shared secret that signs and verifies tokens (HS256).
///
/// # Examples
///
/// ```
/// use platform::token::{Key, TokenError};
///
/// let key = Key::new(b"a secret of at least 32 characters");
/// let claims = serde_json::json!({ "sub": "u-1", "aud": "web", "exp": 4_102_444_800_u64 });
/// let token = key.sign(&claims)?;
/// assert_eq!(key.verify::<serde_json::Value>(&token, "web")?["sub"], "u-1");
/// assert_eq!(key.verify::<serde_json::Value>(&token, "app"), Err(TokenError::Audience));
/// # Ok::<(), TokenError>(())
/// ```
#[derive(Clone)]
pub struct Key(Arc<Keys>);

struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl Key {
    /// A key from a shared secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        static PROVIDER: Once = Once::new();
        // A second provider would be a second `Key::new`; the first one stays and is the same.
        PROVIDER.call_once(|| _ = HMAC_ONLY.install_default());
        Self(Arc::new(Keys { encoding: EncodingKey::from_secret(secret), decoding: DecodingKey::from_secret(secret) }))
    }

    /// A signed token with `claims`, which must be an object with at least `aud` and `exp` (seconds since the epoch).
    ///
    /// # Errors
    ///
    /// Fails when the claims cannot be written as JSON.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String, TokenError> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.0.encoding).map_err(|_| TokenError::Invalid)
    }

    /// The claims of `token`, when it is signed with this key, has not expired, and is for `audience`.
    ///
    /// # Errors
    ///
    /// Says whether it has expired, is for somebody else, or is no token of ours.
    pub fn verify<C: DeserializeOwned + Clone>(&self, token: &str, audience: &str) -> Result<C, TokenError> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY;
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        jsonwebtoken::decode::<C>(token, &self.0.decoding, &validation).map(|token| token.claims).map_err(|error| {
            match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                ErrorKind::InvalidAudience => TokenError::Audience,
                _ => TokenError::Invalid,
            }
        })
    }
}

/// Signs the tokens with which the gateway calls services, and checks them on the other side.
#[derive(Debug, Clone)]
pub struct InternalTokens {
    key: Key,
}

#[derive(Serialize, Deserialize, Clone)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    /// User id; empty for a visitor.
    sub: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
}

impl InternalTokens {
    /// Tokens under the secret that gateway and services share.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { key: Key::new(secret.as_bytes()) }
    }

    /// A short-lived token with which a request of `caller` goes to the service `audience`.
    ///
    /// # Errors
    ///
    /// Fails when the claims cannot be written, which no caller's text causes.
    pub fn sign(&self, audience: &str, caller: &Caller) -> Result<String, TokenError> {
        let now = chrono::Utc::now().timestamp();
        self.key.sign(&Claims {
            iss: ISSUER.to_owned(),
            aud: audience.to_owned(),
            iat: now,
            exp: now + INTERNAL_LIFETIME,
            sub: caller.id.clone(),
            username: caller.username.clone(),
            email: caller.email.clone(),
        })
    }

    /// The caller named by a token for the service `audience`.
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, audience: &str) -> Result<Caller, TokenError> {
        let claims: Claims = self.key.verify(token, audience)?;
        if claims.iss != ISSUER {
            return Err(TokenError::Invalid);
        }
        Ok(Caller { id: claims.sub, username: claims.username, email: claims.email })
    }
}

/// The only cryptography these tokens need, instead of a whole library of it.
static HMAC_ONLY: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256::new(key.as_bytes())?)),
        _ => Err(unsupported()),
    },
    verifier_factory: |algorithm, key| match (algorithm, key.try_get_as_bytes()) {
        (Algorithm::HS256, Ok(secret)) => Ok(Box::new(Hs256::new(secret)?)),
        _ => Err(unsupported()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn unsupported() -> JwtError {
    ErrorKind::InvalidAlgorithm.into()
}

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(secret: &[u8]) -> Result<Self, JwtError> {
        Hmac::new_from_slice(secret).map(Self).map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        self.0.clone().chain_update(message).verify_slice(signature).map_err(SignatureError::from_source)
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> InternalTokens {
        InternalTokens::new("a secret of at least 32 characters")
    }

    #[test]
    fn caller_survives_its_token() {
        let caller = Caller::new("u-1", "ada", "ada@example.test");
        let token = tokens().sign("order", &caller).unwrap();
        assert_eq!(tokens().verify(&token, "order"), Ok(caller));
    }

    #[test]
    fn token_for_another_service_or_secret_is_refused() {
        let token = tokens().sign("order", &Caller::anonymous()).unwrap();
        assert_eq!(tokens().verify(&token, "gig"), Err(TokenError::Audience));
        assert_eq!(InternalTokens::new("another secret").verify(&token, "order"), Err(TokenError::Invalid));
        assert_eq!(tokens().verify("a.b.c", "order"), Err(TokenError::Invalid));
    }

    #[test]
    fn token_without_signature_or_expiry_is_refused() {
        let key = Key::new(b"a secret of at least 32 characters");
        let forever = key.sign(&serde_json::json!({ "aud": "order", "sub": "u" })).unwrap();
        assert_eq!(tokens().verify(&forever, "order"), Err(TokenError::Invalid));
        // {"alg":"none"} with the claims of a valid token.
        let valid = tokens().sign("order", &Caller::anonymous()).unwrap();
        let claims = valid.split('.').nth(1).unwrap();
        assert_eq!(tokens().verify(&format!("eyJhbGciOiJub25lIn0.{claims}."), "order"), Err(TokenError::Invalid));
    }

    #[test]
    fn expired_token_is_told_apart() {
        let key = Key::new(b"a secret of at least 32 characters");
        let old = key.sign(&serde_json::json!({ "aud": "order", "exp": 1000 })).unwrap();
        assert_eq!(key.verify::<serde_json::Value>(&old, "order"), Err(TokenError::Expired));
    }
}
