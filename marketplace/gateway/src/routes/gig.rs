//! `/api/v1/gateway/gig/...`.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use platform::document::{OpenApiRouter, routes};
use platform::{ApiError, Json, Page as Part, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::gig::{Gig, Offer, Page, SeededGigs, SetActive};
use crate::clients::{CallError, GatewayError};
use crate::session::{Anyone, SignedInUser};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default()
        .routes(routes!(one, update))
        .routes(routes!(remove))
        .routes(routes!(of_seller))
        .routes(routes!(paused_of_seller))
        .routes(routes!(of_category))
        .routes(routes!(top_rated))
        .routes(routes!(similar))
        .routes(routes!(search))
        .routes(routes!(create))
        .routes(routes!(set_active))
        .routes(routes!(seed))
}

#[derive(Serialize, ToSchema)]
struct GigAnswer {
    gig: Gig,
}

#[derive(Serialize, ToSchema)]
struct GigsAnswer {
    gigs: Vec<Gig>,
}

/// One gig; a paused one only for its seller.
#[utoipa::path(
    get,
    path = "/{gig_id}",
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn one(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.gig(&gig_id, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}

/// A seller's active gigs, newest first.
#[utoipa::path(
    get,
    path = "/seller/{seller_id}",
    params(
        Part,
    ),
    responses(
        (status = 200, description = "One page.", body = GigsAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
    ),
)]
async fn of_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

/// The caller's paused gigs, newest first.
#[utoipa::path(
    get,
    path = "/seller/pause/{seller_id}",
    params(
        Part,
    ),
    responses(
        (status = 200, description = "One page.", body = GigsAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_gigs`"),
    ),
)]
async fn paused_of_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.paused_of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

/// Gigs of the category that the caller looks at.
#[utoipa::path(
    get,
    path = "/category/{username}",
    params(
        ("category" = Option<String>, Query, description = "Remembered for the next time.", min_length = 1, max_length = 60),
        Part,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = GigsAnswer),
        (status = 400, description = "`invalid_category`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_choice`"),
    ),
)]
async fn of_category(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.of_category(&username, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

/// The best-rated gigs of the category that the caller looks at.
#[utoipa::path(
    get,
    path = "/top/{username}",
    params(
        ("category" = Option<String>, Query, description = "Remembered for the next time.", min_length = 1, max_length = 60),
    ),
    responses(
        (status = 200, description = "Up to 10 gigs.", body = GigsAnswer),
        (status = 400, description = "`invalid_category`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_choice`"),
    ),
)]
async fn top_rated(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(username): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.top_rated(&username, query.as_deref(), &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

/// Gigs like this one.
#[utoipa::path(
    get,
    path = "/similar/{gig_id}",
    responses(
        (status = 200, description = "Up to 10 gigs.", body = GigsAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn similar(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
) -> Answer<GigsAnswer> {
    let gigs = gateway.clients.gigs.similar(&gig_id, &caller).await?;
    Ok(Json(GigsAnswer { gigs }))
}

/// Searches active gigs, newest first, a page at a time.
#[utoipa::path(
    get,
    path = "/search/{from}/{size}/{direction}",
    params(
        ("from" = String, Path, description = "`0`, or `next` or `previous` of an earlier page.", max_length = 64),
        ("size" = u32, Path, minimum = 1, maximum = 100),
        ("direction" = String, Path, description = "`forward` to older gigs, `backward` to newer ones.", pattern = "^(forward|backward)$"),
        ("query" = Option<String>, Query, description = "Words that the gig must hold; the last may be incomplete."),
        ("minPrice" = Option<i64>, Query, description = "Minor units."),
        ("maxPrice" = Option<i64>, Query, description = "Minor units."),
        ("deliveryDays" = Option<i64>, Query, description = "Days until delivery, at most."),
        ("category" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "One page.", body = Page),
        (status = 400, description = "`invalid_size`, `invalid_cursor`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
    ),
)]
async fn search(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((from, size, direction)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Answer<Page> {
    let page = gateway.clients.gigs.search(&from, &size, &direction, query.as_deref(), &caller).await?;
    Ok(Json(page))
}

/// Publishes a gig of the caller, who must be a seller.
///
/// Only sellers offer gigs. The gig service hears of sellers by events, a moment later; the gateway asks who knows now.
#[utoipa::path(
    post,
    path = "/create",
    request_body = Offer,
    responses(
        (status = 201, description = "The gig.", body = GigAnswer),
        (status = 400, description = "`invalid_gig`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`seller_required`"),
    ),
)]
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

/// Replaces what a gig of the caller offers.
#[utoipa::path(
    put,
    path = "/{gig_id}",
    request_body = Offer,
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 400, description = "`invalid_gig`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn update(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
    Json(offer): Json<Offer>,
) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.update(&gig_id, &offer, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}

/// Activates or pauses a gig of the caller.
#[utoipa::path(
    put,
    path = "/active/{gig_id}",
    request_body = SetActive,
    responses(
        (status = 200, description = "The gig.", body = GigAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn set_active(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(gig_id): Path<String>,
    Json(active): Json<SetActive>,
) -> Answer<GigAnswer> {
    let gig = gateway.clients.gigs.set_active(&gig_id, active, &caller).await?;
    Ok(Json(GigAnswer { gig }))
}

/// Deletes a gig of the caller.
#[utoipa::path(
    delete,
    path = "/{gig_id}/{seller_id}",
    responses(
        (status = 204, description = "It is gone."),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_gig`"),
        (status = 404, description = "`gig_not_found`"),
    ),
)]
async fn remove(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((gig_id, seller_id)): Path<(String, String)>,
) -> Result<StatusCode, GatewayError> {
    gateway.clients.gigs.delete(&gig_id, &seller_id, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes gigs of made-up sellers up, where that is wanted.
#[utoipa::path(
    put,
    path = "/seed/{count}",
    params(
        ("count" = u32, Path, minimum = 1, maximum = 100),
    ),
    responses(
        (status = 201, description = "Their ids.", body = SeededGigs),
        (status = 400, description = "`invalid_count`"),
        (status = 403, description = "`seeding_disabled`"),
    ),
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn seed(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(count): Path<String>,
) -> Created<SeededGigs> {
    created(gateway.clients.gigs.seed(&count, &caller).await?)
}
