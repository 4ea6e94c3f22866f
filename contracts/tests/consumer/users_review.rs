//! The users service adds up the stars of sellers.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use users::consumer::{ReviewSubmitted, review_submitted};

use super::envelope::{event, received};
use super::inbox::{Inbox, handled};

expectations!(a_review_was_submitted);

async fn a_review_was_submitted(recorder: &Recorder) -> Result<(), Error> {
    event("users", "review", "a review was submitted", "review.submitted.v1")
        .json(json_pattern!({
            "gigId": like!("gig-1"),
            "buyerId": like!("buyer-1"),
            "sellerId": like!("seller-1"),
            "reviewed": term!("^(seller|buyer)$", "seller"),
            "rating": like!(4),
        }))
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open(users::SCHEMA).await?;
            let (event, data) = received::<ReviewSubmitted>(&message)?;
            let mut tx = inbox.begin().await?;
            handled(review_submitted(&mut tx, event, data).await)?;
            tx.commit().await?;
            let stars = "SELECT rating_sum FROM seller_counters WHERE seller_id = $1 AND rating_count = 1";
            assert_eq!(inbox.number(stars, "seller-1").await?, 4);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
