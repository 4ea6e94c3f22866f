//! The notification service sends mails about accounts.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};

use super::envelope::event;
use super::mails::sent;

expectations!(a_user_registered, a_verification_was_requested, a_password_reset_was_requested, a_password_was_changed);

const ADDRESS: &str = "^[^@ ]+@[^@ ]+$";
const ADA: &[&str] = &["ada@example.test"];

fn person_with_token() -> JsonPattern {
    json_pattern!({
        "username": like!("ada"),
        "email": term!(ADDRESS, "ada@example.test"),
        "token": term!("^[A-Za-z0-9_-]{16,}$", "0123456789abcdef0123456789abcdef"),
    })
}

fn person() -> JsonPattern {
    json_pattern!({ "username": like!("ada"), "email": term!(ADDRESS, "ada@example.test") })
}

async fn a_user_registered(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "auth", "a user registered", "auth.user_registered.v1")
        .json(person())
        .exercise(recorder, |message| sent(message, ADA, &["ada"]))
        .await
}

async fn a_verification_was_requested(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "auth", "a verification was requested", "auth.verification_requested.v1")
        .json(person_with_token())
        .exercise(recorder, |message| sent(message, ADA, &["ada", "0123456789abcdef0123456789abcdef"]))
        .await
}

async fn a_password_reset_was_requested(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "auth", "a password reset was requested", "auth.password_reset_requested.v1")
        .json(person_with_token())
        .exercise(recorder, |message| sent(message, ADA, &["ada", "0123456789abcdef0123456789abcdef"]))
        .await
}

async fn a_password_was_changed(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "auth", "a password was changed", "auth.password_changed.v1")
        .json(person())
        .exercise(recorder, |message| sent(message, ADA, &["ada"]))
        .await
}
