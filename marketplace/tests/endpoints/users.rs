//! Buyers and sellers.

use axum::http::Method;
use serde_json::json;

use super::row::{Row, endpoint, to};
use crate::world::World;

pub(super) fn rows(world: &World) -> Vec<Row> {
    let World { ada, bob, .. } = world;
    let profile = |path: &str, name: &str| to(path).with(json!({ "fullName": name, "skills": ["spelling"] }));
    let of_bob = format!("/seller/{}", bob.id);
    vec![
        endpoint("Buyer by e-mail", Method::GET, "/buyer/email")
            .right(ada, to("/buyer/email"), 200, &["/buyer/id", "/buyer/email"])
            .everybody_their_own("/buyer/id"),
        endpoint("Buyer by current username", Method::GET, "/buyer/username")
            .right(ada, to("/buyer/username"), 200, &["/buyer/id", "/buyer/email"])
            .everybody_their_own("/buyer/id"),
        endpoint("Buyer by username", Method::GET, "/buyer/{username}")
            .right(ada, to("/buyer/ada"), 200, &["/buyer/id", "/buyer/email", "/buyer/account"])
            .wrong(to("/buyer/nobody"), 404, "buyer_not_found")
            .seen_without(&["/buyer/email", "/buyer/account"]),
        endpoint("Seller by id", Method::GET, "/seller/id/{seller_id}")
            .right(bob, to(format!("/seller/id/{}", bob.id)), 200, &["/seller/id", "/seller/email", "/seller/rating"])
            .wrong(to("/seller/id/nobody"), 404, "seller_not_found")
            .open_to_visitors()
            .seen_without(&["/seller/email", "/seller/earnings"]),
        endpoint("Seller by username", Method::GET, "/seller/username/{username}")
            .right(bob, to("/seller/username/bob"), 200, &["/seller/id", "/seller/email"])
            .wrong(to("/seller/username/nobody"), 404, "seller_not_found")
            .open_to_visitors()
            .seen_without(&["/seller/email", "/seller/earnings"]),
        endpoint("Random sellers", Method::GET, "/seller/random/{count}")
            .right_for_visitors(to("/seller/random/1"), 200, &["/sellers/0/id"])
            .wrong(to("/seller/random/0"), 400, "invalid_count")
            .wrong(to("/seller/random/some"), 400, "invalid_path")
            .seen_without(&["/sellers/0/email", "/sellers/0/earnings"]),
        endpoint("Create seller", Method::POST, "/seller/create")
            .right(ada, profile("/seller/create", "Ada Lovelace"), 201, &["/seller/id"])
            .wrong(profile("/seller/create", ""), 400, "invalid_profile")
            .wrong_for(bob, profile("/seller/create", "Bob"), 409, "seller_exists")
            .once(409, "seller_exists")
            .nobodys(),
        endpoint("Update seller", Method::PUT, "/seller/{seller_id}")
            .right(bob, profile(&of_bob, "Bob the Builder"), 200, &["/seller/fullName"])
            .wrong(profile(&of_bob, &"x".repeat(81)), 400, "invalid_profile")
            .wrong_for(&world.eve, profile(&format!("/seller/{}", world.eve.id), "Eve"), 404, "seller_not_found")
            .refused_to_strangers(403, "not_your_profile"),
        endpoint("Seed sellers", Method::PUT, "/seller/seed/{count}")
            .right_for_visitors(to("/seller/seed/1"), 201, &["/created"])
            .wrong(to("/seller/seed/0"), 400, "invalid_count")
            .nobodys(),
    ]
}
