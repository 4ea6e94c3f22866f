//! Gigs: found, looked at, offered.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Browser, Failure, at, page, refusal, signed_in};

expectations!(
    showing_a_visitor_a_gig,
    showing_a_gig,
    searching_as_a_visitor,
    searching,
    showing_a_gig_that_is_not_there,
    listing_ones_gigs,
    listing_ones_paused_gigs,
    looking_at_a_category,
    looking_at_the_best_rated,
    looking_at_similar_gigs,
    offering_a_gig,
    offering_a_gig_without_being_a_seller,
    changing_a_gig,
    pausing_a_gig,
    deleting_a_gig,
    making_gigs_up,
);

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Gig {
    id: String,
    seller_id: String,
    seller_username: String,
    title: String,
    description: String,
    category: String,
    price: i64,
    currency: String,
    delivery_days: u32,
    cover_image: String,
    active: bool,
    rating_sum: u32,
    rating_count: u32,
}

#[derive(Debug, Deserialize)]
struct GigAnswer {
    gig: Gig,
}

#[derive(Debug, Deserialize)]
struct GigsAnswer {
    gigs: Vec<Gig>,
}

#[derive(Debug, Deserialize)]
struct Found {
    total: u32,
    gigs: Vec<Gig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MadeUp {
    created: u32,
    gig_ids: Vec<String>,
}

fn gig(active: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": like!("gig-1"),
        "sellerId": like!("web-user"),
        "sellerUsername": like!("web_user"),
        "title": like!("I will design a logo"),
        "description": like!("Three drafts within three days"),
        "category": like!("Graphics"),
        "price": like!(5000),
        "currency": term!("^[A-Z]{3}$", "USD"),
        "deliveryDays": like!(3),
        "coverImage": like!(""),
        "active": active,
        "ratingSum": like!(0),
        "ratingCount": like!(0),
    })
}

fn offer() -> Value {
    json!({
        "title": "I will write a poem",
        "description": "Four stanzas about your engine",
        "category": "Writing",
        "tags": ["poem"],
        "price": 2500,
        "currency": "USD",
        "deliveryDays": 2,
    })
}

async fn showing_a_visitor_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("showing a visitor a gig", |i| {
        i.given("a gig exists");
        at(i, "/auth/search/gig/${gigId}", &[("gigId", "gig-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "gig": gig(like!(true).into()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: GigAnswer = browser.get("/auth/search/gig/gig-1").await?;
        assert_eq!((answer.gig.id.as_str(), answer.gig.price), ("gig-1", 5000));
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("showing a gig", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/${gigId}", &[("gigId", "gig-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "gig": gig(like!(true).into()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigAnswer = browser.get("/gig/gig-1").await?;
        assert_eq!((answer.gig.id.as_str(), answer.gig.price), ("gig-1", 5000));
        Ok::<(), Failure>(())
    })
    .await
}

async fn searching_as_a_visitor(recorder: &Recorder) -> Result<(), Error> {
    page("searching as a visitor", |i| {
        i.given("a gig exists");
        at(i, "/auth/search/gig/0/10/forward", &[]);
        i.request.get().query_param("query", "logo").query_param("minPrice", "100");
        i.response.ok().json_body(json_pattern!({ "total": like!(1), "gigs": each_like!(gig(json_pattern!(true))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let found: Found = browser.get("/auth/search/gig/0/10/forward?query=logo&minPrice=100").await?;
        assert_eq!((found.total, found.gigs.len()), (1, 1));
        Ok::<(), Failure>(())
    })
    .await
}

async fn searching(recorder: &Recorder) -> Result<(), Error> {
    page("searching", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/search/0/10/forward", &[]);
        i.request.get().query_param("query", "logo").query_param("minPrice", "100");
        i.response.ok().json_body(json_pattern!({ "total": like!(1), "gigs": each_like!(gig(json_pattern!(true))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let found: Found = browser.get("/gig/search/0/10/forward?query=logo&minPrice=100").await?;
        assert_eq!((found.total, found.gigs.len()), (1, 1));
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_gig_that_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    page("showing a gig that is not there", |i| {
        signed_in(i);
        i.given("no gig exists");
        at(i, "/gig/${gigId}", &[("gigId", "gig-1")]);
        i.request.get();
        refusal(i, 404, "gig_not_found");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.get::<GigAnswer>("/gig/gig-1").await.unwrap_err();
        assert_eq!(refused.code(), "gig_not_found");
        Ok::<(), Failure>(())
    })
    .await
}

async fn listing_ones_gigs(recorder: &Recorder) -> Result<(), Error> {
    page("listing one's gigs", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/seller/web-user", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "gigs": each_like!(gig(json_pattern!(true))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigsAnswer = browser.get("/gig/seller/web-user").await?;
        assert_eq!(answer.gigs.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn listing_ones_paused_gigs(recorder: &Recorder) -> Result<(), Error> {
    page("listing one's paused gigs", |i| {
        signed_in(i);
        i.given("a paused gig exists");
        at(i, "/gig/seller/pause/web-user", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "gigs": each_like!(gig(json_pattern!(false))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigsAnswer = browser.get("/gig/seller/pause/web-user").await?;
        assert_eq!(answer.gigs.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn looking_at_a_category(recorder: &Recorder) -> Result<(), Error> {
    page("looking at a category", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/category/web_user", &[]);
        i.request.get().query_param("category", "Graphics");
        i.response.ok().json_body(json_pattern!({ "gigs": each_like!(gig(json_pattern!(true))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigsAnswer = browser.get("/gig/category/web_user?category=Graphics").await?;
        assert_eq!(answer.gigs.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn looking_at_the_best_rated(recorder: &Recorder) -> Result<(), Error> {
    page("looking at the best-rated gigs", |i| {
        signed_in(i);
        i.given("a rated gig exists");
        at(i, "/gig/top/web_user", &[]);
        i.request.get().query_param("category", "Graphics");
        i.response.ok().json_body(json_pattern!({ "gigs": each_like!(gig(json_pattern!(true))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigsAnswer = browser.get("/gig/top/web_user?category=Graphics").await?;
        assert_eq!(answer.gigs.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn looking_at_similar_gigs(recorder: &Recorder) -> Result<(), Error> {
    page("looking at similar gigs", |i| {
        signed_in(i);
        i.given_with_params("a gig exists", &json!({ "gigId": "web-gig-2" }));
        i.given("a gig exists");
        at(i, "/gig/similar/${gigId}", &[("gigId", "gig-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "gigs": each_like!(gig(json_pattern!(true))) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigsAnswer = browser.get("/gig/similar/gig-1").await?;
        assert_eq!(answer.gigs.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn offering_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("offering a gig", |i| {
        signed_in(i);
        i.given("the caller is a seller");
        at(i, "/gig/create", &[]);
        i.request.post().json_body(offer());
        i.response.created().json_body(json_pattern!({ "gig": gig(json_pattern!(true)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigAnswer = browser.post("/gig/create", &offer()).await?;
        assert!(answer.gig.active);
        Ok::<(), Failure>(())
    })
    .await
}

async fn offering_a_gig_without_being_a_seller(recorder: &Recorder) -> Result<(), Error> {
    page("offering a gig without being a seller", |i| {
        signed_in(i);
        i.given("the caller is no seller");
        at(i, "/gig/create", &[]);
        i.request.post().json_body(offer());
        refusal(i, 403, "seller_required");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.post::<GigAnswer>("/gig/create", &offer()).await.unwrap_err();
        assert_eq!(refused.code(), "seller_required");
        Ok::<(), Failure>(())
    })
    .await
}

async fn changing_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("changing a gig", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/${gigId}", &[("gigId", "gig-1")]);
        i.request.put().json_body(offer());
        i.response.ok().json_body(json_pattern!({ "gig": gig(json_pattern!(true)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigAnswer = browser.put("/gig/gig-1", &offer()).await?;
        assert_eq!(answer.gig.id, "gig-1");
        Ok::<(), Failure>(())
    })
    .await
}

async fn pausing_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("pausing a gig", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/active/${gigId}", &[("gigId", "gig-1")]);
        i.request.put().json_body(json!({ "active": false }));
        i.response.ok().json_body(json_pattern!({ "gig": gig(json_pattern!(false)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: GigAnswer = browser.put("/gig/active/gig-1", &json!({ "active": false })).await?;
        assert!(!answer.gig.active);
        Ok::<(), Failure>(())
    })
    .await
}

async fn deleting_a_gig(recorder: &Recorder) -> Result<(), Error> {
    page("deleting a gig", |i| {
        signed_in(i);
        i.given("a gig exists");
        at(i, "/gig/${gigId}/web-user", &[("gigId", "gig-1")]);
        i.request.delete();
        i.response.no_content();
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        browser.bare(Method::DELETE, "/gig/gig-1/web-user").await?;
        Ok::<(), Failure>(())
    })
    .await
}

async fn making_gigs_up(recorder: &Recorder) -> Result<(), Error> {
    page("making gigs up", |i| {
        i.given("a made-up seller exists");
        at(i, "/gig/seed/1", &[]);
        i.request.put();
        i.response.created().json_body(json_pattern!({ "created": 1, "gigIds": each_like!(like!("gig-1")) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let made: MadeUp = browser.bare(Method::PUT, "/gig/seed/1").await?.json().await?;
        assert_eq!((made.created, made.gig_ids.len()), (1, 1));
        Ok::<(), Failure>(())
    })
    .await
}
