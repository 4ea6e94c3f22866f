//! The gateway reads buyers and sellers and makes people sellers.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::users::Profile;
use gateway::clients::{CallError, UsersClient};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(reading_the_callers_buyer, reading_a_seller, reading_how_a_seller_is_reached, becoming_a_seller,);

fn client(base: &Url) -> UsersClient {
    UsersClient::new(service("users", base))
}

/// Everything that the gateway reads of a seller.
fn seller(id: &str) -> JsonPattern {
    json_pattern!({
        "seller": {
            "id": id,
            "username": like!("contract_caller"),
            "fullName": like!("Ada Lovelace"),
            "description": like!("Engines and poetry"),
            "oneliner": like!("Engines"),
            "country": like!("UK"),
            "profilePicture": like!(""),
            "languages": each_like!(like!("English")),
            "skills": each_like!(like!("analysis")),
            "totalGigs": like!(0),
            "ongoingJobs": like!(0),
            "completedJobs": like!(0),
            "cancelledJobs": like!(0),
            "ratingSum": like!(0),
            "ratingCount": like!(0),
            "rating": like!(0.0),
            "createdAt": term!(TIME, NOON),
            "updatedAt": term!(TIME, NOON),
        }
    })
}

async fn reading_the_callers_buyer(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading the caller's own buyer", |i| {
            i.given("a buyer exists");
            with_token(i);
            i.request.get().path("/api/v1/buyer/username");
            i.response.ok().json_body(json_pattern!({
                "buyer": {
                    "id": "contract-caller",
                    "username": "contract_caller",
                    "isSeller": like!(false),
                    "ongoingOrders": like!(0),
                    "completedOrders": like!(0),
                    "cancelledOrders": like!(0),
                    "ratingSum": like!(0),
                    "ratingCount": like!(0),
                    "createdAt": term!(TIME, NOON),
                }
            }));
        })
        .exercise(recorder, |base| async move {
            let buyer = client(&base).buyer_by_own_username(&caller()).await?;
            assert_eq!(buyer.id, caller().id);
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_seller(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading a seller", |i| {
            i.given_with_params("a seller exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            i.request.get().path("/api/v1/seller/id/seller-1");
            i.response.ok().json_body(seller("seller-1"));
        })
        .exercise(recorder, |base| async move {
            let seller = client(&base).seller("seller-1", &caller()).await?;
            assert_eq!(seller.full_name, "Ada Lovelace");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_how_a_seller_is_reached(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading how a seller is reached", |i| {
            i.given_with_params("a seller exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            i.request.get().path("/api/v1/seller/contact/seller-1");
            i.response.ok().json_body(json_pattern!({
                "id": "seller-1",
                "username": like!("seller-seller-1"),
                "email": term!("^[^@ ]+@[^@ ]+$", "seller@example.test"),
            }));
        })
        .exercise(recorder, |base| async move {
            let contact = client(&base).seller_contact("seller-1", &caller()).await?;
            assert!(contact.email.contains('@'), "{contact:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn becoming_a_seller(recorder: &Recorder) -> Result<(), Error> {
    let profile = Profile {
        full_name: "Ada Lovelace".into(),
        description: "Engines and poetry".into(),
        oneliner: "Engines".into(),
        country: "UK".into(),
        profile_picture: String::new(),
        languages: vec!["English".into()],
        skills: vec!["analysis".into()],
    };
    let sent = json!(profile);
    HttpPact::new("gateway", "users")
        .interaction("becoming a seller", |i| {
            i.given("the caller is no seller");
            with_token(i);
            i.request.post().path("/api/v1/seller/create").json_body(sent);
            i.response.created().json_body(seller("contract-caller"));
        })
        .exercise(recorder, |base| async move {
            let seller = client(&base).create_seller(&profile, &caller()).await?;
            assert_eq!(seller.id, caller().id);
            Ok::<(), CallError>(())
        })
        .await
}
