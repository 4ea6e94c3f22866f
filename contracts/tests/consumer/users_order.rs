//! The users service counts the orders of buyers and sellers, and what sellers earn.

use contracts::Error;
use contracts::consumer::{MessagePact, Recorder};
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use users::counters;

use super::envelope::event;
use super::inbox::Inbox;

expectations!(
    an_order_was_placed,
    an_order_was_delivered,
    an_order_extension_was_requested,
    an_order_extension_was_decided,
    an_order_was_completed,
    an_order_was_cancelled,
);

const BUYER_ONGOING: &str = "SELECT ongoing FROM buyer_counters WHERE buyer_id = $1";
const SELLER_ONGOING: &str = "SELECT ongoing FROM seller_counters WHERE seller_id = $1";
const SELLER_COMPLETED: &str = "SELECT completed FROM seller_counters WHERE seller_id = $1";
const BUYER_CANCELLED: &str = "SELECT cancelled FROM buyer_counters WHERE buyer_id = $1";
const EARNED: &str = "SELECT amount FROM seller_earnings WHERE seller_id = $1 AND currency = 'USD'";

fn parties() -> JsonPattern {
    json_pattern!({ "buyerId": like!("buyer-1"), "sellerId": like!("seller-1") })
}

async fn an_order_was_placed(recorder: &Recorder) -> Result<(), Error> {
    event("users", "order", "an order was placed", "order.placed.v1")
        .json(parties())
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(BUYER_ONGOING, "buyer-1").await?, 1);
            assert_eq!(inbox.number(SELLER_ONGOING, "seller-1").await?, 1);
            Ok::<(), anyhow::Error>(())
        })
        .await
}

async fn an_order_was_delivered(recorder: &Recorder) -> Result<(), Error> {
    let counted = "SELECT deliveries FROM seller_work WHERE seller_id = $1";
    let pact = event("users", "order", "an order was delivered", "order.delivered.v1");
    counts(recorder, pact.json(json_pattern!({ "sellerId": like!("seller-1") })), counted).await
}

async fn an_order_extension_was_requested(recorder: &Recorder) -> Result<(), Error> {
    let counted = "SELECT extensions_requested FROM seller_work WHERE seller_id = $1";
    let pact = event("users", "order", "an order extension was requested", "order.extension_requested.v1");
    counts(recorder, pact.json(json_pattern!({ "sellerId": like!("seller-1") })), counted).await
}

async fn an_order_extension_was_decided(recorder: &Recorder) -> Result<(), Error> {
    let counted = "SELECT extensions_granted FROM seller_work WHERE seller_id = $1";
    let pact = event("users", "order", "an order extension was decided", "order.extension_decided.v1");
    let body = json_pattern!({ "sellerId": like!("seller-1"), "approved": like!(true) });
    counts(recorder, pact.json(body), counted).await
}

/// How a seller works is counted.
async fn counts(recorder: &Recorder, pact: MessagePact, counted: &'static str) -> Result<(), Error> {
    pact.exercise(recorder, |message| async move {
        let inbox = Inbox::open("users", &[], users::app).await?;
        inbox.hear(&message).await?;
        assert_eq!(inbox.number(counted, "seller-1").await?, 1);
        Ok::<(), anyhow::Error>(())
    })
    .await
}

async fn an_order_was_completed(recorder: &Recorder) -> Result<(), Error> {
    let body = json_pattern!({
        "buyerId": like!("buyer-1"),
        "sellerId": like!("seller-1"),
        "amount": like!(5000),
        "currency": term!("^[A-Z]{3}$", "USD"),
    });
    event("users", "order", "an order was completed", "order.completed.v1")
        .json(body)
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            let mut tx = inbox.database().begin().await?;
            counters::order_placed(&mut tx, "buyer-1", "seller-1").await?;
            tx.commit().await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(BUYER_ONGOING, "buyer-1").await?, 0);
            assert_eq!(inbox.number(SELLER_COMPLETED, "seller-1").await?, 1);
            assert_eq!(inbox.number(EARNED, "seller-1").await?, 5000);
            Ok::<(), anyhow::Error>(())
        })
        .await
}

async fn an_order_was_cancelled(recorder: &Recorder) -> Result<(), Error> {
    event("users", "order", "an order was cancelled", "order.cancelled.v1")
        .json(parties())
        .exercise(recorder, |message| async move {
            let inbox = Inbox::open("users", &[], users::app).await?;
            let mut tx = inbox.database().begin().await?;
            counters::order_placed(&mut tx, "buyer-1", "seller-1").await?;
            tx.commit().await?;
            inbox.hear(&message).await?;
            assert_eq!(inbox.number(SELLER_ONGOING, "seller-1").await?, 0);
            assert_eq!(inbox.number(BUYER_CANCELLED, "buyer-1").await?, 1);
            Ok::<(), anyhow::Error>(())
        })
        .await
}
