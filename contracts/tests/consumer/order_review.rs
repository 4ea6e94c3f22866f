//! The order service shows reviews on the orders that they are about.

use anyhow::Context as _;
use chrono::Utc;
use contracts::Error;
use contracts::consumer::Recorder;
use order::contract::example_terms;
use order::domain::{Order, Status};
use pact_consumer::prelude::*;
use pact_consumer::{json_pattern, like, term};
use platform::Database;

use super::envelope::event;
use super::inbox::Inbox;

expectations!(a_review_was_submitted);

async fn a_review_was_submitted(recorder: &Recorder) -> Result<(), Error> {
    let terms = example_terms();
    event("order", "review", "a review was submitted", "review.submitted.v1")
        .json(json_pattern!({
            "orderId": like!(terms.order_id.clone()),
            "reviewed": term!("^(seller|buyer)$", "seller"),
            "reviewerId": like!(terms.buyer_id.clone()),
            "rating": like!(4),
            "text": like!("Delivered early, as agreed."),
        }))
        .exercise(recorder, |message| async move {
            let variables = [("PAYMENTS_URL", "http://nobody.example:1")];
            let inbox = Inbox::open("order", &variables, order::app).await?;
            completed(inbox.database()).await?;
            inbox.hear(&message).await?;
            let order: Order = serde_json::from_str(&inbox.text(SNAPSHOT, &terms.order_id).await?)?;
            let review = order.seller_review.context("the order shows no review")?;
            assert_eq!((review.rating, review.text.as_str()), (4, "Delivered early, as agreed."));
            Ok::<(), anyhow::Error>(())
        })
        .await
}

const SNAPSHOT: &str = "SELECT snapshot FROM orders WHERE id = $1";

/// The order that the example is about, over and paid.
async fn completed(database: &Database) -> anyhow::Result<()> {
    let order = Order { status: Status::Completed, ..Order::requested(example_terms(), Utc::now()) };
    let mut tx = database.begin().await?;
    sqlx::query(
        "INSERT INTO orders (id, version, status, buyer_id, seller_id, gig_id, payment_intent_id, amount, fee, currency, \
         snapshot, created_at, updated_at) VALUES ($1, $2, 'completed', $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
    )
    .bind(&order.terms.order_id)
    .bind(order.version)
    .bind(&order.terms.buyer_id)
    .bind(&order.terms.seller_id)
    .bind(&order.terms.gig_id)
    .bind(&order.terms.payment_intent_id)
    .bind(order.terms.amount)
    .bind(order.terms.fee)
    .bind(&order.terms.currency)
    .bind(serde_json::to_string(&order)?)
    .bind(platform::now())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}
