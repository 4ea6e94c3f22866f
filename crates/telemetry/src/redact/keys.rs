//! Which keys name something that must not be shown.

/// Whole words that make a key secret, wherever they stand in it.
const WORDS: [&str; 30] = [
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "authorization",
    "cookie",
    "cookies",
    "email",
    "emails",
    "mail",
    "card",
    "cvv",
    "cvc",
    "iban",
    "ssn",
    "jwt",
    "apikey",
    "credential",
    "credentials",
    "phone",
    "pan",
    "otp",
    "pin",
    "bearer",
    "signature",
    "setcookie",
];

/// Parts that make a key secret even inside a longer word.
const PARTS: [&str; 5] = ["password", "passwd", "secret", "authorization", "credential"];

/// Two words that are harmless apart.
const PAIRS: [(&str, &str); 4] = [("api", "key"), ("private", "key"), ("access", "key"), ("e", "mail")];

/// Longest word that is compared; nothing in the lists is longer.
const MAX_WORD: usize = 24;

/// Whether the value under `key` must not be shown.
///
/// A key is read as words, in `snake_case`, `kebab-case`, `dotted.case` or `camelCase`, so that `card_number`, `userEmail`
/// and `set-cookie` are secret while `discarded` and `cardinality` are not.
///
/// ```
/// use telemetry::redact::is_secret_key;
///
/// assert!(is_secret_key("accessToken") && is_secret_key("db.password") && is_secret_key("CARD_NUMBER"));
/// assert!(!is_secret_key("discarded") && !is_secret_key("url.path"));
/// ```
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    let mut previous = Word::default();
    let mut word = Word::default();
    let mut last_lower = false;
    for byte in key.bytes().chain([b'_']) {
        let boundary = !byte.is_ascii_alphanumeric() || (byte.is_ascii_uppercase() && last_lower);
        if boundary && !word.is_empty() {
            if word.is_secret() || PAIRS.iter().any(|(a, b)| previous.is(a) && word.is(b)) {
                return true;
            }
            previous = std::mem::take(&mut word);
        }
        if byte.is_ascii_alphanumeric() {
            word.push(byte.to_ascii_lowercase());
        }
        last_lower = byte.is_ascii_lowercase() || byte.is_ascii_digit();
    }
    false
}

/// The word being read, in lowercase, on the stack.
#[derive(Default)]
struct Word {
    bytes: [u8; MAX_WORD],
    len: usize,
}

impl Word {
    fn push(&mut self, byte: u8) {
        if self.len == MAX_WORD {
            // Keep the end: `superlongprefixpassword` stays recognisable.
            self.bytes.copy_within(1.., 0);
            self.len -= 1;
        }
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn is(&self, word: &str) -> bool {
        self.as_bytes() == word.as_bytes()
    }

    fn is_secret(&self) -> bool {
        WORDS.iter().any(|word| self.is(word))
            || PARTS.iter().any(|part| self.as_bytes().windows(part.len()).any(|window| window == part.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_in_every_case_style() {
        for key in [
            "password",
            "userPassword",
            "DB_PASSWORD",
            "x-api-key",
            "http.request.header.authorization",
            "Set-Cookie",
            "accessToken",
            "emailAddress",
            "to_email",
            "cardNumber",
            "card",
            "clientsecret",
            "refresh_token",
            "{token}",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "url.path",
            "discarded",
            "cardinality",
            "messaging.message.id",
            "tokens_used",
            "http.route",
            "mailbox",
            "key",
            "",
            "order_id",
            "app.correlation_id",
            "spanner",
            "opinion",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    proptest! {
        #[test]
        fn secret_word_is_found_between_any_others(before in "[a-z]{1,8}", word in prop::sample::select(&WORDS[..]), after in "[a-z]{1,8}") {
            let key = format!("{before}_{word}.{after}");
            prop_assert!(is_secret_key(&key));
        }

        #[test]
        fn no_key_panics(key in "\\PC{0,80}") {
            let _ = is_secret_key(&key);
        }
    }
}
