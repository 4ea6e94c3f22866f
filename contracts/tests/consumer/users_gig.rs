//! The users service counts a seller's gigs.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like};
use users::consumer::{GigCreated, GigDeleted, gig_created, gig_deleted};

use super::envelope::{event, received};
use super::inbox::{Inbox, handled};

expectations!(a_gig_was_created, a_gig_was_deleted);

const GIGS: &str = "SELECT gigs FROM seller_counters WHERE seller_id = $1";

async fn a_gig_was_created(recorder: &Recorder) -> Result<(), Error> {
    event("users", "gig", "a gig was created", "gig.created.v1")
        .json(json_pattern!({ "sellerId": like!("seller-1") }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open(users::SCHEMA).await?;
            let (event, data) = received::<GigCreated>(&message)?;
            let mut tx = inbox.begin().await?;
            handled(gig_created(&mut tx, event, data).await)?;
            tx.commit().await?;
            assert_eq!(inbox.number(GIGS, "seller-1").await?, 1);
            Ok::<(), anyhow::Error>(())
        })
        .await
}

async fn a_gig_was_deleted(recorder: &Recorder) -> Result<(), Error> {
    event("users", "gig", "a gig was deleted", "gig.deleted.v1")
        .json(json_pattern!({ "sellerId": like!("seller-1") }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open(users::SCHEMA).await?;
            let (event, data) = received::<GigDeleted>(&message)?;
            let mut tx = inbox.begin().await?;
            users::counters::gigs(&mut tx, "seller-1", 3).await?;
            handled(gig_deleted(&mut tx, event, data).await)?;
            tx.commit().await?;
            assert_eq!(inbox.number(GIGS, "seller-1").await?, 2);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
