//! The users service counts a seller's gigs.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like};

use super::envelope::event;
use super::inbox::Inbox;

expectations!(a_gig_was_created, a_gig_was_deleted);

const GIGS: &str = "SELECT gigs FROM seller_counters WHERE seller_id = $1";

async fn a_gig_was_created(recorder: &Recorder) -> Result<(), Error> {
    event("users", "gig", "a gig was created", "gig.created.v1")
        .json(json_pattern!({ "sellerId": like!("seller-1") }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(GIGS, "seller-1").await?, 1);
            Ok::<(), anyhow::Error>(())
        })
        .await
}

async fn a_gig_was_deleted(recorder: &Recorder) -> Result<(), Error> {
    event("users", "gig", "a gig was deleted", "gig.deleted.v1")
        .json(json_pattern!({ "sellerId": like!("seller-1") }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            let mut tx = inbox.database().begin().await?;
            users::counters::gigs(&mut tx, "seller-1", 3).await?;
            tx.commit().await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(GIGS, "seller-1").await?, 2);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
