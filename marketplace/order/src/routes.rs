//! The service's HTTP interface, under `/api/v1/order`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use platform::document::{self, Document, OpenApiRouter, routes};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Json, OptionalJson, Page, Path, Query, SignedIn};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::{Order, Status};
use crate::notifications::{self, Notification};
use crate::orders;
use crate::place::{self, IntentAnswer, IntentRequest, OrderRequest};
use crate::settlement::Settlement;
use crate::store::{self, Entry, Owner};

/// An order as clients see it: its fold, with id and total.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
struct View {
    #[schema(format = "uuid")]
    id: String,
    #[schema(minimum = 0)]
    total: i64,
    #[serde(flatten)]
    order: Order,
}

impl From<Order> for View {
    fn from(order: Order) -> Self {
        Self { id: order.terms.order_id.clone(), total: order.total(), order }
    }
}

#[derive(Serialize, ToSchema)]
struct OrdersAnswer {
    orders: Vec<View>,
}

/// All that happened to an order, and what it comes to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Timeline {
    order_id: String,
    timeline: Vec<Entry>,
    /// The state that the facts fold to.
    state: Status,
    /// Number of facts.
    #[schema(minimum = 1)]
    version: i64,
}

#[derive(Serialize, ToSchema)]
struct NotificationAnswer {
    notification: Notification,
}

#[derive(Serialize, ToSchema)]
struct NotificationsAnswer {
    notifications: Vec<Notification>,
}

pub(crate) fn router(settlement: Settlement) -> Router {
    // The collection answers with and without a slash at its end.
    Router::from(routes()).route("/api/v1/order/", post(create)).with_state(settlement)
}

/// What this service answers, as OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Document {
    document::service(
        "order",
        "Orders: from a payment intent to work that is paid, or given up and refunded.",
        routes(),
    )
}

fn routes() -> OpenApiRouter<Settlement> {
    let routes = OpenApiRouter::default()
        .routes(routes!(create))
        .routes(routes!(create_intent))
        .routes(routes!(show))
        .routes(routes!(timeline))
        .routes(routes!(of_seller))
        .routes(routes!(of_buyer))
        .routes(routes!(cancel))
        .routes(routes!(request_extension))
        .routes(routes!(decide_extension))
        .routes(routes!(deliver))
        .routes(routes!(approve))
        .routes(routes!(list_notifications))
        .routes(routes!(mark_as_read));
    OpenApiRouter::default().nest("/api/v1/order", routes)
}

/// Creates the payment intent of an order to come.
#[utoipa::path(
    post,
    path = "/create-payment-intent",
    params(
        IdempotencyKey,
    ),
    request_body = IntentRequest,
    responses(
        (status = 201, description = "The intent, and the id that the order will have.", body = IntentAnswer),
        (status = 400, description = "`own_gig`, `invalid_amount`, `invalid_currency`, `invalid_body`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 402, description = "`payment_declined`"),
        (status = 409, description = "`payment_refused`"),
        (status = 422, description = "`idempotency_key_reused`"),
        (status = 503, description = "`payment_unavailable`"),
    ),
)]
async fn create_intent(
    State(settlement): State<Settlement>,
    buyer: SignedIn,
    key: IdempotencyKey,
    Json(request): Json<IntentRequest>,
) -> Result<Response, ApiError> {
    let mut tx = settlement.database.begin().await?;
    let earlier = key.replay(&mut tx, &buyer, &request).await?;
    tx.rollback().await?;
    if let Some(answer) = earlier {
        return Ok(answer);
    }
    let intent = place::create_intent(&settlement, &buyer, &request).await?;
    let mut tx = settlement.database.begin().await?;
    // Another request under this key may have been faster; an intent that nobody hears of takes no money.
    if let Some(answer) = key.replay(&mut tx, &buyer, &request).await? {
        return Ok(answer);
    }
    key.remember(&mut tx, &buyer, &request, StatusCode::CREATED, &intent).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(intent)).into_response())
}

/// Places the order of a payment intent and captures its payment, once however often it is asked for.
///
/// A payment intent has one order, also without a key; a key says besides that nothing else is created under it.
#[utoipa::path(
    post,
    path = "/",
    params(
        IdempotencyKey,
    ),
    request_body = OrderRequest,
    responses(
        (status = 201, description = "The order, paid.", body = View),
        (status = 400, description = "`invalid_body`, `invalid_quantity`, `invalid_delivery`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 402, description = "`payment_declined`"),
        (status = 403, description = "`not_your_payment_intent`"),
        (status = 404, description = "`payment_intent_not_found`"),
        (status = 409, description = "`other_gig`, `other_quantity`, `payment_being_undone`, `payment_failed`, `payment_refused`"),
        (status = 503, description = "`payment_unavailable`"),
    ),
)]
async fn create(
    State(settlement): State<Settlement>,
    buyer: SignedIn,
    key: IdempotencyKey,
    Json(request): Json<OrderRequest>,
) -> Result<Response, ApiError> {
    let mut tx = settlement.database.begin().await?;
    if let Some(answer) = key.claim(&mut tx, &buyer, &request).await? {
        return Ok(answer);
    }
    tx.commit().await?;
    let placed = place::place(&settlement, &buyer, &request).await;
    let mut tx = settlement.database.begin().await?;
    let order = match placed {
        Ok(order) => View::from(order),
        Err(error) => {
            // Refused for good; what is not known yet may still become an order, and keeps the key.
            if error.status().is_client_error() {
                key.release(&mut tx, &buyer, &request).await?;
                tx.commit().await?;
            }
            return Err(error);
        }
    };
    key.remember(&mut tx, &buyer, &request, StatusCode::CREATED, &order).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(order)).into_response())
}

/// An order of the caller.
#[utoipa::path(
    get,
    path = "/{orderId}",
    responses(
        (status = 200, description = "The order.", body = View),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`"),
        (status = 404, description = "`order_not_found`"),
    ),
)]
async fn show(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<View>, ApiError> {
    Ok(Json(orders::show(&settlement, &caller, &id).await?.into()))
}

/// All that happened to an order of the caller.
#[utoipa::path(
    get,
    path = "/timeline/{orderId}",
    responses(
        (status = 200, description = "Its facts, oldest first.", body = Timeline),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`"),
        (status = 404, description = "`order_not_found`"),
    ),
)]
async fn timeline(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Timeline>, ApiError> {
    let order = orders::show(&settlement, &caller, &id).await?;
    let (timeline, folded) = store::audit(settlement.database.pool(), &order.terms.order_id).await?;
    Ok(Json(Timeline { order_id: id, timeline, state: folded.status, version: folded.version }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// `active`, `completed` or `cancelled`; all when absent.
    #[serde(default)]
    #[param(pattern = "^(active|completed|cancelled)$")]
    status: Option<String>,
}

impl Listing {
    /// Four names for four placeholders; names repeat where a listing has fewer states.
    fn statuses(&self) -> Result<[&'static str; 4], ApiError> {
        match self.status.as_deref() {
            None => Ok(["in_progress", "delivered", "completed", "cancelled"]),
            Some("active") => Ok(["in_progress", "delivered", "in_progress", "delivered"]),
            Some("completed") => Ok(["completed"; 4]),
            Some("cancelled") => Ok(["cancelled"; 4]),
            Some(other) => Err(ApiError::bad_request(
                "invalid_status",
                format!("`{other}`: expected `active`, `completed` or `cancelled`"),
            )),
        }
    }
}

/// The orders that the caller sells.
#[utoipa::path(
    get,
    path = "/seller/{sellerId}",
    params(
        Listing,
        Page,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = OrdersAnswer),
        (status = 400, description = "`invalid_status`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_orders`"),
    ),
)]
async fn of_seller(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
    page: Page,
) -> Result<Json<OrdersAnswer>, ApiError> {
    own(&caller, &id)?;
    list(&settlement, Owner::Seller(&id), &listing, &page).await
}

/// The orders that the caller buys.
#[utoipa::path(
    get,
    path = "/buyer/{buyerId}",
    params(
        Listing,
        Page,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = OrdersAnswer),
        (status = 400, description = "`invalid_status`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_orders`"),
    ),
)]
async fn of_buyer(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
    page: Page,
) -> Result<Json<OrdersAnswer>, ApiError> {
    own(&caller, &id)?;
    list(&settlement, Owner::Buyer(&id), &listing, &page).await
}

fn own(caller: &SignedIn, id: &str) -> Result<(), ApiError> {
    if caller.id == id {
        Ok(())
    } else {
        Err(ApiError::forbidden("not_your_orders", "these orders belong to somebody else"))
    }
}

async fn list(
    settlement: &Settlement,
    owner: Owner<'_>,
    listing: &Listing,
    page: &Page,
) -> Result<Json<OrdersAnswer>, ApiError> {
    let orders = store::list(settlement.database.pool(), owner, &listing.statuses()?, page).await?;
    Ok(Json(OrdersAnswer { orders: orders.into_iter().map(View::from).collect() }))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
struct Reason {
    #[serde(default)]
    #[schema(max_length = 4000)]
    reason: String,
}

/// Gives an order up; the buyer gets everything back.
#[utoipa::path(
    put,
    path = "/cancel/{orderId}",
    request_body = Option<Reason>,
    responses(
        (status = 200, description = "The order.", body = View),
        (status = 400, description = "`invalid_body`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`"),
    ),
)]
async fn cancel(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Json<View>, ApiError> {
    let order = orders::command(&settlement, &caller, &id, |order, side| order.cancel(side, &body.reason)).await?;
    Ok(Json(order.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
struct Wish {
    #[schema(minimum = 1, maximum = 90)]
    days: i64,
    #[serde(default)]
    #[schema(max_length = 4000)]
    reason: String,
}

/// Asks the buyer for more time.
#[utoipa::path(
    put,
    path = "/extension/{orderId}",
    request_body = Wish,
    responses(
        (status = 200, description = "The order.", body = View),
        (status = 400, description = "`invalid_body`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`, `extension_open`"),
    ),
)]
async fn request_extension(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    Json(body): Json<Wish>,
) -> Result<Json<View>, ApiError> {
    let command = |order: &Order, side| order.request_extension(side, body.days, &body.reason);
    Ok(Json(orders::command(&settlement, &caller, &id, command).await?.into()))
}

/// Approves or rejects the wish for more time.
#[utoipa::path(
    put,
    path = "/gig/{type}/{orderId}",
    params(
        ("type" = String, Path, pattern = "^(approve|reject)$"),
    ),
    responses(
        (status = 200, description = "The order.", body = View),
        (status = 400, description = "`invalid_decision`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`, `no_extension`"),
    ),
)]
async fn decide_extension(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<View>, ApiError> {
    let approved = match kind.as_str() {
        "approve" => true,
        "reject" => false,
        other => {
            let message = format!("`{other}`: expected `approve` or `reject`");
            return Err(ApiError::bad_request("invalid_decision", message));
        }
    };
    let order =
        orders::command(&settlement, &caller, &id, |order, side| order.decide_extension(side, approved)).await?;
    Ok(Json(order.into()))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Handover {
    #[serde(default)]
    #[schema(max_length = 4000)]
    message: String,
    #[serde(default)]
    #[schema(max_length = 4000, pattern = "^(https?://.*)?$")]
    file_url: Option<String>,
}

/// Delivers the work.
#[utoipa::path(
    put,
    path = "/deliver-order/{orderId}",
    request_body = Option<Handover>,
    responses(
        (status = 200, description = "The order.", body = View),
        (status = 400, description = "`invalid_body`"),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`"),
    ),
)]
async fn deliver(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<Handover>,
) -> Result<Json<View>, ApiError> {
    let command = |order: &Order, side| order.deliver(side, &body.message, body.file_url);
    Ok(Json(orders::command(&settlement, &caller, &id, command).await?.into()))
}

/// Approves the work; the seller is paid.
#[utoipa::path(
    put,
    path = "/approve-order/{orderId}",
    responses(
        (status = 200, description = "The order.", body = View),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`"),
    ),
)]
async fn approve(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<View>, ApiError> {
    Ok(Json(orders::command(&settlement, &caller, &id, Order::approve).await?.into()))
}

/// The caller's notifications, newest first.
#[utoipa::path(
    get,
    path = "/notification/{userTo}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page.", body = NotificationsAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 403, description = "`not_your_notifications`"),
    ),
)]
async fn list_notifications(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(user_to): Path<String>,
    page: Page,
) -> Result<Json<NotificationsAnswer>, ApiError> {
    if user_to != caller.username {
        return Err(ApiError::forbidden("not_your_notifications", "these notifications are for somebody else"));
    }
    let notifications = notifications::list(settlement.database.pool(), &user_to, &page).await?;
    Ok(Json(NotificationsAnswer { notifications }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Mark {
    notification_id: String,
}

/// Marks a notification of the caller as read.
#[utoipa::path(
    put,
    path = "/notification/mark-as-read",
    request_body = Mark,
    responses(
        (status = 200, description = "The notification.", body = NotificationAnswer),
        (status = 401, description = "`sign_in_required`"),
        (status = 404, description = "`notification_not_found`"),
    ),
)]
async fn mark_as_read(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Json(body): Json<Mark>,
) -> Result<Json<NotificationAnswer>, ApiError> {
    let mut tx = settlement.database.begin().await?;
    let notification = notifications::mark_read(&mut tx, &body.notification_id, &caller.username)
        .await?
        .ok_or_else(|| ApiError::not_found("notification_not_found", "you have no notification with this id"))?;
    tx.commit().await?;
    Ok(Json(NotificationAnswer { notification }))
}
