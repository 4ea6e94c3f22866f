//! The notification service sends mails about orders, to buyers and sellers.

use contracts::Error;
use contracts::consumer::Recorder;
use notification::views::{
    OrderCancelled, OrderCompleted, OrderDelivered, OrderExtensionDecided, OrderExtensionRequested, OrderPlaced,
};
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};

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

/// What every event of an order says, and `more`.
fn order<const N: usize>(more: [(&str, JsonPattern); N]) -> JsonPattern {
    let common: [(&str, JsonPattern); 9] = [
        ("orderId", like!("order-1").into()),
        ("gigTitle", like!(TITLE).into()),
        ("buyerUsername", like!("grace").into()),
        ("buyerEmail", term!(ADDRESS, BUYER).into()),
        ("sellerUsername", like!("ada").into()),
        ("sellerEmail", term!(ADDRESS, SELLER).into()),
        ("amount", like!(5000).into()),
        ("fee", like!(275).into()),
        ("currency", term!("^[A-Z]{3}$", "USD").into()),
    ];
    JsonPattern::Object(common.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect())
}

async fn an_order_was_placed(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was placed", "order.placed.v1")
        .json(order([("deliveryDue", term!(TIME, NOON).into())]))
        .exercise(recorder, |message| sent::<OrderPlaced>(message, &[BUYER, SELLER], &[TITLE]))
        .await
}

async fn an_order_was_delivered(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was delivered", "order.delivered.v1")
        .json(order([("message", like!("Here it is").into())]))
        .exercise(recorder, |message| sent::<OrderDelivered>(message, &[BUYER], &[TITLE, "Here it is"]))
        .await
}

async fn an_order_extension_was_requested(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order extension was requested", "order.extension_requested.v1")
        .json(order([("days", like!(2).into()), ("reason", like!("It rained").into())]))
        .exercise(recorder, |message| sent::<OrderExtensionRequested>(message, &[BUYER], &[TITLE, "It rained"]))
        .await
}

async fn an_order_extension_was_decided(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order extension was decided", "order.extension_decided.v1")
        .json(order([("approved", like!(true).into()), ("deliveryDue", term!(TIME, NOON).into())]))
        .exercise(recorder, |message| sent::<OrderExtensionDecided>(message, &[SELLER], &[TITLE]))
        .await
}

async fn an_order_was_completed(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was completed", "order.completed.v1")
        .json(order([]))
        .exercise(recorder, |message| sent::<OrderCompleted>(message, &[BUYER, SELLER], &[TITLE]))
        .await
}

async fn an_order_was_cancelled(recorder: &Recorder) -> Result<(), Error> {
    event("notification", "order", "an order was cancelled", "order.cancelled.v1")
        .json(order([("reason", like!("Changed my mind").into()), ("refunded", like!(5275).into())]))
        .exercise(recorder, |message| sent::<OrderCancelled>(message, &[BUYER, SELLER], &[TITLE, "Changed my mind"]))
        .await
}
