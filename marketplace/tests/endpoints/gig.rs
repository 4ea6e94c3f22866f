//! Gigs.

use axum::http::Method;
use serde_json::json;

use super::Things;
use super::row::{Row, endpoint, to};
use crate::world::{World, offer};

pub(super) fn rows(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, gig, .. } = world;
    let one = format!("/gig/{gig}");
    let of_bob = format!("/gig/seller/{}", bob.id);
    let paused = format!("/gig/seller/pause/{}", bob.id);
    let set_active = |gig: &str| to(format!("/gig/active/{gig}")).with(json!({ "active": false }));
    let delete = |gig: &str, seller: &str| to(format!("/gig/{gig}/{seller}"));
    let cheap = json!({ "title": "I will do it", "description": "d", "category": "c", "price": 1, "deliveryDays": 1 });
    vec![
        endpoint("Gig by id", Method::GET, "/gig/{gig_id}")
            .right(ada, to(&one), 200, &["/gig/id", "/gig/sellerId"])
            .wrong(to("/gig/none"), 404, "gig_not_found")
            .seen_without(&[]),
        endpoint("Seller's gigs", Method::GET, "/gig/seller/{seller_id}")
            .right(ada, to(&of_bob), 200, &["/gigs/0/id"])
            .wrong(to(format!("{of_bob}?size=0")), 400, "invalid_page")
            .seen_without(&[]),
        endpoint("Seller's inactive gigs", Method::GET, "/gig/seller/pause/{seller_id}")
            .right(bob, to(&paused), 200, &["/gigs"])
            .wrong(to(format!("{paused}?size=201")), 400, "invalid_page")
            .refused_to_strangers(403, "not_your_gigs"),
        endpoint("Gigs by category", Method::GET, "/gig/category/{username}")
            .right(ada, to("/gig/category/ada?category=Design"), 200, &["/gigs/0/id"])
            .wrong(to("/gig/category/ada?category="), 400, "invalid_category")
            .wrong(to("/gig/category/ada?size=0"), 400, "invalid_page")
            .refused_to_strangers(403, "not_your_choice"),
        endpoint("Top-rated gigs", Method::GET, "/gig/top/{username}")
            .right(ada, to("/gig/top/ada"), 200, &["/gigs"])
            .wrong(to(format!("/gig/top/ada?category={}", "x".repeat(61))), 400, "invalid_category")
            .refused_to_strangers(403, "not_your_choice"),
        endpoint("Similar gigs", Method::GET, "/gig/similar/{gig_id}")
            .right(ada, to(format!("/gig/similar/{gig}")), 200, &["/gigs/0/id"])
            .wrong(to("/gig/similar/none"), 404, "gig_not_found")
            .seen_without(&[]),
        endpoint("Create", Method::POST, "/gig/create")
            .right(bob, to("/gig/create").with(offer("I will paint a picture")), 201, &["/gig/id"])
            .wrong(to("/gig/create").with(cheap.clone()), 400, "invalid_gig")
            .refused_to_strangers(403, "seller_required"),
        endpoint("Update", Method::PUT, "/gig/{gig_id}")
            .right(bob, to(&one).with(offer("I will design your logo twice")), 200, &["/gig/title"])
            .wrong(to(&one).with(cheap), 400, "invalid_gig")
            .wrong(to("/gig/none").with(offer("I will do nothing")), 404, "gig_not_found")
            .refused_to_strangers(403, "not_your_gig"),
        endpoint("Activate or pause", Method::PUT, "/gig/active/{gig_id}")
            .right(bob, set_active(&things.paused_gig), 200, &["/gig/id"])
            .wrong(set_active("none"), 404, "gig_not_found")
            .refused_to_strangers(403, "not_your_gig"),
        endpoint("Delete", Method::DELETE, "/gig/{gig_id}/{seller_id}")
            .right(bob, delete(&things.deleted_gig, &bob.id), 204, &[])
            .wrong(delete("none", &bob.id), 404, "gig_not_found")
            .wrong(delete(&things.deleted_gig, &ada.id), 404, "gig_not_found")
            .once(404, "gig_not_found")
            .refused_to_strangers(403, "not_your_gig"),
        endpoint("Seed", Method::PUT, "/gig/seed/{count}")
            .right_for_visitors(to("/gig/seed/1"), 201, &["/gigIds"])
            .wrong(to("/gig/seed/0"), 400, "invalid_count")
            .nobodys(),
        endpoint("Search", Method::GET, "/gig/search/{from}/{size}/{direction}")
            .right(ada, to("/gig/search/0/1/forward?query=logo&minPrice=1&deliveryDays=9"), 200, &["/gigs/0/id"])
            .wrong(to("/gig/search/0/101/forward"), 400, "invalid_size")
            .wrong(to(format!("/gig/search/{}/10/forward", "x".repeat(65))), 400, "invalid_cursor")
            .seen_without(&[]),
    ]
}
