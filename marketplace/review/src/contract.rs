//! Provider states and messages for contract verification, made by the code that production uses.

use platform::contract::test_caller;
use platform::{Caller, ContractHooks, Database, new_id};
use serde_json::{Value, json};

use crate::domain::{NewReview, Review};
use crate::{events, store};

/// A review to be, for examples and tests: the buyer is the caller that contract tests use.
#[must_use]
pub fn example() -> NewReview {
    NewReview {
        order_id: "0198c0de-0000-7000-8000-000000000001".into(),
        gig_id: "0198c0de-0000-7000-8000-000000000003".into(),
        buyer_id: test_caller().id,
        seller_id: "0198c0de-0000-7000-8000-000000000005".into(),
        rating: 5,
        text: "splendid work".into(),
    }
}

/// The states and messages of this service. States take `gigId` and `sellerId` and answer them with `orderId`.
pub(crate) fn hooks(database: Database) -> ContractHooks {
    ContractHooks::new()
        .state("no review exists", |_| async { Ok(json!({ "orderId": new_id(), "buyerId": test_caller().id })) })
        .state("a review of the gig exists", move |params| reviewed(database.clone(), params))
        .message("a seller was reviewed", |_| async { Ok(events::submitted(&by_buyer()?)?) })
        .message("a buyer was reviewed", |_| async { Ok(events::submitted(&by_seller()?)?) })
}

fn by_buyer() -> anyhow::Result<Review> {
    Review::by(&test_caller(), example()).map_err(|error| anyhow::anyhow!("{}", error.message()))
}

fn by_seller() -> anyhow::Result<Review> {
    let new = example();
    let seller = Caller::new(&new.seller_id, "grace", "grace@example.test");
    Review::by(&seller, new).map_err(|error| anyhow::anyhow!("{}", error.message()))
}

async fn reviewed(database: Database, params: Value) -> anyhow::Result<Value> {
    let mut new = NewReview { order_id: new_id(), ..example() };
    let text = |name: &str, default: String| params[name].as_str().map_or(default, str::to_owned);
    new.gig_id = text("gigId", new.gig_id);
    new.seller_id = text("sellerId", new.seller_id);
    let review = Review::by(&test_caller(), new).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
    let mut tx = database.begin().await?;
    store::insert(&mut tx, &review).await?;
    tx.commit().await?;
    Ok(json!({
        "reviewId": review.id, "orderId": review.order_id, "gigId": review.gig_id, "sellerId": review.seller_id,
        "buyerId": review.buyer_id,
    }))
}
