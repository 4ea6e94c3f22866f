//! The gateway reads, finds and creates gigs.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::gig::{Offer, SetActive};
use gateway::clients::{CallError, GigClient};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, path, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(
    reading_a_gig,
    reading_a_gig_that_is_not_there,
    searching_gigs,
    listing_the_gigs_of_a_seller,
    listing_paused_gigs,
    listing_the_paused_gigs_of_somebody_else,
    listing_the_gigs_of_a_category,
    listing_the_best_rated_gigs,
    listing_similar_gigs,
    creating_a_gig,
    changing_a_gig,
    changing_a_gig_of_somebody_else,
    pausing_a_gig,
    deleting_a_gig,
    making_gigs_up,
);

fn client(base: &Url) -> GigClient {
    GigClient::new(service("gig", base))
}

/// Everything that the gateway reads of a gig.
fn gig() -> JsonPattern {
    gig_that_is(like!(true).into(), 1)
}

/// The same of a gig that anybody may offer: also one without finer categories.
fn any_gig() -> JsonPattern {
    gig_that_is(like!(true).into(), 0)
}

fn gig_that_is(active: JsonPattern, least: usize) -> JsonPattern {
    json_pattern!({
        "id": like!("gig-1"),
        "sellerId": like!("contract-caller"),
        "sellerUsername": like!("contract_caller"),
        "sellerName": like!(""),
        "sellerPicture": like!(""),
        "title": like!("I will design a logo"),
        "description": like!("Three drafts within three days"),
        "category": like!("Graphics"),
        "subCategories": each_like!(like!("Logo"), min = least),
        "tags": each_like!(like!("logo")),
        "price": like!(5000),
        "currency": term!("^[A-Z]{3}$", "USD"),
        "deliveryDays": like!(3),
        "coverImage": like!(""),
        "active": active,
        "ratingSum": like!(0),
        "ratingCount": like!(0),
        "sellerRatingSum": like!(0),
        "sellerRatingCount": like!(0),
        "createdAt": term!(TIME, NOON),
        "updatedAt": term!(TIME, NOON),
    })
}

fn offer() -> Offer {
    Offer {
        title: "I will write a poem".into(),
        description: "Four stanzas about your engine".into(),
        category: "Writing".into(),
        sub_categories: vec!["Poetry".into()],
        tags: vec!["poem".into()],
        price: 2500,
        currency: "USD".into(),
        delivery_days: 2,
        cover_image: String::new(),
    }
}

async fn reading_a_gig(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("reading a gig", |i| {
            i.given("a gig exists");
            with_token(i);
            path(i, "/api/v1/gig/${gigId}", &[("gigId", "gig-1")]);
            i.request.get();
            i.response.ok().json_body(json_pattern!({ "gig": gig() }));
        })
        .exercise(recorder, |base| async move {
            let gig = client(&base).gig("gig-1", &caller()).await?;
            assert_eq!((gig.seller_id.as_str(), gig.price), ("contract-caller", 5000));
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_gig_that_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("reading a gig that is not there", |i| {
            i.given("no gig exists");
            with_token(i);
            path(i, "/api/v1/gig/${gigId}", &[("gigId", "gig-1")]);
            i.request.get();
            refusal(i, 404, "gig_not_found");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).gig("gig-1", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(404), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn creating_a_gig(recorder: &Recorder) -> Result<(), Error> {
    let offer = offer();
    let sent = json!(offer);
    HttpPact::new("gateway", "gig")
        .interaction("creating a gig", |i| {
            with_token(i);
            i.request.post().path("/api/v1/gig/create").json_body(sent);
            i.response.created().json_body(json_pattern!({ "gig": gig() }));
        })
        .exercise(recorder, |base| async move {
            let gig = client(&base).create(&offer, &caller()).await?;
            assert!(gig.active, "{gig:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn searching_gigs(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("searching gigs", |i| {
            i.given("a gig exists");
            with_token(i);
            i.request.get().path("/api/v1/gig/search/0/10/forward");
            i.request.query_param("query", "logo").query_param("minPrice", "100");
            i.response.ok().json_body(json_pattern!({
                "total": like!(1),
                "gigs": each_like!(any_gig()),
            }));
        })
        .exercise(recorder, |base| async move {
            let page = client(&base).search("0", "10", "forward", Some("query=logo&minPrice=100"), &caller()).await?;
            assert_eq!(page.gigs[0].title, "I will design a logo");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_gigs_of_a_seller(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("listing the gigs of a seller", |i| {
            i.given_with_params("a gig exists", &json!({ "sellerId": "contract-caller" }));
            with_token(i);
            i.request.get().path("/api/v1/gig/seller/contract-caller");
            i.response.ok().json_body(json_pattern!({ "gigs": each_like!(any_gig()) }));
        })
        .exercise(recorder, |base| async move {
            let gigs = client(&base).of_seller("contract-caller", None, &caller()).await?;
            assert!(gigs[0].active);
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_paused_gigs(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("listing paused gigs", |i| {
            i.given("a paused gig exists");
            with_token(i);
            i.request.get().path("/api/v1/gig/seller/pause/contract-caller");
            i.response.ok().json_body(json_pattern!({ "gigs": each_like!(any_gig()) }));
        })
        .exercise(recorder, |base| async move {
            let gigs = client(&base).paused_of_seller("contract-caller", None, &caller()).await?;
            assert_eq!(gigs.len(), 1);
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_paused_gigs_of_somebody_else(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("listing the paused gigs of somebody else", |i| {
            with_token(i);
            i.request.get().path("/api/v1/gig/seller/pause/seller-1");
            refusal(i, 403, "not_your_gigs");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).paused_of_seller("seller-1", None, &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(403), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_gigs_of_a_category(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("listing the gigs of a category", |i| {
            i.given("a gig exists");
            with_token(i);
            i.request.get().path("/api/v1/gig/category/contract_caller").query_param("category", "Graphics");
            i.response.ok().json_body(json_pattern!({ "gigs": each_like!(any_gig()) }));
        })
        .exercise(recorder, |base| async move {
            let gigs = client(&base).of_category("contract_caller", Some("category=Graphics"), &caller()).await?;
            assert_eq!(gigs[0].category, "Graphics");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_best_rated_gigs(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("listing the best-rated gigs", |i| {
            i.given("a rated gig exists");
            with_token(i);
            i.request.get().path("/api/v1/gig/top/contract_caller").query_param("category", "Graphics");
            i.response.ok().json_body(json_pattern!({ "gigs": each_like!(any_gig()) }));
        })
        .exercise(recorder, |base| async move {
            let gigs = client(&base).top_rated("contract_caller", Some("category=Graphics"), &caller()).await?;
            assert_eq!(gigs.len(), 1);
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_similar_gigs(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("listing similar gigs", |i| {
            i.given_with_params("a gig exists", &json!({ "gigId": "gig-2" }));
            i.given("a gig exists");
            with_token(i);
            path(i, "/api/v1/gig/similar/${gigId}", &[("gigId", "gig-1")]);
            i.request.get();
            i.response.ok().json_body(json_pattern!({ "gigs": each_like!(any_gig()) }));
        })
        .exercise(recorder, |base| async move {
            let gigs = client(&base).similar("gig-1", &caller()).await?;
            assert_eq!(gigs.len(), 1);
            Ok::<(), CallError>(())
        })
        .await
}

async fn changing_a_gig(recorder: &Recorder) -> Result<(), Error> {
    let offer = offer();
    HttpPact::new("gateway", "gig")
        .interaction("changing a gig", |i| {
            i.given("a gig exists");
            with_token(i);
            path(i, "/api/v1/gig/${gigId}", &[("gigId", "gig-1")]);
            i.request.put().json_body(json!(offer));
            i.response.ok().json_body(json_pattern!({ "gig": gig() }));
        })
        .exercise(recorder, |base| async move {
            let gig = client(&base).update("gig-1", &offer, &caller()).await?;
            assert_eq!(gig.id, "gig-1");
            Ok::<(), CallError>(())
        })
        .await
}

async fn changing_a_gig_of_somebody_else(recorder: &Recorder) -> Result<(), Error> {
    let offer = offer();
    HttpPact::new("gateway", "gig")
        .interaction("changing a gig of somebody else", |i| {
            i.given_with_params("a gig exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            path(i, "/api/v1/gig/${gigId}", &[("gigId", "gig-1")]);
            i.request.put().json_body(json!(offer));
            refusal(i, 403, "not_your_gig");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).update("gig-1", &offer, &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(403), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn pausing_a_gig(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("pausing a gig", |i| {
            i.given("a gig exists");
            with_token(i);
            path(i, "/api/v1/gig/active/${gigId}", &[("gigId", "gig-1")]);
            i.request.put().json_body(json!({ "active": false }));
            i.response.ok().json_body(json_pattern!({ "gig": gig_that_is(json_pattern!(false), 1) }));
        })
        .exercise(recorder, |base| async move {
            let gig = client(&base).set_active("gig-1", SetActive { active: false }, &caller()).await?;
            assert!(!gig.active, "{gig:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn deleting_a_gig(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("deleting a gig", |i| {
            i.given("a gig exists");
            with_token(i);
            let examples = [("gigId", "gig-1"), ("sellerId", "contract-caller")];
            path(i, "/api/v1/gig/${gigId}/${sellerId}", &examples);
            i.request.delete();
            i.response.no_content();
        })
        .exercise(recorder, |base| async move {
            client(&base).delete("gig-1", "contract-caller", &caller()).await?;
            Ok::<(), CallError>(())
        })
        .await
}

async fn making_gigs_up(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("making gigs up", |i| {
            i.given("a made-up seller exists");
            with_token(i);
            i.request.put().path("/api/v1/gig/seed/1");
            i.response.created().json_body(json_pattern!({ "created": 1, "gigIds": each_like!(like!("gig-1")) }));
        })
        .exercise(recorder, |base| async move {
            let seeded = client(&base).seed("1", &caller()).await?;
            assert_eq!(seeded.gig_ids, ["gig-1"]);
            Ok::<(), CallError>(())
        })
        .await
}
