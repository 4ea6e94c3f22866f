//! The gateway reads buyers and sellers and makes people sellers.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::users::Profile;
use gateway::clients::{CallError, UsersClient};
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(
    reading_the_callers_buyer,
    reading_the_callers_buyer_by_address,
    reading_a_buyer,
    reading_a_buyer_who_is_not_there,
    reading_how_a_buyer_is_reached,
    reading_a_seller,
    reading_a_seller_who_is_not_there,
    reading_a_seller_by_name,
    reading_how_a_seller_is_reached,
    drawing_sellers_at_random,
    becoming_a_seller,
    changing_a_profile,
    changing_the_profile_of_somebody_else,
    making_sellers_up,
);

fn client(base: &Url) -> UsersClient {
    UsersClient::new(service("users", base))
}

/// Everything that the gateway reads of a seller.
fn seller(id: &str) -> JsonPattern {
    json_pattern!({ "seller": one(id.into(), each_like!(like!("analysis")).into()) })
}

/// Whoever is drawn: also somebody without a skill.
fn anybody() -> JsonPattern {
    one(like!("seller-1").into(), each_like!(like!("analysis"), min = 0).into())
}

fn one(id: JsonPattern, skills: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": id,
        "username": like!("contract_caller"),
        "fullName": like!("Ada Lovelace"),
        "description": like!("Engines and poetry"),
        "oneliner": like!("Engines"),
        "country": like!("UK"),
        "profilePicture": like!(""),
        "languages": each_like!(like!("English")),
        "skills": skills,
        "totalGigs": like!(0),
        "ongoingJobs": like!(0),
        "completedJobs": like!(0),
        "cancelledJobs": like!(0),
        "deliveries": like!(0),
        "extensionsRequested": like!(0),
        "extensionsGranted": like!(0),
        "extensionsRefused": like!(0),
        "ratingSum": like!(0),
        "ratingCount": like!(0),
        "rating": like!(0.0),
        "createdAt": term!(TIME, NOON),
        "updatedAt": term!(TIME, NOON),
    })
}

/// Everything that the gateway reads of a buyer, and `more` that it reads of the caller.
fn buyer<const N: usize>(more: [(&str, JsonPattern); N]) -> JsonPattern {
    let common: [(&str, JsonPattern); 9] = [
        ("id", like!("contract-caller").into()),
        ("username", "contract_caller".into()),
        ("isSeller", like!(false).into()),
        ("ongoingOrders", like!(0).into()),
        ("completedOrders", like!(0).into()),
        ("cancelledOrders", like!(0).into()),
        ("ratingSum", like!(0).into()),
        ("ratingCount", like!(0).into()),
        ("createdAt", term!(TIME, NOON).into()),
    ];
    let fields = common.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value));
    json_pattern!({ "buyer": JsonPattern::Object(fields.collect()) })
}

fn profile() -> Profile {
    Profile {
        full_name: "Ada Lovelace".into(),
        description: "Engines and poetry".into(),
        oneliner: "Engines".into(),
        country: "UK".into(),
        profile_picture: String::new(),
        languages: vec!["English".into()],
        skills: vec!["analysis".into()],
    }
}

async fn reading_the_callers_buyer(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading the caller's own buyer", |i| {
            i.given("a buyer exists");
            with_token(i);
            i.request.get().path("/api/v1/buyer/username");
            i.response.ok().json_body(buyer([("email", json_pattern!("contract.caller@example.test"))]));
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
    let profile = profile();
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

async fn reading_the_callers_buyer_by_address(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading the caller's own buyer by address", |i| {
            i.given("a buyer exists");
            with_token(i);
            i.request.get().path("/api/v1/buyer/email");
            i.response.ok().json_body(buyer([
                ("email", json_pattern!("contract.caller@example.test")),
                (
                    "account",
                    json_pattern!({ "verifications": like!(0), "resets": like!(0), "passwordChanges": like!(0) }),
                ),
            ]));
        })
        .exercise(recorder, |base| async move {
            let buyer = client(&base).buyer_by_own_email(&caller()).await?;
            assert_eq!(buyer.email, Some(caller().email));
            assert!(buyer.account.is_some());
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_buyer(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading a buyer", |i| {
            i.given("a buyer exists");
            with_token(i);
            i.request.get().path("/api/v1/buyer/contract_caller");
            i.response.ok().json_body(buyer([]));
        })
        .exercise(recorder, |base| async move {
            let buyer = client(&base).buyer("contract_caller", &caller()).await?;
            assert_eq!(buyer.username, caller().username);
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_buyer_who_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading a buyer who is not there", |i| {
            with_token(i);
            i.request.get().path("/api/v1/buyer/nobody");
            refusal(i, 404, "buyer_not_found");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).buyer("nobody", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(404), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_how_a_buyer_is_reached(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading how a buyer is reached", |i| {
            i.given_with_params("another buyer exists", &json!({ "username": "grace" }));
            with_token(i);
            i.request.get().path("/api/v1/buyer/contact/grace");
            i.response.ok().json_body(json_pattern!({
                "id": like!("buyer-grace"),
                "username": "grace",
                "email": term!("^[^@ ]+@[^@ ]+$", "grace@example.test"),
            }));
        })
        .exercise(recorder, |base| async move {
            let contact = client(&base).buyer_contact("grace", &caller()).await?;
            assert!(contact.email.contains('@'), "{contact:?}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_seller_who_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading a seller who is not there", |i| {
            with_token(i);
            i.request.get().path("/api/v1/seller/id/nobody");
            refusal(i, 404, "seller_not_found");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).seller("nobody", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(404), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_a_seller_by_name(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("reading a seller by name", |i| {
            i.given_with_params("a seller exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            i.request.get().path("/api/v1/seller/username/seller-seller-1");
            i.response.ok().json_body(seller("seller-1"));
        })
        .exercise(recorder, |base| async move {
            let seller = client(&base).seller_by_username("seller-seller-1", &caller()).await?;
            assert_eq!(seller.id, "seller-1");
            Ok::<(), CallError>(())
        })
        .await
}

async fn drawing_sellers_at_random(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("drawing sellers at random", |i| {
            i.given_with_params("a seller exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            i.request.get().path("/api/v1/seller/random/3");
            i.response.ok().json_body(json_pattern!({ "sellers": each_like!(anybody()) }));
        })
        .exercise(recorder, |base| async move {
            let sellers = client(&base).random_sellers("3", &caller()).await?;
            assert_eq!(sellers[0].username, "contract_caller");
            Ok::<(), CallError>(())
        })
        .await
}

async fn changing_a_profile(recorder: &Recorder) -> Result<(), Error> {
    let profile = profile();
    HttpPact::new("gateway", "users")
        .interaction("changing a profile", |i| {
            i.given("the caller is a seller");
            with_token(i);
            i.request.put().path("/api/v1/seller/contract-caller").json_body(json!(profile));
            i.response.ok().json_body(seller("contract-caller"));
        })
        .exercise(recorder, |base| async move {
            let seller = client(&base).update_seller("contract-caller", &profile, &caller()).await?;
            assert_eq!(seller.id, caller().id);
            Ok::<(), CallError>(())
        })
        .await
}

async fn changing_the_profile_of_somebody_else(recorder: &Recorder) -> Result<(), Error> {
    let profile = profile();
    HttpPact::new("gateway", "users")
        .interaction("changing the profile of somebody else", |i| {
            i.given_with_params("a seller exists", &json!({ "sellerId": "seller-1" }));
            with_token(i);
            i.request.put().path("/api/v1/seller/seller-1").json_body(json!(profile));
            refusal(i, 403, "not_your_profile");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).update_seller("seller-1", &profile, &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(403), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn making_sellers_up(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "users")
        .interaction("making sellers up", |i| {
            i.given("a made-up buyer exists");
            with_token(i);
            i.request.put().path("/api/v1/seller/seed/1");
            i.response.created().json_body(json_pattern!({
                "created": like!(1),
                "sellerIds": each_like!(like!("seller-1")),
            }));
        })
        .exercise(recorder, |base| async move {
            let seeded = client(&base).seed("1", &caller()).await?;
            assert_eq!(seeded.seller_ids, ["seller-1"]);
            Ok::<(), CallError>(())
        })
        .await
}
