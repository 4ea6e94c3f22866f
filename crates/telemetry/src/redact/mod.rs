//! Keeps personal data and secrets out of everything that leaves: one [`Policy`] for logs, spans, metrics, baggage
//! and URLs.
//!
//! A value goes when its key names a secret ([`is_secret_key`]); inside any other text, whatever looks like an e-mail
//! address, credentials, a card number, an IBAN or the value of a secret key is replaced ([`text`]).

mod encoded;
mod keys;
mod labels;
mod look;
mod looked;
mod number;
mod pair;
mod policy;
mod spans;
mod tag;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod url;
mod values;

pub use policy::{Policy, policy};
pub use values::text;

pub(crate) use labels::{label, request};
pub(crate) use look::look;
pub(crate) use number::is_card;
pub(crate) use policy::{install, installed};
pub(crate) use spans::span;
pub(crate) use url::{path, query, url};

/// What stands where something was removed.
pub const MASK: &str = "[redacted]";

/// [`Policy::is_secret_key`] of the policy in force.
///
/// ```
/// use telemetry::redact::is_secret_key;
///
/// assert!(is_secret_key("accessToken") && is_secret_key("db.password") && is_secret_key("CARD_NUMBER"));
/// assert!(!is_secret_key("discarded") && !is_secret_key("url.path"));
/// ```
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    policy().is_secret_key(key)
}
