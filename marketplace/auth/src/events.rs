//! Facts that this service tells others.

use platform::EventType;
use serde::{Deserialize, Serialize};

/// Somebody signed up.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// The new account.
    pub user_id: String,
    /// Its name.
    pub username: String,
    /// Its address, not yet verified.
    pub email: String,
}

impl EventType for UserRegistered {
    const TYPE: &'static str = "auth.user_registered.v1";
}

/// An address is to be verified.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VerificationRequested {
    /// The account.
    pub user_id: String,
    /// Its name.
    pub username: String,
    /// Where the mail goes.
    pub email: String,
    /// The token for the link in the mail; good once.
    pub token: String,
}

impl EventType for VerificationRequested {
    const TYPE: &'static str = "auth.verification_requested.v1";
}

/// Somebody forgot a password.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequested {
    /// The account.
    pub user_id: String,
    /// Its name.
    pub username: String,
    /// Where the mail goes.
    pub email: String,
    /// The token for the link in the mail; good once.
    pub token: String,
}

impl EventType for PasswordResetRequested {
    const TYPE: &'static str = "auth.password_reset_requested.v1";
}

/// A password was set, by whatever way.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChanged {
    /// The account.
    pub user_id: String,
    /// Its name.
    pub username: String,
    /// Where the mail goes.
    pub email: String,
}

impl EventType for PasswordChanged {
    const TYPE: &'static str = "auth.password_changed.v1";
}
