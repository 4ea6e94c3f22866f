//! Provider states and messages for contract verification, on the code that production uses.

use platform::contract::caller_of;
use platform::{ContractHooks, Database, new_id};
use serde_json::{Value, json};

use crate::domain::{NewReview, Review};
use crate::{events, store};

/// States `a review of a gig exists` (`gigId`, `sellerId`) and `an order without a review`; message `a review was
/// submitted`.
#[must_use]
pub fn hooks(database: &Database) -> ContractHooks {
    let (existing, none) = (database.clone(), database.clone());
    ContractHooks::new()
        .state("a review of a gig exists", move |params| review_exists(existing.clone(), params))
        .state("an order without a review", move |params| no_reviews(none.clone(), params))
        .message("a review was submitted", |params| async move { Ok(events::submitted(&example(&params)?)?) })
}

fn example(params: &Value) -> anyhow::Result<Review> {
    let caller = caller_of(params);
    let text = |name: &str, default: &str| params[name].as_str().unwrap_or(default).to_owned();
    let request = NewReview {
        order_id: params["orderId"].as_str().map_or_else(new_id, str::to_owned),
        gig_id: text("gigId", "gig-1"),
        buyer_id: caller.id.clone(),
        seller_id: text("sellerId", "seller-1"),
        rating: 5,
        text: "Delivered early, as agreed.".to_owned(),
    };
    request.by(&caller).map_err(|error| anyhow::anyhow!("{}: {}", error.code(), error.message()))
}

async fn review_exists(database: Database, params: Value) -> anyhow::Result<Value> {
    let review = example(&params)?;
    let mut tx = database.begin().await?;
    store::insert(&mut tx, &review).await?;
    tx.commit().await?;
    Ok(json!({ "gigId": review.gig_id, "orderId": review.order_id, "sellerId": review.seller_id }))
}

async fn no_reviews(database: Database, params: Value) -> anyhow::Result<Value> {
    let caller = caller_of(&params);
    let mut tx = database.begin().await?;
    sqlx::query("DELETE FROM reviews WHERE reviewer_id = $1").bind(&caller.id).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(json!({ "buyerId": caller.id }))
}
