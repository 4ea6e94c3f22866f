//! The HTTP interface: `/api/v1/review/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use platform::document::{self, Document, OpenApiRouter, routes};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Caller, Database, Json, Page, Path, SignedIn, outbox};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{NewReview, Review};
use crate::{events, store};

pub(crate) fn router(database: Database) -> Router {
    routes().with_state(database).into()
}

/// What this service answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    document::service("review", "Reviews: what buyers and sellers say of each other.", routes())
}

fn routes() -> OpenApiRouter<Database> {
    let routes = OpenApiRouter::default().routes(routes!(create)).routes(routes!(of_gig)).routes(routes!(of_seller));
    OpenApiRouter::default().nest("/api/v1/review", routes)
}

#[derive(Serialize, ToSchema)]
struct ReviewAnswer {
    review: Review,
}

#[derive(Serialize, ToSchema)]
struct ReviewsAnswer {
    reviews: Vec<Review>,
}

/// Reviews the other side of an order.
#[utoipa::path(
    post,
    path = "/",
    params(
        IdempotencyKey,
    ),
    request_body = NewReview,
    responses(
        (status = 201, description = "The review.", body = ReviewAnswer),
        (status = 400, description = "`invalid_id`, `invalid_rating`, `invalid_text`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`"),
        (status = 409, description = "`already_reviewed`"),
        (status = 422, description = "`idempotency_key_reused`"),
    ),
)]
async fn create(
    State(database): State<Database>,
    SignedIn(caller): SignedIn,
    key: IdempotencyKey,
    Json(request): Json<NewReview>,
) -> Result<Response, ApiError> {
    let mut tx = database.begin().await?;
    if let Some(answer) = key.replay(&mut tx, &caller, &request).await? {
        return Ok(answer);
    }
    let review = request.clone().by(&caller)?;
    if !store::insert(&mut tx, &review).await? {
        return Err(ApiError::conflict("already_reviewed", "you have reviewed this order before"));
    }
    outbox::emit(&mut tx, events::submitted(&review)?);
    let answer = ReviewAnswer { review };
    key.remember(&mut tx, &caller, &request, StatusCode::CREATED, &answer).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// Reviews of a gig.
#[utoipa::path(
    get,
    path = "/gig/{gig_id}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = ReviewsAnswer),
    ),
)]
async fn of_gig(
    State(database): State<Database>,
    _caller: Caller,
    Path(gig_id): Path<String>,
    page: Page,
) -> Result<Json<ReviewsAnswer>, ApiError> {
    let mut db = database.pool().acquire().await?;
    Ok(Json(ReviewsAnswer { reviews: store::of_gig(&mut db, &gig_id, &page).await? }))
}

/// Reviews of a seller by buyers.
#[utoipa::path(
    get,
    path = "/seller/{seller_id}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = ReviewsAnswer),
    ),
)]
async fn of_seller(
    State(database): State<Database>,
    _caller: Caller,
    Path(seller_id): Path<String>,
    page: Page,
) -> Result<Json<ReviewsAnswer>, ApiError> {
    let mut db = database.pool().acquire().await?;
    Ok(Json(ReviewsAnswer { reviews: store::of_seller(&mut db, &seller_id, &page).await? }))
}
