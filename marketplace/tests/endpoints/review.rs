//! Reviews.

use axum::http::Method;
use serde_json::json;

use super::Things;
use super::row::{Row, endpoint, to};
use crate::world::World;

pub(super) fn rows(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, gig, .. } = world;
    let review = |order: &str, rating: i64, text: &str| {
        to("/review/").with(json!({ "orderId": order, "rating": rating, "text": text }))
    };
    let done = &things.completed_order;
    let of_gig = format!("/review/gig/{gig}");
    let of_seller = format!("/review/seller/{}", bob.id);
    vec![
        endpoint("Create review", Method::POST, "/review")
            .right(ada, review(done, 5, "fine work"), 201, &["/review/id"])
            .wrong(review(done, 6, "too fine"), 400, "invalid_rating")
            .wrong(review(done, 5, " "), 400, "invalid_text")
            .wrong(review(&things.order, 5, "not yet"), 409, "order_not_completed")
            .wrong(review("none", 5, "of nothing"), 404, "order_not_found")
            .once(409, "already_reviewed")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Reviews of a gig", Method::GET, "/review/gig/{gig_id}")
            .right_for_visitors(to(&of_gig), 200, &["/reviews/0/id"])
            .wrong(to(format!("{of_gig}?size=0")), 400, "invalid_page")
            .seen_without(&[]),
        endpoint("Reviews of a seller", Method::GET, "/review/seller/{seller_id}")
            .right_for_visitors(to(&of_seller), 200, &["/reviews/0/id"])
            .wrong(to(format!("{of_seller}?size=201")), 400, "invalid_page")
            .seen_without(&[]),
    ]
}
