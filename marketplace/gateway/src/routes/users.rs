//! `/api/v1/gateway/buyer/...` and `/api/v1/gateway/seller/...`.

use axum::extract::State;
use platform::document::{OpenApiRouter, routes};
use platform::{Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::users::{Buyer, Profile, SeededSellers, Seller};
use crate::session::{Anyone, SignedInUser};

pub(super) fn buyer_routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default()
        .routes(routes!(buyer_by_own_email))
        .routes(routes!(buyer_by_own_username))
        .routes(routes!(buyer))
}

pub(super) fn seller_routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default()
        .routes(routes!(seller))
        .routes(routes!(seller_by_username))
        .routes(routes!(random_sellers))
        .routes(routes!(create_seller))
        .routes(routes!(seed))
        .routes(routes!(update_seller))
}

#[derive(Serialize, ToSchema)]
struct BuyerAnswer {
    buyer: Buyer,
}

#[derive(Serialize, ToSchema)]
struct SellerAnswer {
    seller: Seller,
}

#[derive(Serialize, ToSchema)]
struct SellersAnswer {
    sellers: Vec<Seller>,
}

/// The caller as a buyer, found by their address.
#[utoipa::path(
    get,
    path = "/email",
    responses(
        (status = 200, description = "The buyer.", body = BuyerAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
async fn buyer_by_own_email(State(gateway): State<Gateway>, SignedInUser(caller): SignedInUser) -> Answer<BuyerAnswer> {
    let buyer = gateway.clients.users.buyer_by_own_email(&caller).await?;
    Ok(Json(BuyerAnswer { buyer }))
}

/// The caller as a buyer, found by their name.
#[utoipa::path(
    get,
    path = "/username",
    responses(
        (status = 200, description = "The buyer.", body = BuyerAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
async fn buyer_by_own_username(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
) -> Answer<BuyerAnswer> {
    let buyer = gateway.clients.users.buyer_by_own_username(&caller).await?;
    Ok(Json(BuyerAnswer { buyer }))
}

/// A buyer by name.
#[utoipa::path(
    get,
    path = "/{username}",
    responses(
        (status = 200, description = "The buyer.", body = BuyerAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
async fn buyer(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
) -> Answer<BuyerAnswer> {
    let buyer = gateway.clients.users.buyer(&username, &caller).await?;
    Ok(Json(BuyerAnswer { buyer }))
}

/// A seller by id.
#[utoipa::path(
    get,
    path = "/id/{seller_id}",
    responses(
        (status = 200, description = "The seller.", body = SellerAnswer),
        (status = 404, description = "`seller_not_found`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn seller(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(seller_id): Path<String>,
) -> Answer<SellerAnswer> {
    let seller = gateway.clients.users.seller(&seller_id, &caller).await?;
    Ok(Json(SellerAnswer { seller }))
}

/// A seller by name.
#[utoipa::path(
    get,
    path = "/username/{username}",
    responses(
        (status = 200, description = "The seller.", body = SellerAnswer),
        (status = 404, description = "`seller_not_found`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn seller_by_username(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(username): Path<String>,
) -> Answer<SellerAnswer> {
    let seller = gateway.clients.users.seller_by_username(&username, &caller).await?;
    Ok(Json(SellerAnswer { seller }))
}

/// Sellers drawn at random.
#[utoipa::path(
    get,
    path = "/random/{count}",
    params(
        ("count" = u32, Path, minimum = 1, maximum = 50),
    ),
    responses(
        (status = 200, description = "Up to as many as asked for.", body = SellersAnswer),
        (status = 400, description = "`invalid_count`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn random_sellers(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Answer<SellersAnswer> {
    let sellers = gateway.clients.users.random_sellers(&count, &caller).await?;
    Ok(Json(SellersAnswer { sellers }))
}

/// Makes the caller a seller.
#[utoipa::path(
    post,
    path = "/create",
    request_body = Profile,
    responses(
        (status = 201, description = "The seller.", body = SellerAnswer),
        (status = 400, description = "`invalid_profile`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 409, description = "`seller_exists`"),
    ),
)]
async fn create_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(profile): Json<Profile>,
) -> Created<SellerAnswer> {
    let seller = gateway.clients.users.create_seller(&profile, &caller).await?;
    created(SellerAnswer { seller })
}

/// Replaces the caller's profile.
#[utoipa::path(
    put,
    path = "/{seller_id}",
    request_body = Profile,
    responses(
        (status = 200, description = "The seller.", body = SellerAnswer),
        (status = 400, description = "`invalid_profile`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_profile`"),
        (status = 404, description = "`seller_not_found`"),
    ),
)]
async fn update_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    Json(profile): Json<Profile>,
) -> Answer<SellerAnswer> {
    let seller = gateway.clients.users.update_seller(&seller_id, &profile, &caller).await?;
    Ok(Json(SellerAnswer { seller }))
}

/// Makes sellers of made-up accounts, where that is wanted.
#[utoipa::path(
    put,
    path = "/seed/{count}",
    params(
        ("count" = u32, Path, minimum = 1, maximum = 100),
    ),
    responses(
        (status = 201, description = "Their ids.", body = SeededSellers),
        (status = 400, description = "`invalid_count`"),
        (status = 403, description = "`seeding_disabled`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn seed(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Created<SeededSellers> {
    created(gateway.clients.users.seed(&count, &caller).await?)
}
