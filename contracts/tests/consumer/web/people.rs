//! Buyers and sellers.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::envelope::{NOON, TIME};
use super::{Browser, Failure, at, page, refusal, signed_in};

expectations!(
    showing_ones_own_orders_by_address,
    showing_ones_own_orders,
    showing_a_buyer,
    showing_a_buyer_who_is_not_there,
    showing_a_seller,
    showing_a_seller_by_name,
    showing_a_seller_who_is_not_there,
    showing_some_sellers,
    becoming_a_seller,
    changing_ones_profile,
    making_sellers_up,
);

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Buyer {
    username: String,
    is_seller: bool,
    ongoing_orders: u32,
    completed_orders: u32,
}

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seller {
    id: String,
    username: String,
    full_name: String,
    oneliner: String,
    rating: f64,
    rating_count: u32,
    created_at: String,
}

#[derive(Debug, Deserialize)]
struct BuyerAnswer {
    buyer: Buyer,
}

#[derive(Debug, Deserialize)]
struct SellerAnswer {
    seller: Seller,
}

#[derive(Debug, Deserialize)]
struct SellersAnswer {
    sellers: Vec<Seller>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MadeUp {
    created: u32,
    seller_ids: Vec<String>,
}

fn buyer() -> JsonPattern {
    json_pattern!({
        "username": "web_user",
        "isSeller": like!(false),
        "ongoingOrders": like!(0),
        "completedOrders": like!(0),
    })
}

fn seller() -> JsonPattern {
    json_pattern!({
        "id": like!("seller-1"),
        "username": like!("ada"),
        "fullName": like!("Ada Lovelace"),
        "oneliner": like!("Engines"),
        "rating": like!(0.0),
        "ratingCount": like!(0),
        "createdAt": term!(TIME, NOON),
    })
}

fn profile() -> Value {
    json!({
        "fullName": "Ada Lovelace",
        "description": "Engines and poetry",
        "oneliner": "Engines",
        "country": "UK",
        "languages": ["English"],
        "skills": ["analysis"],
    })
}

async fn showing_ones_own_orders_by_address(recorder: &Recorder) -> Result<(), Error> {
    page("showing the signed-in buyer, found by address", |i| {
        signed_in(i);
        i.given("a buyer exists");
        at(i, "/buyer/email", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "buyer": buyer() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: BuyerAnswer = browser.get("/buyer/email").await?;
        assert_eq!(answer.buyer.username, "web_user");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_ones_own_orders(recorder: &Recorder) -> Result<(), Error> {
    page("showing the signed-in buyer", |i| {
        signed_in(i);
        i.given("a buyer exists");
        at(i, "/buyer/username", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "buyer": buyer() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: BuyerAnswer = browser.get("/buyer/username").await?;
        assert_eq!(answer.buyer.username, "web_user");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_buyer(recorder: &Recorder) -> Result<(), Error> {
    page("showing a buyer", |i| {
        signed_in(i);
        i.given("a buyer exists");
        at(i, "/buyer/web_user", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "buyer": buyer() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: BuyerAnswer = browser.get("/buyer/web_user").await?;
        assert_eq!(answer.buyer.username, "web_user");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_buyer_who_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    page("showing a buyer who is not there", |i| {
        signed_in(i);
        at(i, "/buyer/nobody", &[]);
        i.request.get();
        refusal(i, 404, "buyer_not_found");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.get::<BuyerAnswer>("/buyer/nobody").await.unwrap_err();
        assert_eq!(refused.code(), "buyer_not_found");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_seller(recorder: &Recorder) -> Result<(), Error> {
    page("showing a seller", |i| {
        i.given("a seller exists");
        at(i, "/seller/id/${sellerId}", &[("sellerId", "seller-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "seller": seller() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: SellerAnswer = browser.get("/seller/id/seller-1").await?;
        assert_eq!(answer.seller.id, "seller-1");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_seller_by_name(recorder: &Recorder) -> Result<(), Error> {
    page("showing a seller by name", |i| {
        i.given("a seller exists");
        at(i, "/seller/username/${sellerUsername}", &[("sellerUsername", "ada")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "seller": seller() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: SellerAnswer = browser.get("/seller/username/ada").await?;
        assert_eq!(answer.seller.full_name, "Ada Lovelace");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_a_seller_who_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    page("showing a seller who is not there", |i| {
        at(i, "/seller/id/nobody", &[]);
        i.request.get();
        refusal(i, 404, "seller_not_found");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let refused = browser.get::<SellerAnswer>("/seller/id/nobody").await.unwrap_err();
        assert_eq!(refused.code(), "seller_not_found");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_some_sellers(recorder: &Recorder) -> Result<(), Error> {
    page("showing some sellers", |i| {
        i.given("a seller exists");
        at(i, "/seller/random/3", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "sellers": each_like!(seller()) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let answer: SellersAnswer = browser.get("/seller/random/3").await?;
        assert_eq!(answer.sellers.len(), 1);
        Ok::<(), Failure>(())
    })
    .await
}

async fn becoming_a_seller(recorder: &Recorder) -> Result<(), Error> {
    page("becoming a seller", |i| {
        signed_in(i);
        i.given("the caller is no seller");
        at(i, "/seller/create", &[]);
        i.request.post().json_body(profile());
        i.response.created().json_body(json_pattern!({ "seller": seller() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: SellerAnswer = browser.post("/seller/create", &profile()).await?;
        assert_eq!(answer.seller.full_name, "Ada Lovelace");
        Ok::<(), Failure>(())
    })
    .await
}

async fn changing_ones_profile(recorder: &Recorder) -> Result<(), Error> {
    page("changing one's profile", |i| {
        signed_in(i);
        i.given("the caller is a seller");
        at(i, "/seller/web-user", &[]);
        i.request.put().json_body(profile());
        i.response.ok().json_body(json_pattern!({ "seller": seller() }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: SellerAnswer = browser.put("/seller/web-user", &profile()).await?;
        assert_eq!(answer.seller.full_name, "Ada Lovelace");
        Ok::<(), Failure>(())
    })
    .await
}

async fn making_sellers_up(recorder: &Recorder) -> Result<(), Error> {
    page("making sellers up", |i| {
        i.given("a made-up buyer exists");
        at(i, "/seller/seed/1", &[]);
        i.request.put();
        i.response
            .created()
            .json_body(json_pattern!({ "created": like!(1), "sellerIds": each_like!(like!("seller-1")) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_visitor(base);
        let made: MadeUp = browser.bare(Method::PUT, "/seller/seed/1").await?.json().await?;
        assert_eq!((made.created, made.seller_ids.len()), (1, 1));
        Ok::<(), Failure>(())
    })
    .await
}
