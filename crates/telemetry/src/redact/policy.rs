//! What is to be hidden, beyond what always is.

use std::sync::OnceLock;

use super::keys::for_each_word;

/// Installed once, by [`crate::init`].
static IN_FORCE: OnceLock<Policy> = OnceLock::new();

static DEFAULT: Policy = Policy::new();

/// What is hidden in log lines, spans, metrics, baggage and URLs alike.
///
/// The built-in keys and patterns always apply; a policy adds keys of the application, and excepts keys that only look like
/// secrets.
///
/// # Examples
///
/// ```
/// use telemetry::redact::Policy;
///
/// let policy = Policy::new().secret_key("tax_id").allow_key("card_type");
/// assert_eq!(policy.text("tax_id=DE123&card_type=debit"), "tax_id=[redacted]&card_type=debit");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Each as its words, with `_` around them: `_tax_id_`.
    secret: Vec<String>,
    /// Whole keys.
    allowed: Vec<String>,
}

impl Policy {
    /// The built-in keys and patterns, and nothing else.
    #[must_use]
    pub const fn new() -> Self {
        Self { secret: Vec::new(), allowed: Vec::new() }
    }

    /// Hides the value of every key that contains these words, in whichever case style. A name without letters or digits
    /// changes nothing.
    #[must_use]
    pub fn secret_key(mut self, name: &str) -> Self {
        let words = words(name);
        if words.len() > 1 && !self.secret.contains(&words) {
            self.secret.push(words);
        }
        self
    }

    /// Shows the value of exactly this key (case aside), although its name looks like a secret's. Patterns inside the value
    /// still go.
    #[must_use]
    pub fn allow_key(mut self, key: &str) -> Self {
        self.allowed.push(key.to_ascii_lowercase());
        self
    }

    pub(super) fn names(&self, key: &str) -> bool {
        !self.secret.is_empty() && {
            let words = words(key);
            self.secret.iter().any(|secret| words.contains(secret.as_str()))
        }
    }

    pub(super) fn allows(&self, key: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(key))
    }
}

/// `_the_words_of_a_key_`.
fn words(key: &str) -> String {
    let mut words = String::from("_");
    for_each_word(key, |word| {
        // Words are made of ASCII letters and digits only.
        words.extend(word.as_bytes().iter().map(|byte| char::from(*byte)));
        words.push('_');
    });
    words
}

/// The policy in force.
#[must_use]
pub fn policy() -> &'static Policy {
    IN_FORCE.get().unwrap_or(&DEFAULT)
}

/// Whether [`install`] was called: what was concluded before may no longer hold.
pub(crate) fn installed() -> bool {
    IN_FORCE.get().is_some()
}

/// Puts `policy` in force for the rest of the process, unless there is one already.
pub(crate) fn install(policy: Policy) {
    let _ = IN_FORCE.set(policy);
}
