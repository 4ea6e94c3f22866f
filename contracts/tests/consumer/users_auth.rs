//! The users service hears of new accounts.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};

use super::envelope::event;
use super::inbox::Inbox;

expectations!(a_user_registered, a_verification_was_requested, a_password_reset_was_requested, a_password_was_changed,);

async fn a_user_registered(recorder: &Recorder) -> Result<(), Error> {
    event("users", "auth", "a user registered", "auth.user_registered.v1")
        .json(json_pattern!({
            "userId": like!("user-1"),
            "username": like!("ada"),
            "email": term!("^[^@ ]+@[^@ ]+$", "ada@example.test"),
        }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            inbox.hear(&message).await?;
            assert_eq!(
                inbox.number("SELECT COUNT(*) FROM buyers WHERE id = $1 AND username = 'ada'", "user-1").await?,
                1
            );
            Ok::<(), anyhow::Error>(())
        })
        .await
}

async fn a_verification_was_requested(recorder: &Recorder) -> Result<(), Error> {
    let counted = "SELECT verifications FROM account_activity WHERE account_id = $1";
    counts(recorder, "a verification was requested", "auth.verification_requested.v1", counted).await
}

async fn a_password_reset_was_requested(recorder: &Recorder) -> Result<(), Error> {
    let counted = "SELECT resets FROM account_activity WHERE account_id = $1";
    counts(recorder, "a password reset was requested", "auth.password_reset_requested.v1", counted).await
}

async fn a_password_was_changed(recorder: &Recorder) -> Result<(), Error> {
    let counted = "SELECT password_changes FROM account_activity WHERE account_id = $1";
    counts(recorder, "a password was changed", "auth.password_changed.v1", counted).await
}

/// What happens to the access to an account is counted for its owner.
async fn counts(
    recorder: &Recorder,
    description: &'static str,
    event_type: &'static str,
    counted: &'static str,
) -> Result<(), Error> {
    event("users", "auth", description, event_type)
        .json(json_pattern!({ "userId": like!("user-1") }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(counted, "user-1").await?, 1);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
