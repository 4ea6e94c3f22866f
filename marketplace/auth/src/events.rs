//! Facts that this service tells others.

use platform::EventType;
use platform::document::{Document, Events};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody signed up.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// The new account.
    #[schema(format = "uuid")]
    pub user_id: String,
    /// Its name.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Its address, not yet verified.
    #[schema(format = Email)]
    pub email: String,
}

impl EventType for UserRegistered {
    const TYPE: &'static str = "auth.user_registered.v1";
}

/// An address is to be verified.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerificationRequested {
    /// The account.
    #[schema(format = "uuid")]
    pub user_id: String,
    /// Its name.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Where the mail goes.
    #[schema(format = Email)]
    pub email: String,
    /// The token for the link in the mail; good once.
    pub token: String,
}

impl EventType for VerificationRequested {
    const TYPE: &'static str = "auth.verification_requested.v1";
}

/// Somebody forgot a password.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequested {
    /// The account.
    #[schema(format = "uuid")]
    pub user_id: String,
    /// Its name.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Where the mail goes.
    #[schema(format = Email)]
    pub email: String,
    /// The token for the link in the mail; good once.
    pub token: String,
}

impl EventType for PasswordResetRequested {
    const TYPE: &'static str = "auth.password_reset_requested.v1";
}

/// A password was set, by whatever way.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChanged {
    /// The account.
    #[schema(format = "uuid")]
    pub user_id: String,
    /// Its name.
    #[schema(min_length = 3, max_length = 32)]
    pub username: String,
    /// Where the mail goes.
    #[schema(format = Email)]
    pub email: String,
}

impl EventType for PasswordChanged {
    const TYPE: &'static str = "auth.password_changed.v1";
}

/// The events that this service sends, as AsyncAPI 3.
#[must_use]
pub fn asyncapi() -> Document {
    Events::of("auth", "Accounts: who came, and what mails they need.")
        .with::<UserRegistered>()
        .with::<VerificationRequested>()
        .with::<PasswordResetRequested>()
        .with::<PasswordChanged>()
        .document()
}
