//! Which keys name something that must not be shown.

use super::Policy;

/// Longest word that is compared; nothing in the lists is longer.
const MAX_WORD: usize = 24;

impl Policy {
    /// Whether the value under `key` must not be shown.
    ///
    /// A key is read as words, in `snake_case`, `kebab-case`, `dotted.case` or `camelCase`, so that `card_number`,
    /// `userEmail` and `set-cookie` are secret while `discarded` and `cardinality` are not.
    ///
    /// ```
    /// use telemetry::redact::Policy;
    ///
    /// let policy = Policy::new().secret_key("tax_id").allow_key("card_type");
    /// assert!(policy.is_secret_key("customer.taxId") && policy.is_secret_key("cardNumber"));
    /// assert!(!policy.is_secret_key("card_type"));
    /// ```
    #[must_use]
    pub fn is_secret_key(&self, key: &str) -> bool {
        self.secrecy(key).is_some()
    }

    /// How secret the value under `key` is, if it is at all.
    pub(super) fn secrecy(&self, key: &str) -> Option<Secrecy> {
        let found = built_in(key).or_else(|| self.names(key).then_some(Secrecy::Certain))?;
        (!self.allows(key)).then_some(found)
    }
}

/// How sure a key makes us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secrecy {
    /// One word that prose uses too, as in `unexpected token: comma`.
    Likely,
    /// Nothing but a secret is called so.
    Certain,
}

fn built_in(key: &str) -> Option<Secrecy> {
    let mut found = None;
    let mut words = 0;
    let mut last = false;
    let mut qualifier = Qualifier::None;
    for_each_word(key, |word| {
        words += 1;
        let word = word.as_bytes();
        if is_certain(word) || is_second(qualifier, word) {
            found = Some(Secrecy::Certain);
        } else if found.is_none() && is_likely(word) {
            found = Some(Secrecy::Likely);
        }
        last = is_likely_at_the_end(word);
        qualifier = Qualifier::of(word);
    });
    if last {
        found = found.or(Some(Secrecy::Likely));
    }
    // `access_token` is no word of prose, `token` is.
    if words > 1 { found.map(|_| Secrecy::Certain) } else { found }
}

/// Whole words that make a key secret, wherever they stand in it.
fn is_likely(word: &[u8]) -> bool {
    matches!(
        word,
        b"pwd"
            | b"token"
            | b"cookie"
            | b"cookies"
            | b"email"
            | b"emails"
            | b"mail"
            | b"card"
            | b"creditcard"
            | b"cvv"
            | b"cvc"
            | b"iban"
            | b"ssn"
            | b"jwt"
            | b"phone"
            | b"pan"
            | b"otp"
            | b"totp"
            | b"pin"
            | b"bearer"
            | b"signature"
            | b"passport"
    )
}

/// `db_pass` is one, `pass_rate` is none.
fn is_likely_at_the_end(word: &[u8]) -> bool {
    matches!(word, b"pass" | b"auth")
}

/// The first of two words that are harmless apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Qualifier {
    None,
    /// `api_key`
    Key,
    /// `access_key`, `access_tokens`
    KeyOrTokens,
    /// `id_tokens`
    Tokens,
    /// `e_mail`
    Mail,
    /// `account_number`
    Number,
    /// `security_code`
    Code,
    /// `session_id`
    Id,
}

impl Qualifier {
    fn of(word: &[u8]) -> Self {
        match word {
            b"private" | b"encryption" | b"signing" => Self::Key,
            b"api" | b"access" => Self::KeyOrTokens,
            b"refresh" | b"id" => Self::Tokens,
            b"e" => Self::Mail,
            b"account" | b"cardholder" | b"phone" | b"card" => Self::Number,
            b"security" => Self::Code,
            b"session" => Self::Id,
            _ => Self::None,
        }
    }
}

/// Whether `word` may be the second of two words that are harmless apart.
pub(super) fn is_second_word(word: &[u8]) -> bool {
    matches!(word, b"key" | b"keys" | b"tokens" | b"mail" | b"number" | b"code")
}

fn is_second(first: Qualifier, word: &[u8]) -> bool {
    match first {
        Qualifier::None => false,
        Qualifier::Key => matches!(word, b"key" | b"keys"),
        Qualifier::KeyOrTokens => matches!(word, b"key" | b"keys" | b"tokens"),
        Qualifier::Tokens => word == b"tokens",
        Qualifier::Mail => word == b"mail",
        Qualifier::Number => word == b"number",
        Qualifier::Code => word == b"code",
        Qualifier::Id => word == b"id",
    }
}

/// Words, and parts of words, that nothing harmless is called.
fn is_certain(word: &[u8]) -> bool {
    let starts = |at: usize| {
        let rest = &word[at..];
        match rest[0] {
            b'p' => rest.starts_with(b"password") || rest.starts_with(b"passwd"),
            b's' => rest.starts_with(b"secret"),
            b'a' => rest.starts_with(b"authorization"),
            b'c' => rest.starts_with(b"credential"),
            _ => false,
        }
    };
    (word.len() >= 6 && (0..=word.len() - 6).any(starts))
        || matches!(word, b"passphrase" | b"apikey" | b"apikeys" | b"apitoken" | b"setcookie" | b"sid" | b"sessionid")
        || matches!(word, b"jsessionid" | b"phpsessid")
}

/// Calls `each` with every word of `key`, in lowercase.
pub(super) fn for_each_word(key: &str, mut each: impl FnMut(&Word)) {
    let bytes = key.as_bytes();
    let mut word = Word::default();
    let mut before = 0u8;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let next_is_lower = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        // `userName` and `APIToken` are two words each.
        let hump = byte.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase() && next_is_lower));
        if (hump || !byte.is_ascii_alphanumeric()) && !word.is_empty() {
            each(&word);
            word = Word::default();
        }
        let escape = byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if byte.is_ascii_alphanumeric() {
            word.push(byte.to_ascii_lowercase());
        }
        before = byte;
        // `user%5Btoken%5D` is `user[token]`.
        at += if escape { 3 } else { 1 };
    }
    if !word.is_empty() {
        each(&word);
    }
}

/// A word of a key, in lowercase, on the stack.
#[derive(Default)]
pub(super) struct Word {
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

    /// Without the number at the end: `token2` is a token.
    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        let word = &self.bytes[..self.len];
        if !word.last().is_some_and(u8::is_ascii_digit) {
            return word;
        }
        let digits = word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == self.len { word } else { &word[..self.len - digits] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_in_every_case_style() {
        let policy = Policy::new();
        for key in [
            "password",
            "userPassword",
            "DB_PASSWORD",
            "x-api-key",
            "http.request.header.authorization",
            "Set-Cookie",
            "accessToken",
            "APIToken",
            "userAPIKey",
            "emailAddress",
            "to_email",
            "cardNumber",
            "card",
            "clientsecret",
            "refresh_token",
            "token2",
            "{token}",
            "user%5Btoken%5D",
            "user[password]",
            "account_number",
            "db_pass",
            "basicAuth",
            "pass",
            "auth",
            "session_id",
            "connect.sid",
            "JSESSIONID",
        ] {
            assert!(policy.is_secret_key(key), "{key}");
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
            "account",
            "code",
            "sig",
            "pass_rate",
            "auth.method",
            "bypass",
            "session",
            "inside",
        ] {
            assert!(!policy.is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn policy_adds_keys_and_excepts_others() {
        let policy = Policy::new().secret_key("tax_id").allow_key("Card_Type");
        for key in ["tax_id", "taxId", "customer.tax-id", "TAX_ID_2"] {
            assert!(policy.is_secret_key(key), "{key}");
        }
        for key in ["tax", "id", "syntax_id", "tax_idea", "card_type", "CARD_TYPE"] {
            assert!(!policy.is_secret_key(key), "{key}");
        }
        assert!(policy.is_secret_key("card_types"));
    }

    proptest! {
        #[test]
        fn secret_word_is_found_between_any_others(
            before in "[a-z]{1,8}",
            word in prop::sample::select(&["password", "token", "apikey", "iban", "secret", "cookie", "jwt"][..]),
            after in "[a-z]{1,8}",
        ) {
            let key = format!("{before}_{word}.{after}");
            prop_assert!(Policy::new().is_secret_key(&key));
        }

        #[test]
        fn no_key_panics(key in "\\PC{0,80}", extra in "\\PC{0,20}") {
            let _ = Policy::new().secret_key(&extra).allow_key(&extra).is_secret_key(&key);
        }
    }
}
