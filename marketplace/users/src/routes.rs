//! The HTTP interface: `/api/v1/buyer/...` and `/api/v1/seller/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use platform::document::{self, Document, OpenApiRouter, routes};
use platform::{ApiError, Caller, Event, Json, Path, SignedIn, Tx, now, outbox};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Buyer, Invalid, Profile, Seller};
use crate::events::{SellerCreated, SellerUpdated};
use crate::store::{self, Key};
use crate::{Users, seed};

/// Most sellers of one request for random ones.
const MOST_RANDOM: i64 = 50;

pub(crate) fn router(state: Users) -> Router {
    routes().with_state(state).into()
}

/// What this service answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    document::service("users", "Buyers and sellers: profiles, and what follows from orders and reviews.", routes())
}

fn routes() -> OpenApiRouter<Users> {
    let buyers = OpenApiRouter::default()
        .routes(routes!(buyer_by_own_email))
        .routes(routes!(buyer_by_own_username))
        .routes(routes!(buyer_contact))
        .routes(routes!(buyer_by_username));
    let sellers = OpenApiRouter::default()
        .routes(routes!(seller_by_id))
        .routes(routes!(seller_contact))
        .routes(routes!(seller_by_username))
        .routes(routes!(random_sellers))
        .routes(routes!(create_seller))
        .routes(routes!(seed::seed))
        .routes(routes!(update_seller));
    OpenApiRouter::default().nest("/api/v1/buyer", buyers).nest("/api/v1/seller", sellers)
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
        (status = 401, description = "`sign_in_required`"),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
async fn buyer_by_own_email(State(users): State<Users>, caller: SignedIn) -> Result<Json<BuyerAnswer>, ApiError> {
    buyer(&users, Key::Email, &caller.email, &caller).await
}

/// The caller as a buyer, found by their name.
#[utoipa::path(
    get,
    path = "/username",
    responses(
        (status = 200, description = "The buyer.", body = BuyerAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
async fn buyer_by_own_username(State(users): State<Users>, caller: SignedIn) -> Result<Json<BuyerAnswer>, ApiError> {
    buyer(&users, Key::Username, &caller.username, &caller).await
}

/// A buyer by name.
#[utoipa::path(
    get,
    path = "/{username}",
    responses(
        (status = 200, description = "The buyer.", body = BuyerAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
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

/// A seller by id.
#[utoipa::path(
    get,
    path = "/id/{seller_id}",
    responses(
        (status = 200, description = "The seller.", body = SellerAnswer),
        (status = 404, description = "`seller_not_found`"),
    ),
)]
async fn seller_by_id(
    State(users): State<Users>,
    caller: Caller,
    Path(seller_id): Path<String>,
) -> Result<Json<SellerAnswer>, ApiError> {
    seller(&users, Key::Id, &seller_id, &caller).await
}

/// A seller by name.
#[utoipa::path(
    get,
    path = "/username/{username}",
    responses(
        (status = 200, description = "The seller.", body = SellerAnswer),
        (status = 404, description = "`seller_not_found`"),
    ),
)]
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
#[derive(Serialize, ToSchema)]
struct Contact {
    id: String,
    username: String,
    #[schema(format = Email)]
    email: String,
}

/// How a seller is reached, for the gateway only.
#[utoipa::path(
    get,
    path = "/contact/{seller_id}",
    responses(
        (status = 200, description = "The address.", body = Contact),
        (status = 404, description = "`seller_not_found`"),
    ),
)]
async fn seller_contact(State(users): State<Users>, Path(seller_id): Path<String>) -> Result<Json<Contact>, ApiError> {
    let mut db = users.database.pool().acquire().await?;
    let seller = store::seller(&mut db, Key::Id, &seller_id).await?.ok_or_else(seller_not_found)?;
    Ok(Json(Contact { id: seller.id, username: seller.username, email: seller.email.unwrap_or_default() }))
}

/// How a buyer is reached, for the gateway only.
#[utoipa::path(
    get,
    path = "/contact/{username}",
    responses(
        (status = 200, description = "The address.", body = Contact),
        (status = 404, description = "`buyer_not_found`"),
    ),
)]
async fn buyer_contact(State(users): State<Users>, Path(username): Path<String>) -> Result<Json<Contact>, ApiError> {
    let mut db = users.database.pool().acquire().await?;
    let buyer = store::buyer(&mut db, Key::Username, &username.to_lowercase())
        .await?
        .ok_or_else(|| ApiError::not_found("buyer_not_found", "there is no such buyer"))?;
    Ok(Json(Contact { id: buyer.id, username: buyer.username, email: buyer.email.unwrap_or_default() }))
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
)]
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

/// Makes the caller a seller.
#[utoipa::path(
    post,
    path = "/create",
    request_body = Profile,
    responses(
        (status = 201, description = "The seller.", body = SellerAnswer),
        (status = 400, description = "`invalid_profile`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 409, description = "`seller_exists`"),
    ),
)]
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

/// Replaces the caller's profile.
#[utoipa::path(
    put,
    path = "/{seller_id}",
    request_body = Profile,
    responses(
        (status = 200, description = "The seller.", body = SellerAnswer),
        (status = 400, description = "`invalid_profile`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_profile`"),
        (status = 404, description = "`seller_not_found`"),
    ),
)]
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
