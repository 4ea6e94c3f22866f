//! Tokens of mails: random, single-use, expiring, stored as a hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Proves that the e-mail address belongs to the account.
    VerifyEmail,
    /// Allows a new password to be set without the old one.
    ResetPassword,
}

impl Purpose {
    /// Its name in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// How long a token lives: a day to read one's mail, an hour to type a new password.
    #[must_use]
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::hours(24),
            Self::ResetPassword => TimeDelta::hours(1),
        }
    }
}

/// A fresh token: 256 bits of randomness, safe in a URL.
#[must_use]
pub fn generate() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is stored of a token. A plain hash is enough because a token, unlike a password, cannot be guessed.
#[must_use]
pub fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_repeat() {
        let (first, second) = (generate(), generate());
        assert_eq!(first.len(), 43);
        assert_ne!(first, second);
        assert!(first.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    }

    #[test]
    fn digest_does_not_contain_the_token() {
        let token = generate();
        assert_eq!(digest(&token).len(), 64);
        assert_eq!(digest(&token), digest(&token));
        assert!(!digest(&token).contains(&token));
    }
}
