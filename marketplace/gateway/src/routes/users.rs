//! `/api/v1/gateway/buyer/...` and `/api/v1/gateway/seller/...`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use platform::{Json, Path};
use serde::Serialize;

use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::users::{Buyer, Profile, SeededSellers, Seller};
use crate::session::{Anyone, SignedInUser};

pub(super) fn buyer_routes() -> Router<Gateway> {
    Router::new()
        .route("/email", get(buyer_by_own_email))
        .route("/username", get(buyer_by_own_username))
        .route("/{username}", get(buyer))
}

pub(super) fn seller_routes() -> Router<Gateway> {
    Router::new()
        .route("/id/{seller_id}", get(seller))
        .route("/username/{username}", get(seller_by_username))
        .route("/random/{count}", get(random_sellers))
        .route("/create", post(create_seller))
        .route("/seed/{count}", put(seed))
        .route("/{seller_id}", put(update_seller))
}

#[derive(Serialize)]
struct BuyerAnswer {
    buyer: Buyer,
}

#[derive(Serialize)]
struct SellerAnswer {
    seller: Seller,
}

#[derive(Serialize)]
struct SellersAnswer {
    sellers: Vec<Seller>,
}

async fn buyer_by_own_email(State(gateway): State<Gateway>, SignedInUser(caller): SignedInUser) -> Answer<BuyerAnswer> {
    let buyer = gateway.clients.users.buyer_by_own_email(&caller).await?;
    Ok(Json(BuyerAnswer { buyer }))
}

async fn buyer_by_own_username(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
) -> Answer<BuyerAnswer> {
    let buyer = gateway.clients.users.buyer_by_own_username(&caller).await?;
    Ok(Json(BuyerAnswer { buyer }))
}

async fn buyer(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
) -> Answer<BuyerAnswer> {
    let buyer = gateway.clients.users.buyer(&username, &caller).await?;
    Ok(Json(BuyerAnswer { buyer }))
}

async fn seller(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(seller_id): Path<String>,
) -> Answer<SellerAnswer> {
    let seller = gateway.clients.users.seller(&seller_id, &caller).await?;
    Ok(Json(SellerAnswer { seller }))
}

async fn seller_by_username(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(username): Path<String>,
) -> Answer<SellerAnswer> {
    let seller = gateway.clients.users.seller_by_username(&username, &caller).await?;
    Ok(Json(SellerAnswer { seller }))
}

async fn random_sellers(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Answer<SellersAnswer> {
    let sellers = gateway.clients.users.random_sellers(&count, &caller).await?;
    Ok(Json(SellersAnswer { sellers }))
}

async fn create_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(profile): Json<Profile>,
) -> Created<SellerAnswer> {
    let seller = gateway.clients.users.create_seller(&profile, &caller).await?;
    created(SellerAnswer { seller })
}

async fn update_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    Json(profile): Json<Profile>,
) -> Answer<SellerAnswer> {
    let seller = gateway.clients.users.update_seller(&seller_id, &profile, &caller).await?;
    Ok(Json(SellerAnswer { seller }))
}

async fn seed(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Created<SeededSellers> {
    created(gateway.clients.users.seed(&count, &caller).await?)
}
