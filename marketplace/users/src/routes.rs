//! The HTTP interface: `/api/v1/buyer/...` and `/api/v1/seller/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use platform::{ApiError, Caller, Event, Json, Path, SignedIn, Tx, now, outbox};
use serde::Serialize;

use crate::domain::{Buyer, Invalid, Profile, Seller};
use crate::events::{SellerCreated, SellerUpdated};
use crate::store::{self, Key};
use crate::{Users, seed};

/// Most sellers of one request for random ones.
const MOST_RANDOM: i64 = 50;

pub(crate) fn router(state: Users) -> Router {
    let buyers = Router::new()
        .route("/email", get(buyer_by_own_email))
        .route("/username", get(buyer_by_own_username))
        .route("/contact/{username}", get(buyer_contact))
        .route("/{username}", get(buyer_by_username))
        .with_state(state.clone());
    let sellers = Router::new()
        .route("/id/{seller_id}", get(seller_by_id))
        .route("/contact/{seller_id}", get(seller_contact))
        .route("/username/{username}", get(seller_by_username))
        .route("/random/{count}", get(random_sellers))
        .route("/create", post(create_seller))
        .route("/seed/{count}", put(seed::seed))
        .route("/{seller_id}", put(update_seller))
        .with_state(state);
    Router::new().nest("/api/v1/buyer", buyers).nest("/api/v1/seller", sellers)
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

async fn buyer_by_own_email(State(users): State<Users>, caller: SignedIn) -> Result<Json<BuyerAnswer>, ApiError> {
    buyer(&users, Key::Email, &caller.email, &caller).await
}

async fn buyer_by_own_username(State(users): State<Users>, caller: SignedIn) -> Result<Json<BuyerAnswer>, ApiError> {
    buyer(&users, Key::Username, &caller.username, &caller).await
}

async fn buyer_by_username(
    State(users): State<Users>,
    caller: SignedIn,
    Path(username): Path<String>,
) -> Result<Json<BuyerAnswer>, ApiError> {
    buyer(&users, Key::Username, &username.to_lowercase(), &caller).await
}

async fn buyer(users: &Users, key: Key, value: &str, caller: &Caller) -> Result<Json<BuyerAnswer>, ApiError> {
    let mut db = users.database.pool().acquire().await?;
    let mut buyer = store::buyer(&mut db, key, value)
        .await?
        .ok_or_else(|| ApiError::not_found("buyer_not_found", "there is no such buyer"))?;
    if buyer.id != caller.id {
        buyer.email = None;
        buyer.account = None;
    }
    Ok(Json(BuyerAnswer { buyer }))
}

async fn seller_by_id(
    State(users): State<Users>,
    caller: Caller,
    Path(seller_id): Path<String>,
) -> Result<Json<SellerAnswer>, ApiError> {
    seller(&users, Key::Id, &seller_id, &caller).await
}

async fn seller_by_username(
    State(users): State<Users>,
    caller: Caller,
    Path(username): Path<String>,
) -> Result<Json<SellerAnswer>, ApiError> {
    seller(&users, Key::Username, &username.to_lowercase(), &caller).await
}

async fn seller(users: &Users, key: Key, value: &str, caller: &Caller) -> Result<Json<SellerAnswer>, ApiError> {
    let mut db = users.database.pool().acquire().await?;
    let mut seller = store::seller(&mut db, key, value).await?.ok_or_else(seller_not_found)?;
    hide_private(&mut seller, caller);
    Ok(Json(SellerAnswer { seller }))
}

/// Address and earnings are nobody else's business.
fn hide_private(seller: &mut Seller, caller: &Caller) {
    if seller.id != caller.id {
        seller.email = None;
        seller.earnings.clear();
    }
}

/// How somebody is reached: asked by the gateway for the sake of mails, and not offered to clients.
#[derive(Serialize)]
struct Contact {
    id: String,
    username: String,
    email: String,
}

async fn seller_contact(State(users): State<Users>, Path(seller_id): Path<String>) -> Result<Json<Contact>, ApiError> {
    let mut db = users.database.pool().acquire().await?;
    let seller = store::seller(&mut db, Key::Id, &seller_id).await?.ok_or_else(seller_not_found)?;
    Ok(Json(Contact { id: seller.id, username: seller.username, email: seller.email.unwrap_or_default() }))
}

async fn buyer_contact(State(users): State<Users>, Path(username): Path<String>) -> Result<Json<Contact>, ApiError> {
    let mut db = users.database.pool().acquire().await?;
    let buyer = store::buyer(&mut db, Key::Username, &username.to_lowercase())
        .await?
        .ok_or_else(|| ApiError::not_found("buyer_not_found", "there is no such buyer"))?;
    Ok(Json(Contact { id: buyer.id, username: buyer.username, email: buyer.email.unwrap_or_default() }))
}

async fn random_sellers(
    State(users): State<Users>,
    caller: Caller,
    Path(count): Path<i64>,
) -> Result<Json<SellersAnswer>, ApiError> {
    if !(1..=MOST_RANDOM).contains(&count) {
        return Err(ApiError::bad_request(
            "invalid_count",
            format!("`count` is `{count}`: expected 1 to {MOST_RANDOM}"),
        ));
    }
    let mut db = users.database.pool().acquire().await?;
    let mut sellers = store::random_sellers(&mut db, count).await?;
    for seller in &mut sellers {
        hide_private(seller, &caller);
    }
    Ok(Json(SellersAnswer { sellers }))
}

async fn create_seller(
    State(users): State<Users>,
    caller: SignedIn,
    Json(profile): Json<Profile>,
) -> Result<(StatusCode, Json<SellerAnswer>), ApiError> {
    profile.check().map_err(invalid)?;
    let mut tx = users.database.begin().await?;
    let seller = create(&mut tx, &caller, &profile).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(SellerAnswer { seller })))
}

/// Inserts a seller for `account` and tells the others.
pub(crate) async fn create(tx: &mut Tx, account: &Caller, profile: &Profile) -> Result<Seller, ApiError> {
    store::lock_seller(tx, &account.id).await?;
    let created = store::create_seller(tx, &account.id, &account.username, &account.email, profile, &now()).await;
    if let Err(error) = created {
        return Err(match error.as_database_error() {
            Some(database) if database.is_unique_violation() => {
                ApiError::conflict("seller_exists", "this account is a seller already")
            }
            _ => ApiError::internal(error),
        });
    }
    let facts = store::facts(tx, &account.id, None).await?.ok_or_else(seller_not_found)?;
    outbox::emit(tx, Event::new(&account.id, &SellerCreated(facts))?);
    store::seller(tx, Key::Id, &account.id).await?.ok_or_else(seller_not_found)
}

async fn update_seller(
    State(users): State<Users>,
    caller: SignedIn,
    Path(seller_id): Path<String>,
    Json(profile): Json<Profile>,
) -> Result<Json<SellerAnswer>, ApiError> {
    profile.check().map_err(invalid)?;
    if seller_id != caller.id {
        return Err(ApiError::forbidden("not_your_profile", "only the seller may change this profile"));
    }
    let mut tx = users.database.begin().await?;
    store::lock_seller(&mut tx, &seller_id).await?;
    if !store::update_seller(&mut tx, &seller_id, &profile, &now()).await? {
        return Err(seller_not_found());
    }
    let facts = store::facts(&mut tx, &seller_id, None).await?.ok_or_else(seller_not_found)?;
    outbox::emit(&mut tx, Event::new(&seller_id, &SellerUpdated(facts))?);
    let seller = store::seller(&mut tx, Key::Id, &seller_id).await?.ok_or_else(seller_not_found)?;
    tx.commit().await?;
    Ok(Json(SellerAnswer { seller }))
}

fn seller_not_found() -> ApiError {
    ApiError::not_found("seller_not_found", "there is no such seller")
}

fn invalid(error: Invalid) -> ApiError {
    ApiError::bad_request("invalid_profile", error.to_string())
}
