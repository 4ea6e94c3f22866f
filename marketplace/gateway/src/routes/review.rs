//! `/api/v1/gateway/review/...`.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, post};
use platform::document::{OpenApiRouter, routes};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Json, Page, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::idempotency::key;
use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::review::{NewReview, Review};
use crate::session::{Anyone, SignedInUser};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default().routes(routes!(create)).routes(routes!(of_gig)).routes(routes!(of_seller))
}

/// What the collection itself takes.
pub(super) fn collection() -> MethodRouter<Gateway> {
    post(create)
}

#[derive(Serialize, ToSchema)]
struct ReviewAnswer {
    review: Review,
}

#[derive(Serialize, ToSchema)]
struct ReviewsAnswer {
    reviews: Vec<Review>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReviewBody {
    order_id: String,
    #[schema(minimum = 1, maximum = 5)]
    rating: i64,
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// Reviews the other side of an order.
///
/// Who sold what to whom is the order's business: the order service says it, not the reviewer.
#[utoipa::path(
    post,
    path = "/",
    params(
        IdempotencyKey,
    ),
    request_body = ReviewBody,
    responses(
        (status = 201, description = "The review.", body = ReviewAnswer),
        (status = 400, description = "`invalid_rating`, `invalid_text`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`order_not_completed`, `already_reviewed`"),
    ),
)]
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
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn of_gig(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(gig_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<ReviewsAnswer> {
    let reviews = gateway.clients.reviews.of_gig(&gig_id, query.as_deref(), &caller).await?;
    Ok(Json(ReviewsAnswer { reviews }))
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
    security((), ("cookie" = []), ("bearer" = [])),
)]
async fn of_seller(
    State(gateway): State<Gateway>,
    Anyone(caller): Anyone,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<ReviewsAnswer> {
    let reviews = gateway.clients.reviews.of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(ReviewsAnswer { reviews }))
}
