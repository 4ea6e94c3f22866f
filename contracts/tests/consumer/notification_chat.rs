//! The notification service tells buyers about custom offers.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};

use super::envelope::event;
use super::mails::sent;

expectations!(an_offer_was_made);

async fn an_offer_was_made(recorder: &Recorder) -> Result<(), Error> {
    let body = json_pattern!({
        "gigTitle": like!("I will design a logo"),
        "buyerUsername": like!("grace"),
        "buyerEmail": term!("^[^@ ]+@[^@ ]+$", "buyer@example.test"),
        "sellerUsername": like!("ada"),
        "description": like!("Two drafts more"),
        "price": like!(7000),
        "currency": term!("^[A-Z]{3}$", "USD"),
        "deliveryInDays": like!(4),
    });
    event("notification", "chat", "an offer was made", "chat.offer_made.v1")
        .json(body)
        .exercise(recorder, |message| sent(message, &["buyer@example.test"], &["ada", "Two drafts more"]))
        .await
}
