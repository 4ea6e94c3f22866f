//! The gateway reads, finds and creates gigs.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::gig::Offer;
use gateway::clients::{CallError, GigClient};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(reading_a_gig, reading_a_gig_that_is_not_there, creating_a_gig, searching_gigs);

fn client(base: &Url) -> GigClient {
    GigClient::new(service("gig", base))
}

/// Everything that the gateway reads of a gig.
fn gig() -> JsonPattern {
    json_pattern!({
        "id": like!("gig-1"),
        "sellerId": like!("contract-caller"),
        "sellerUsername": like!("contract_caller"),
        "sellerName": like!(""),
        "sellerPicture": like!(""),
        "title": like!("I will design a logo"),
        "description": like!("Three drafts within three days"),
        "category": like!("Graphics"),
        "subCategories": each_like!(like!("Logo")),
        "tags": each_like!(like!("logo")),
        "price": like!(5000),
        "currency": term!("^[A-Z]{3}$", "USD"),
        "deliveryDays": like!(3),
        "coverImage": like!(""),
        "active": like!(true),
        "ratingSum": like!(0),
        "ratingCount": like!(0),
        "sellerRatingSum": like!(0),
        "sellerRatingCount": like!(0),
        "createdAt": term!(TIME, NOON),
        "updatedAt": term!(TIME, NOON),
    })
}

async fn reading_a_gig(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "gig")
        .interaction("reading a gig", |i| {
            i.given_with_params("a gig exists", &json!({ "gigId": "gig-1" }));
            with_token(i);
            i.request.get().path("/api/v1/gig/gig-1");
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
            i.request.get().path("/api/v1/gig/gig-1");
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
    let offer = Offer {
        title: "I will write a poem".into(),
        description: "Four stanzas about your engine".into(),
        category: "Writing".into(),
        sub_categories: vec!["Poetry".into()],
        tags: vec!["poem".into()],
        price: 2500,
        currency: "USD".into(),
        delivery_days: 2,
        cover_image: String::new(),
    };
    let sent = json!(offer);
    HttpPact::new("gateway", "gig")
        .interaction("creating a gig", |i| {
            i.given("no gig exists");
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
            i.given_with_params("a gig exists", &json!({ "gigId": "gig-1" }));
            with_token(i);
            i.request.get().path("/api/v1/gig/search/0/10/forward");
            i.request.query_param("query", "logo").query_param("minPrice", "100");
            i.response.ok().json_body(json_pattern!({
                "total": like!(1),
                "gigs": each_like!(gig()),
            }));
        })
        .exercise(recorder, |base| async move {
            let page = client(&base).search("0", "10", "forward", Some("query=logo&minPrice=100"), &caller()).await?;
            assert_eq!(page.gigs[0].title, "I will design a logo");
            Ok::<(), CallError>(())
        })
        .await
}
