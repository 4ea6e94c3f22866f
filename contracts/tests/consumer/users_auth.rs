//! The users service hears of new accounts.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use users::consumer::{UserRegistered, user_registered};

use super::envelope::{event, received};
use super::inbox::{Inbox, handled};

expectations!(a_user_registered);

async fn a_user_registered(recorder: &Recorder) -> Result<(), Error> {
    event("users", "auth", "a user registered", "auth.user_registered.v1")
        .json(json_pattern!({
            "userId": like!("user-1"),
            "username": like!("ada"),
            "email": term!("^[^@ ]+@[^@ ]+$", "ada@example.test"),
        }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open(users::SCHEMA).await?;
            let (event, data) = received::<UserRegistered>(&message)?;
            let mut tx = inbox.begin().await?;
            handled(user_registered(&mut tx, event, data).await)?;
            tx.commit().await?;
            assert_eq!(
                inbox.number("SELECT COUNT(*) FROM buyers WHERE id = $1 AND username = 'ada'", "user-1").await?,
                1
            );
            Ok::<(), anyhow::Error>(())
        })
        .await
}
