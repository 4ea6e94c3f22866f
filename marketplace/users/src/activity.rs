//! What happens to the access to an account, as auth tells it: its owner sees here whether that was them.

use platform::{Connected, Event, EventType, HandlerError, Observed, Tx};
use serde::{Deserialize, Serialize};

/// What of an account's access is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// A mail to verify the address was asked for.
    Verification,
    /// A mail to reset the password was asked for.
    Reset,
    /// A password was set.
    PasswordChange,
}

/// A verification mail was asked for (from auth).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationRequested {
    /// The account.
    pub user_id: String,
}

impl EventType for VerificationRequested {
    const TYPE: &'static str = "auth.verification_requested.v1";
}

/// Somebody forgot a password (from auth).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequested {
    /// The account.
    pub user_id: String,
}

impl EventType for PasswordResetRequested {
    const TYPE: &'static str = "auth.password_reset_requested.v1";
}

/// A password was set (from auth).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChanged {
    /// The account.
    pub user_id: String,
}

impl EventType for PasswordChanged {
    const TYPE: &'static str = "auth.password_changed.v1";
}

/// One more verification mail.
pub async fn verification_requested(
    tx: &mut Tx,
    event: Event,
    told: VerificationRequested,
) -> Result<(), HandlerError> {
    Ok(happened(tx, &told.user_id, Activity::Verification, &event.time).await?)
}

/// One more mail to reset the password.
pub async fn reset_requested(tx: &mut Tx, event: Event, told: PasswordResetRequested) -> Result<(), HandlerError> {
    Ok(happened(tx, &told.user_id, Activity::Reset, &event.time).await?)
}

/// One more password.
pub async fn password_changed(tx: &mut Tx, event: Event, told: PasswordChanged) -> Result<(), HandlerError> {
    Ok(happened(tx, &told.user_id, Activity::PasswordChange, &event.time).await?)
}

/// Counts one activity of an account. Applying it twice counts twice: it belongs into the transaction of the inbox.
///
/// # Errors
/// When the database refuses.
pub async fn happened(
    db: &mut Observed<impl Connected>,
    account_id: &str,
    activity: Activity,
    at: &str,
) -> Result<(), sqlx::Error> {
    let [verifications, resets, changes] =
        [Activity::Verification, Activity::Reset, Activity::PasswordChange].map(|kind| i64::from(kind == activity));
    sqlx::query(
        "INSERT INTO account_activity (account_id, verifications, resets, password_changes, last_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account_id) DO UPDATE SET
            verifications = account_activity.verifications + $2, resets = account_activity.resets + $3,
            password_changes = account_activity.password_changes + $4, last_at = $5",
    )
    .bind(account_id)
    .bind(verifications)
    .bind(resets)
    .bind(changes)
    .bind(at)
    .execute(db)
    .await?;
    Ok(())
}
