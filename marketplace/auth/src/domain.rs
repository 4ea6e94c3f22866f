//! What a valid account is.

use serde::Serialize;
use utoipa::ToSchema;

/// Shortest password.
pub const MIN_PASSWORD: usize = 8;
/// Longest password: argon2 takes any length, a request body does not.
pub const MAX_PASSWORD: usize = 128;

/// An account as stored.
#[derive(Clone, Debug)]
pub struct Account {
    /// Id, UUIDv7.
    pub id: String,
    /// Lower-case name, unique.
    pub username: String,
    /// Lower-case address, unique.
    pub email: String,
    /// PHC string.
    pub password_hash: String,
    /// Whether the address has been verified.
    pub email_verified: bool,
    /// RFC 3339.
    pub created_at: String,
}

/// An account as its owner sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct AccountView {
    /// Id, UUIDv7.
    #[schema(format = "uuid")]
    pub id: String,
    /// Name.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Address.
    #[schema(format = Email)]
    pub email: String,
    /// Whether the address has been verified.
    pub email_verified: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            username: account.username,
            email: account.email,
            email_verified: account.email_verified,
            created_at: account.created_at,
        }
    }
}

/// What is wrong with what a client typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not a username.
    #[error("`username` is not valid: expected 3 to 32 letters, digits, `_`, `-` or `.`, starting with a letter")]
    Username,
    /// Not an e-mail address.
    #[error("`email` is not valid: expected `name@host`, at most 254 characters")]
    Email,
    /// Not an acceptable password.
    #[error("`password` is not valid: expected {MIN_PASSWORD} to {MAX_PASSWORD} characters")]
    Password,
    /// The password and its repetition differ.
    #[error("`confirmPassword` differs from `password`: expected the same text twice")]
    Confirmation,
}

/// A username in its one spelling.
///
/// # Errors
/// When it is not 3 to 32 characters of the allowed ones.
pub fn username(text: &str) -> Result<String, Invalid> {
    let name = text.trim().to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    if (3..=32).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(allowed)
    {
        Ok(name)
    } else {
        Err(Invalid::Username)
    }
}

/// An e-mail address in its one spelling. Only its shape is checked: whether it exists, the verification mail tells.
///
/// # Errors
/// When it does not look like `name@host`.
pub fn email(text: &str) -> Result<String, Invalid> {
    let address = text.trim().to_lowercase();
    let plain = |c: char| c.is_ascii_graphic() && !"()<>[]:;@\\,\"".contains(c);
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    match address.rsplit_once('@') {
        Some((local, host))
            if address.len() <= 254
                && (1..=64).contains(&local.len())
                && local.chars().all(plain)
                && !local.starts_with('.')
                && !local.ends_with('.')
                && !local.contains("..")
                && host.split('.').all(label) =>
        {
            Ok(address)
        }
        _ => Err(Invalid::Email),
    }
}

/// Checks a password's length; what it is made of is the user's business (NIST SP 800-63B, 3.1.1.2).
///
/// # Errors
/// When it is too short or too long.
pub fn password(text: &str) -> Result<&str, Invalid> {
    if (MIN_PASSWORD..=MAX_PASSWORD).contains(&text.chars().count()) { Ok(text) } else { Err(Invalid::Password) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usernames_have_one_spelling() {
        assert_eq!(username(" Ada_L "), Ok("ada_l".into()));
        for wrong in ["ab", "1ada", "ada lovelace", "äda", &"a".repeat(33), ""] {
            assert_eq!(username(wrong), Err(Invalid::Username), "{wrong}");
        }
    }

    #[test]
    fn emails_need_a_name_and_a_host() {
        assert_eq!(email("Ada@Example.TEST"), Ok("ada@example.test".into()));
        assert_eq!(email("a.b+c@localhost"), Ok("a.b+c@localhost".into()));
        for wrong in [
            "ada",
            "@example.test",
            "ada@",
            "a b@example.test",
            "a@b@example.test",
            "a..b@example.test",
            "ada@example..test",
            "ada@-example.test",
            "ada\r\nbcc: x@example.test",
        ] {
            assert_eq!(email(wrong), Err(Invalid::Email), "{wrong}");
        }
    }

    #[test]
    fn password_length_counts_characters() {
        assert_eq!(password("1234567"), Err(Invalid::Password));
        assert_eq!(password("äöüäöüäö"), Ok("äöüäöüäö"));
        assert_eq!(password(&"x".repeat(129)), Err(Invalid::Password));
    }

    proptest! {
        #[test]
        fn accepted_addresses_hold_no_control_characters(text in ".{0,80}") {
            if let Ok(address) = email(&text) {
                prop_assert!(address.chars().all(|c| c.is_ascii_graphic()));
                prop_assert_eq!(email(&address), Ok(address.clone()));
            }
        }

        #[test]
        fn accepted_usernames_are_stable(text in ".{0,40}") {
            if let Ok(name) = username(&text) {
                prop_assert_eq!(username(&name), Ok(name.clone()));
            }
        }
    }
}
