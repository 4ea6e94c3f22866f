//! One gig over HTTP: read, create, update, pause, delete. Lists of gigs are in [`crate::listing`].

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use platform::bug::{self, Bug};
use platform::document::{self, Document, OpenApiRouter, routes};
use platform::{ApiError, Caller, Event, Json, Path, SignedIn, Tx, new_id, now, outbox};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::{Gig, Invalid, Offer};
use crate::events::{GigCreated, GigDeleted};
use crate::{Gigs, listing, seed, store};

pub(crate) fn router(state: Gigs) -> Router {
    routes().with_state(state).into()
}

/// What this service answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    document::service("gig", "Gigs: what sellers offer, and how buyers find it.", routes())
}

fn routes() -> OpenApiRouter<Gigs> {
    let routes = OpenApiRouter::default()
        .routes(routes!(one, update))
        .routes(routes!(remove))
        .routes(routes!(create))
        .routes(routes!(set_active))
        .routes(routes!(seed::seed))
        .merge(listing::routes());
    OpenApiRouter::default().nest("/api/v1/gig", routes)
}

#[derive(Serialize, ToSchema)]
struct GigAnswer {
    gig: Gig,
}

/// One gig; a paused one only for its seller.
#[utoipa::path(
    get,
    path = "/{gig_id}",
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn one(State(gigs): State<Gigs>, caller: Caller, Path(gig_id): Path<String>) -> Result<Json<Value>, ApiError> {
    let mut db = gigs.database.pool().acquire().await?;
    let gig = store::find(&mut db, &gig_id)
        .await?
        // A paused gig is its seller's business only.
        .filter(|gig| gig.active || gig.seller_id == caller.id)
        .ok_or_else(gig_not_found)?;
    let mut answer = json!({ "gig": gig });
    if bug::active(Bug::RenameField)
        && let Some(fields) = answer["gig"].as_object_mut()
        && let Some(seller) = fields.remove("sellerId")
    {
        fields.insert("seller_id".to_owned(), seller);
    }
    Ok(Json(answer))
}

/// Publishes a gig of the caller.
#[utoipa::path(
    post,
    path = "/create",
    request_body = Offer,
    responses(
        (status = 201, description = "The gig.", body = GigAnswer),
        (status = 400, description = "`invalid_gig`"),
        (status = 401, description = "`sign_in_required`"),
    ),
)]
async fn create(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Json(offer): Json<Offer>,
) -> Result<(StatusCode, Json<GigAnswer>), ApiError> {
    offer.check().map_err(invalid)?;
    let mut tx = gigs.database.begin().await?;
    let gig = publish(&mut tx, &caller, &offer).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(GigAnswer { gig })))
}

/// Inserts a gig of `seller` and tells the others.
pub(crate) async fn publish(tx: &mut Tx, seller: &Caller, offer: &Offer) -> Result<Gig, ApiError> {
    let id = new_id();
    let gig = store::insert(tx, &id, &seller.id, &seller.username, offer, &now()).await?;
    let created = GigCreated {
        gig_id: gig.id.clone(),
        seller_id: gig.seller_id.clone(),
        title: gig.title.clone(),
        price: gig.price,
        currency: gig.currency.clone(),
    };
    outbox::emit(tx, Event::new(&gig.id, &created)?);
    Ok(gig)
}

/// Replaces what a gig of the caller offers.
#[utoipa::path(
    put,
    path = "/{gig_id}",
    request_body = Offer,
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 400, description = "`invalid_gig`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn update(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Path(gig_id): Path<String>,
    Json(offer): Json<Offer>,
) -> Result<Json<GigAnswer>, ApiError> {
    offer.check().map_err(invalid)?;
    let mut tx = gigs.database.begin().await?;
    own(&mut tx, &gig_id, &caller).await?;
    let gig = store::update(&mut tx, &gig_id, &offer, &now()).await?.ok_or_else(gig_not_found)?;
    tx.commit().await?;
    Ok(Json(GigAnswer { gig }))
}

#[derive(Deserialize, ToSchema)]
struct SetActive {
    active: bool,
}

/// Activates or pauses a gig of the caller.
#[utoipa::path(
    put,
    path = "/active/{gig_id}",
    request_body = SetActive,
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn set_active(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Path(gig_id): Path<String>,
    Json(body): Json<SetActive>,
) -> Result<Json<GigAnswer>, ApiError> {
    let mut tx = gigs.database.begin().await?;
    own(&mut tx, &gig_id, &caller).await?;
    store::set_active(&mut tx, &gig_id, body.active, &now()).await?;
    let gig = store::find(&mut tx, &gig_id).await?.ok_or_else(gig_not_found)?;
    tx.commit().await?;
    Ok(Json(GigAnswer { gig }))
}

/// Deletes a gig of the caller.
#[utoipa::path(
    delete,
    path = "/{gig_id}/{seller_id}",
    responses(
        (status = 204, description = "It is gone."),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn remove(
    State(gigs): State<Gigs>,
    caller: SignedIn,
    Path((gig_id, seller_id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let mut tx = gigs.database.begin().await?;
    let gig = own(&mut tx, &gig_id, &caller).await?;
    if gig.seller_id != seller_id {
        return Err(gig_not_found());
    }
    if !store::delete(&mut tx, &gig_id).await? {
        return Err(gig_not_found());
    }
    let deleted = GigDeleted { gig_id, seller_id };
    outbox::emit(&mut tx, Event::new(&deleted.gig_id, &deleted)?);
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A gig of the caller's, which nobody else changes until `tx` ends.
async fn own(tx: &mut Tx, gig_id: &str, caller: &Caller) -> Result<Gig, ApiError> {
    tx.lock(&format!("gig {gig_id}")).await?;
    let gig = store::find(tx, gig_id).await?.ok_or_else(gig_not_found)?;
    if gig.seller_id == caller.id {
        Ok(gig)
    } else {
        Err(ApiError::forbidden("not_your_gig", "only its seller may change this gig"))
    }
}

pub(crate) fn gig_not_found() -> ApiError {
    ApiError::not_found("gig_not_found", "there is no such gig")
}

fn invalid(error: Invalid) -> ApiError {
    ApiError::bad_request("invalid_gig", error.to_string())
}
