//! The gig service keeps what a seller says and how they are rated.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like};

use super::envelope::event;
use super::inbox::Inbox;

expectations!(a_seller_was_created, a_seller_was_updated);

const STARS: &str = "SELECT rating_sum FROM sellers WHERE id = $1 AND full_name = 'Ada Lovelace'";

async fn a_seller_was_created(recorder: &Recorder) -> Result<(), Error> {
    let body = json_pattern!({
        "sellerId": like!("seller-1"),
        "username": like!("ada"),
        "fullName": like!("Ada Lovelace"),
        "profilePicture": like!(""),
        "country": like!("UK"),
        "rating": { "sum": like!(0), "count": like!(0) },
        "revision": like!(1),
    });
    event("gig", "users", "a seller was created", "users.seller_created.v1")
        .json(body)
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("gig", &[], gig::app).await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(STARS, "seller-1").await?, 0);
            Ok::<(), anyhow::Error>(())
        })
        .await
}

async fn a_seller_was_updated(recorder: &Recorder) -> Result<(), Error> {
    let body = json_pattern!({
        "sellerId": like!("seller-1"),
        "username": like!("ada"),
        "fullName": like!("Ada Lovelace"),
        "profilePicture": like!(""),
        "country": like!("UK"),
        "rating": { "sum": like!(9), "count": like!(2) },
        "gigRating": { "gigId": like!("gig-1"), "rating": { "sum": like!(5), "count": like!(1) } },
        "revision": like!(2),
    });
    event("gig", "users", "a seller was updated", "users.seller_updated.v1")
        .json(body)
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("gig", &[], gig::app).await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(STARS, "seller-1").await?, 9);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
