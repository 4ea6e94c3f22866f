//! Reviews, read and written.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use serde::Deserialize;
use serde_json::json;

use super::super::calls::body;
use super::super::envelope::{NOON, TIME};
use super::{Browser, Failure, at, page, refusal, signed_in};

expectations!(
    reading_the_reviews_of_a_gig,
    reading_the_reviews_of_a_seller,
    writing_a_review,
    writing_a_review_too_early,
);

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Review {
    reviewed: String,
    reviewer_username: String,
    rating: u8,
    text: String,
    created_at: String,
}

#[derive(Debug, Deserialize)]
struct ReviewAnswer {
    review: Review,
}

#[derive(Debug, Deserialize)]
struct ReviewsAnswer {
    reviews: Vec<Review>,
}

fn review() -> JsonPattern {
    json_pattern!({
        "reviewed": "seller",
        "reviewerUsername": like!("web_user"),
        "rating": like!(5),
        "text": like!("Delivered early, as agreed."),
        "createdAt": term!(TIME, NOON),
    })
}

async fn reading_the_reviews_of_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("reading the reviews of a gig", |i| {
        i.given_with_params("a review of a gig exists", &json!({ "gigId": "web-gig-4" }));
        at(i, "/review/gig/web-gig-4", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "reviews": each_like!(review()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: ReviewsAnswer = browser.get("/review/gig/web-gig-4").await?;
        assert_eq!(answer.reviews[0].rating, 5);
        Ok::<(), Failure>(())
    })
    .await
}

async fn reading_the_reviews_of_a_seller(recorder: &Recorder) -> Result<(), Error> {
    page("reading the reviews of a seller", |i| {
        i.given_with_params("a review of a gig exists", &json!({ "sellerId": "web-seller-4" }));
        at(i, "/review/seller/web-seller-4", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "reviews": each_like!(review()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: ReviewsAnswer = browser.get("/review/seller/web-seller-4").await?;
        assert_eq!(answer.reviews[0].rating, 5);
        Ok::<(), Failure>(())
    })
    .await
}

async fn writing_a_review(recorder: &Recorder) -> Result<(), Error> {
    let written = json!({ "orderId": "order-1", "rating": 5, "text": "Delivered early, as agreed." });
    page("writing a review", |i| {
        signed_in(i);
        i.given_with_params("a completed order exists", &json!({ "role": "buyer" }));
        at(i, "/review", &[]);
        i.request.post();
        body(i, &written, &[("orderId", "orderId")]);
        i.response.created().json_body(json_pattern!({ "review": review() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: ReviewAnswer = browser.post("/review", &written).await?;
        assert_eq!(answer.review.reviewed, "seller");
        Ok::<(), Failure>(())
    })
    .await
}

async fn writing_a_review_too_early(recorder: &Recorder) -> Result<(), Error> {
    let written = json!({ "orderId": "order-1", "rating": 5, "text": "Delivered early, as agreed." });
    page("writing a review too early", |i| {
        signed_in(i);
        i.given_with_params("a delivered order exists", &json!({ "role": "buyer" }));
        at(i, "/review", &[]);
        i.request.post();
        body(i, &written, &[("orderId", "orderId")]);
        refusal(i, 409, "order_not_completed");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.post::<ReviewAnswer>("/review", &written).await.unwrap_err();
        assert_eq!(refused.code(), "order_not_completed");
        Ok::<(), Failure>(())
    })
    .await
}
