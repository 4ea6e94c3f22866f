//! `/api/v1/gateway/review/...`.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get, post};
use platform::{ApiError, Json, Path};
use serde::{Deserialize, Serialize};

use super::idempotency::key;
use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::review::{NewReview, Review};
use crate::session::{Anyone, SignedInUser};

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", collection())
        .route("/gig/{gig_id}", get(of_gig))
        .route("/seller/{seller_id}", get(of_seller))
}

/// What the collection itself takes.
pub(super) fn collection() -> MethodRouter<Gateway> {
    post(create)
}

#[derive(Serialize)]
struct ReviewAnswer {
    review: Review,
}

#[derive(Serialize)]
struct ReviewsAnswer {
    reviews: Vec<Review>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReviewBody {
    order_id: String,
    rating: i64,
    text: String,
}

/// Who sold what to whom is the order's business: the order service says it, not the reviewer.
async fn create(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    headers: HeaderMap,
    Json(body): Json<ReviewBody>,
) -> Created<ReviewAnswer> {
    let order = gateway.clients.orders.order(&body.order_id, &caller).await?;
    if order.status != "completed" {
        return Err(ApiError::conflict("order_not_completed", "an order can be reviewed when it is completed").into());
    }
    let review = NewReview {
        order_id: order.id,
        gig_id: order.gig_id,
        buyer_id: order.buyer_id,
        seller_id: order.seller_id,
        rating: body.rating,
        text: body.text,
    };
    let review = gateway.clients.reviews.create(&review, key(&headers)?, &caller).await?;
    created(ReviewAnswer { review })
}

async fn of_gig(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(gig_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<ReviewsAnswer> {
    let reviews = gateway.clients.reviews.of_gig(&gig_id, query.as_deref(), &caller).await?;
    Ok(Json(ReviewsAnswer { reviews }))
}

async fn of_seller(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<ReviewsAnswer> {
    let reviews = gateway.clients.reviews.of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(ReviewsAnswer { reviews }))
}
