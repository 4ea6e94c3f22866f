//! Baggage: entries that travel with an operation, in HTTP and message headers alike, to whoever it calls.
//!
//! Only keys that [`Config::allow_baggage`](crate::Config::allow_baggage) allows are taken from others and handed on; the
//! HTTP client hands nothing to foreign hosts. Whoever receives an entry cannot tell who set it, so it must not decide
//! about rights, and it must not hold secrets or personal data.
//!
//! # Examples
//!
//! ```
//! use telemetry::baggage;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let _telemetry = telemetry::init(telemetry::Config::new("hello").allow_baggage(["tenant"]))?;
//! let seen = baggage::scope([("tenant", "acme")], async { baggage::get("tenant") })?.await;
//! assert_eq!(seen.as_deref(), Some("acme"));
//! assert!(baggage::scope([("user", "eve")], async {}).is_err());
//! # Ok(()) }
//! ```

use std::future::Future;

use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::context::{FutureExt, WithContext};
use opentelemetry::{Context, KeyValue};

use crate::core::core;

/// A key that is not on the allow-list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("baggage key `{key}` is not allowed: expected one that `Config::allow_baggage` names")]
pub struct NotAllowed {
    /// The key.
    pub key: String,
}

/// The value of an entry of the current context, if there is one.
#[must_use]
pub fn get(key: &str) -> Option<String> {
    Context::map_current(|context| context.baggage().get(key).map(|value| value.as_str().to_owned()))
}

/// All entries of the current context, in no particular order.
#[must_use]
pub fn all() -> Vec<(String, String)> {
    let text = |(key, (value, _)): (&opentelemetry::Key, &(opentelemetry::StringValue, _))| {
        (key.as_str().to_owned(), value.as_str().to_owned())
    };
    Context::map_current(|context| context.baggage().iter().map(text).collect())
}

/// Runs `future` with these entries added to the baggage, in place of those with the same keys; the rest of the current
/// context stays.
///
/// # Errors
///
/// When a key is not on the allow-list: its entry would not leave this process.
pub fn scope<F: Future>(
    entries: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    future: F,
) -> Result<WithContext<F>, NotAllowed> {
    let current = Context::current();
    let mut all = copied(&current);
    for (key, value) in entries {
        let key = key.into();
        if !core().allows_baggage(&key) {
            return Err(NotAllowed { key });
        }
        // Later entries replace earlier ones.
        all.push(KeyValue::new(key, value.into()).into());
    }
    Ok(future.with_context(current.with_baggage(all)))
}

/// The entries of `context`, to be given to another one.
pub(crate) fn copied(context: &Context) -> Vec<KeyValueMetadata> {
    let entries = context.baggage().iter();
    entries.map(|(key, (value, more))| KeyValueMetadata::new(key.clone(), value.clone(), more.clone())).collect()
}
