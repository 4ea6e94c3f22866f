//! The gateway shows and takes reviews.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::review::NewReview;
use gateway::clients::{CallError, ReviewClient};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(
    reading_the_reviews_of_a_gig,
    reading_the_reviews_of_a_seller,
    writing_a_review,
    writing_a_review_of_somebody_elses_order,
);

fn client(base: &Url) -> ReviewClient {
    ReviewClient::new(service("review", base))
}

/// Everything that the gateway reads of a review.
fn review() -> JsonPattern {
    json_pattern!({
        "id": like!("review-1"),
        "orderId": like!("order-1"),
        "gigId": like!("gig-1"),
        "buyerId": like!("contract-caller"),
        "sellerId": like!("seller-1"),
        "reviewed": term!("^(seller|buyer)$", "seller"),
        "reviewerId": like!("contract-caller"),
        "reviewerUsername": like!("contract_caller"),
        "rating": like!(5),
        "text": like!("Delivered early, as agreed."),
        "createdAt": term!(TIME, NOON),
    })
}

fn new() -> NewReview {
    NewReview {
        order_id: "order-1".into(),
        gig_id: "gig-1".into(),
        buyer_id: caller().id,
        seller_id: "seller-1".into(),
        rating: 5,
        text: "Delivered early, as agreed.".into(),
    }
}

async fn reading_the_reviews_of_a_gig(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "review")
        .interaction("reading the reviews of a gig", |i| {
            i.given_with_params("a review of a gig exists", &json!({ "gigId": "gig-1" }));
            with_token(i);
            i.request.get().path("/api/v1/review/gig/gig-1");
            i.response.ok().json_body(json_pattern!({ "reviews": each_like!(review()) }));
        })
        .exercise(recorder, |base| async move {
            let reviews = client(&base).of_gig("gig-1", None, &caller()).await?;
            assert_eq!(reviews[0].rating, 5);
            Ok::<(), CallError>(())
        })
        .await
}

async fn writing_a_review(recorder: &Recorder) -> Result<(), Error> {
    let new = new();
    let sent = json!(new);
    HttpPact::new("gateway", "review")
        .interaction("writing a review", |i| {
            i.given("an order without a review");
            with_token(i);
            i.request.post().path("/api/v1/review").json_body(sent);
            i.response.created().json_body(json_pattern!({ "review": review() }));
        })
        .exercise(recorder, |base| async move {
            let review = client(&base).create(&new, None, &caller()).await?;
            assert_eq!(review.reviewed, "seller");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_the_reviews_of_a_seller(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "review")
        .interaction("reading the reviews of a seller", |i| {
            i.given_with_params("a review of a gig exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            i.request.get().path("/api/v1/review/seller/seller-1");
            i.response.ok().json_body(json_pattern!({ "reviews": each_like!(review()) }));
        })
        .exercise(recorder, |base| async move {
            let reviews = client(&base).of_seller("seller-1", None, &caller()).await?;
            assert_eq!(reviews[0].seller_id, "seller-1");
            Ok::<(), CallError>(())
        })
        .await
}

async fn writing_a_review_of_somebody_elses_order(recorder: &Recorder) -> Result<(), Error> {
    let new = NewReview { buyer_id: "buyer-1".into(), ..new() };
    HttpPact::new("gateway", "review")
        .interaction("writing a review of somebody else's order", |i| {
            with_token(i);
            i.request.post().path("/api/v1/review").json_body(json!(new));
            refusal(i, 403, "not_your_order");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).create(&new, None, &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(403), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}
