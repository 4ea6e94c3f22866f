//! The users service adds up the stars of sellers.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};

use super::envelope::event;
use super::inbox::Inbox;

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
            let inbox = Inbox::open("users", &[], users::app).await?;
            inbox.hear(&message).await?;
            let stars = "SELECT rating_sum FROM seller_counters WHERE seller_id = $1 AND rating_count = 1";
            assert_eq!(inbox.number(stars, "seller-1").await?, 4);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
