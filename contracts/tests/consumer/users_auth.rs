//! The users service hears of new accounts.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};

use super::envelope::event;
use super::inbox::Inbox;

expectations!(a_user_registered);

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
