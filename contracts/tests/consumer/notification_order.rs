//! The notification service sends mails about orders, to buyers and sellers.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{like, term};

use super::envelope::{NOON, TIME, event};
use super::mails::sent;

expectations!(
    an_order_was_placed,
    an_order_was_delivered,
    an_order_extension_was_requested,
    an_order_extension_was_decided,
    an_order_was_completed,
    an_order_was_cancelled,
);

const BUYER: &str = "buyer@example.test";
const SELLER: &str = "seller@example.test";
const ADDRESS: &str = "^[^@ ]+@[^@ ]+$";
/// What every mail about an order says.
const TITLE: &str = "I will design a logo";

type Field = (&'static str, JsonPattern);

/// What the service reads of every event of an order, and `more`.
fn order<const N: usize>(more: [Field; N]) -> JsonPattern {
    let common: [Field; 9] = [
        ("orderId", like!("order-1").into()),
        ("gigTitle", like!(TITLE).into()),
        ("buyerUsername", like!("grace").into()),
        ("buyerEmail", term!(ADDRESS, BUYER).into()),
        ("sellerUsername", like!("ada").into()),
        ("sellerEmail", term!(ADDRESS, SELLER).into()),
        ("amount", like!(5000).into()),
        ("fee", like!(250).into()),
        ("currency", term!("^[A-Z]{3}$", "USD").into()),
    ];
    JsonPattern::Object(common.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect())
}

fn time(name: &'static str) -> Field {
    (name, term!(TIME, NOON).into())
}

async fn an_order_was_placed(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was placed", "order.placed.v1")
        .json(order([time("deliveryDue")]))
        .exercise(recorder, |message| sent(message, &[BUYER, SELLER], &[TITLE]))
        .await
}

async fn an_order_was_delivered(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was delivered", "order.delivered.v1")
        .json(order([("message", like!("Here it is").into())]))
        .exercise(recorder, |message| sent(message, &[BUYER], &[TITLE, "Here it is"]))
        .await
}

async fn an_order_extension_was_requested(recorder: &Recorder) -> Result<(), Error> {
    let (days, reason) = (("days", like!(2).into()), ("reason", like!("It rained").into()));
    event("notification", "order", "an order extension was requested", "order.extension_requested.v1")
        .json(order([days, reason]))
        .exercise(recorder, |message| sent(message, &[BUYER], &[TITLE, "It rained"]))
        .await
}

async fn an_order_extension_was_decided(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order extension was decided", "order.extension_decided.v1")
        .json(order([("approved", like!(true).into()), time("deliveryDue")]))
        .exercise(recorder, |message| sent(message, &[SELLER], &[TITLE]))
        .await
}

async fn an_order_was_completed(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was completed", "order.completed.v1")
        .json(order([]))
        .exercise(recorder, |message| sent(message, &[BUYER, SELLER], &[TITLE]))
        .await
}

async fn an_order_was_cancelled(recorder: &Recorder) -> Result<(), Error> {
    let (reason, refunded) = (("reason", like!("Changed my mind").into()), ("refunded", like!(5250).into()));
    event("notification", "order", "an order was cancelled", "order.cancelled.v1")
        .json(order([reason, refunded]))
        .exercise(recorder, |message| sent(message, &[BUYER, SELLER], &[TITLE, "Changed my mind"]))
        .await
}
