//! `/api/v1/gateway/gig/...`.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use platform::{ApiError, Json, Path};
use serde::Serialize;

use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::gig::{Gig, Offer, Page, SeededGigs, SetActive};
use crate::clients::{CallError, GatewayError};
use crate::session::{Anyone, SignedInUser};

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/{gig_id}", get(one).put(update))
        .route("/{gig_id}/{seller_id}", delete(remove))
        .route("/seller/{seller_id}", get(of_seller))
        .route("/seller/pause/{seller_id}", get(paused_of_seller))
        .route("/category/{username}", get(of_category))
        .route("/top/{username}", get(top_rated))
        .route("/similar/{gig_id}", get(similar))
        .route("/search/{from}/{size}/{direction}", get(search))
        .route("/create", post(create))
        .route("/active/{gig_id}", put(set_active))
        .route("/seed/{count}", put(seed))
}

#[derive(Serialize)]
struct GigAnswer {
    gig: Gig,
}

#[derive(Serialize)]
struct GigsAnswer {
    gigs: Vec<Gig>,
}

async fn one(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.gig(&gig_id, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}

async fn of_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

async fn paused_of_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.paused_of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

async fn of_category(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.of_category(&username, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

async fn top_rated(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.top_rated(&username, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

async fn similar(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.similar(&gig_id, &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

async fn search(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((from, size, direction)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Page> {
    let page = gateway.clients.gigs.search(&from, &size, &direction, query.as_deref(), &caller).await?;
    Ok(Json(page))
}

/// Only sellers offer gigs. The gig service hears of sellers by events, a moment later; the gateway asks who knows now.
async fn create(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(offer): Json<Offer>,
) -> Created<GigAnswer> {
    let seller = gateway.clients.users.seller(&caller.id, &caller).await;
    seller.map_err(|error| match error {
        CallError::Refused { ref problem, .. } if problem.status == 404 => {
            GatewayError::from(ApiError::forbidden("seller_required", "become a seller before you offer a gig"))
        }
        other => other.into(),
    })?;
    let gig = gateway.clients.gigs.create(&offer, &caller).await?;
    created(GigAnswer { gig })
}

async fn update(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
    Json(offer): Json<Offer>,
) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.update(&gig_id, &offer, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}

async fn set_active(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
    Json(active): Json<SetActive>,
) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.set_active(&gig_id, active, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}

async fn remove(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((gig_id, seller_id)): Path<(String, String)>,
) -> Result<StatusCode, GatewayError> {
    gateway.clients.gigs.delete(&gig_id, &seller_id, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn seed(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Created<SeededGigs> {
    created(gateway.clients.gigs.seed(&count, &caller).await?)
}
