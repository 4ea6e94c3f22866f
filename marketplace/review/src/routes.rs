//! The service's HTTP interface, under `/api/v1/review`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Caller, Database, Json, Path, SignedIn, outbox};
use serde_json::{Value, json};

use crate::domain::{NewReview, Review};
use crate::store::{self, By};
use crate::events;

pub(crate) fn router(database: Database) -> Router {
    let routes = Router::new()
        .route("/", post(create))
        .route("/gig/{gigId}", get(of_gig))
        .route("/seller/{sellerId}", get(of_seller))
        .with_state(database.clone());
    // The collection answers with and without a slash at its end.
    Router::new().nest("/api/v1/review", routes).route("/api/v1/review/", post(create).with_state(database))
}

async fn of_gig(
    State(database): State<Database>,
    _: Caller,
    Path(gig_id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "reviews": store::list(database.pool(), By::Gig(&gig_id)).await? })))
}

async fn of_seller(
    State(database): State<Database>,
    _: Caller,
    Path(seller_id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "reviews": store::list(database.pool(), By::Seller(&seller_id)).await? })))
}

async fn create(
    State(database): State<Database>,
    author: SignedIn,
    key: IdempotencyKey,
    Json(request): Json<NewReview>,
) -> Result<Response, ApiError> {
    let mut tx = database.begin().await?;
    if let Some(answer) = key.replay(&mut tx, &author, &request).await? {
        return Ok(answer);
    }
    let review = Review::by(&author, request.clone())?;
    if !store::insert(&mut tx, &review).await? {
        return Err(ApiError::conflict("already_reviewed", "you have reviewed this order before"));
    }
    outbox::emit(&mut tx, events::submitted(&review)?).await?;
    let answer = json!({ "review": review });
    key.remember(&mut tx, &author, &request, StatusCode::CREATED, &answer).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
