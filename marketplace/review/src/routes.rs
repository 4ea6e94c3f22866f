//! The HTTP interface: `/api/v1/review/...`, called by the gateway only.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Caller, Database, Json, Page, Path, SignedIn, outbox};
use serde::Serialize;

use crate::domain::{NewReview, Review};
use crate::{events, store};

pub(crate) fn router(database: Database) -> Router {
    let routes = Router::new()
        .route("/", post(create))
        .route("/gig/{gig_id}", get(of_gig))
        .route("/seller/{seller_id}", get(of_seller))
        .with_state(database);
    Router::new().nest("/api/v1/review", routes)
}

#[derive(Serialize)]
struct ReviewAnswer {
    review: Review,
}

#[derive(Serialize)]
struct ReviewsAnswer {
    reviews: Vec<Review>,
}

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

async fn of_gig(
    State(database): State<Database>,
    _caller: Caller,
    Path(gig_id): Path<String>,
    page: Page,
) -> Result<Json<ReviewsAnswer>, ApiError> {
    let mut db = database.pool().acquire().await?;
    Ok(Json(ReviewsAnswer { reviews: store::of_gig(&mut db, &gig_id, &page).await? }))
}

async fn of_seller(
    State(database): State<Database>,
    _caller: Caller,
    Path(seller_id): Path<String>,
    page: Page,
) -> Result<Json<ReviewsAnswer>, ApiError> {
    let mut db = database.pool().acquire().await?;
    Ok(Json(ReviewsAnswer { reviews: store::of_seller(&mut db, &seller_id, &page).await? }))
}
