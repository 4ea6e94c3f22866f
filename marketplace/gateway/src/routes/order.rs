//! `/api/v1/gateway/order/...`.
//!
//! What an order costs and who sells it is not for the buyer to say: the gateway asks the gig and users services, and
//! the order service gets their word.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, post};
use platform::document::{OpenApiRouter, routes};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Caller, Json, Page, Path};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::idempotency::key;
use super::{Answer, Created, created};
use crate::Gateway;
use crate::clients::GatewayError;
use crate::clients::gig::Gig;
use crate::clients::order::{
    Cancel, Deliver, Entry, Extension, MarkAsRead, NewIntent, NewOrder, Notification, Order, PaymentIntent,
};
use crate::session::SignedInUser;

/// Most of one gig in one order.
const MOST: i64 = 100;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::default()
        .routes(routes!(create))
        .routes(routes!(create_payment_intent))
        .routes(routes!(one))
        .routes(routes!(timeline))
        .routes(routes!(of_seller))
        .routes(routes!(of_buyer))
        .routes(routes!(cancel))
        .routes(routes!(request_extension))
        .routes(routes!(decide_extension))
        .routes(routes!(deliver))
        .routes(routes!(approve))
        .routes(routes!(notifications))
        .routes(routes!(mark_as_read))
}

/// What the collection itself takes.
pub(super) fn collection() -> MethodRouter<Gateway> {
    post(create)
}

#[derive(Serialize, ToSchema)]
struct OrderAnswer {
    order: Order,
}

#[derive(Serialize, ToSchema)]
struct OrdersAnswer {
    orders: Vec<Order>,
}

#[derive(Serialize, ToSchema)]
struct TimelineAnswer {
    timeline: Vec<Entry>,
}

#[derive(Serialize, ToSchema)]
struct NotificationAnswer {
    notification: Notification,
}

#[derive(Serialize, ToSchema)]
struct NotificationsAnswer {
    notifications: Vec<Notification>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntentBody {
    gig_id: String,
    #[serde(default = "one_piece")]
    #[schema(minimum = 1, maximum = 100, default = 1)]
    quantity: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderBody {
    gig_id: String,
    payment_intent_id: String,
    #[serde(default = "one_piece")]
    #[schema(minimum = 1, maximum = 100, default = 1)]
    quantity: i64,
    #[serde(default)]
    #[schema(max_length = 4000)]
    description: String,
}

fn one_piece() -> i64 {
    1
}

/// The gig that `caller` may order, and what `quantity` of it costs.
async fn ordered(gateway: &Gateway, gig_id: &str, quantity: i64, caller: &Caller) -> Result<(Gig, i64), GatewayError> {
    if !(1..=MOST).contains(&quantity) {
        return Err(ApiError::bad_request(
            "invalid_quantity",
            format!("`quantity` is `{quantity}`: expected 1 to {MOST}"),
        )
        .into());
    }
    let gig = gateway.clients.gigs.gig(gig_id, caller).await?;
    if gig.seller_id == caller.id {
        return Err(ApiError::conflict("own_gig", "nobody orders their own gig").into());
    }
    if !gig.active {
        return Err(ApiError::conflict("gig_paused", "this gig cannot be ordered now").into());
    }
    // Both factors are bounded, so that their product is far from the end of an i64.
    let amount = gig.price.saturating_mul(quantity);
    Ok((gig, amount))
}

/// Creates the payment intent of an order to come: what the gig costs, the gateway asks the gig service.
#[utoipa::path(
    post,
    path = "/create-payment-intent",
    params(
        IdempotencyKey,
    ),
    request_body = IntentBody,
    responses(
        (status = 201, description = "The intent, and the id that the order will have.", body = PaymentIntent),
        (status = 400, description = "`invalid_quantity`, `invalid_amount`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 402, description = "`payment_declined`"),
        (status = 404, description = "`gig_not_found`"),
        (status = 409, description = "`own_gig`, `gig_paused`, `payment_refused`"),
        (status = 422, description = "`idempotency_key_reused`"),
        (status = 503, description = "`payment_unavailable`"),
    ),
)]
async fn create_payment_intent(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    headers: HeaderMap,
    Json(body): Json<IntentBody>,
) -> Created<PaymentIntent> {
    let (gig, amount) = ordered(&gateway, &body.gig_id, body.quantity, &caller).await?;
    let intent =
        NewIntent { gig_id: gig.id, seller_id: gig.seller_id, amount, quantity: body.quantity, currency: gig.currency };
    let orders = &gateway.clients.orders;
    created(orders.create_payment_intent(&intent, key(&headers)?, &caller).await?)
}

/// Places the order of a payment intent and captures its payment, once however often it is asked for.
#[utoipa::path(
    post,
    path = "/",
    params(
        IdempotencyKey,
    ),
    request_body = OrderBody,
    responses(
        (status = 201, description = "The order, paid.", body = OrderAnswer),
        (status = 400, description = "`invalid_quantity`, `invalid_body`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 402, description = "`payment_declined`"),
        (status = 403, description = "`not_your_payment_intent`"),
        (status = 404, description = "`gig_not_found`, `seller_not_found`, `payment_intent_not_found`"),
        (status = 409, description = "`own_gig`, `gig_paused`, `other_gig`, `other_quantity`, `payment_being_undone`, `payment_failed`, `payment_refused`"),
        (status = 503, description = "`payment_unavailable`"),
    ),
)]
async fn create(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    headers: HeaderMap,
    Json(body): Json<OrderBody>,
) -> Created<OrderAnswer> {
    let (gig, _) = ordered(&gateway, &body.gig_id, body.quantity, &caller).await?;
    let seller = gateway.clients.users.seller_contact(&gig.seller_id, &caller).await?;
    let order = NewOrder {
        payment_intent_id: body.payment_intent_id,
        gig_id: gig.id,
        gig_title: gig.title,
        seller_id: seller.id,
        seller_username: seller.username,
        seller_email: seller.email,
        quantity: body.quantity,
        description: body.description,
        delivery_days: gig.delivery_days,
    };
    let orders = &gateway.clients.orders;
    let order = orders.create(&order, key(&headers)?, &caller).await?;
    created(OrderAnswer { order })
}

/// An order of the caller.
#[utoipa::path(
    get,
    path = "/{order_id}",
    responses(
        (status = 200, description = "The order.", body = OrderAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`"),
        (status = 404, description = "`order_not_found`"),
    ),
)]
async fn one(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
) -> Answer<OrderAnswer> {
    let order = gateway.clients.orders.order(&order_id, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

/// All that happened to an order of the caller.
#[utoipa::path(
    get,
    path = "/timeline/{order_id}",
    responses(
        (status = 200, description = "Its facts, oldest first.", body = TimelineAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`"),
        (status = 404, description = "`order_not_found`"),
    ),
)]
async fn timeline(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
) -> Answer<TimelineAnswer> {
    let timeline = gateway.clients.orders.timeline(&order_id, &caller).await?;
    Ok(Json(TimelineAnswer { timeline }))
}

/// The orders that the caller sells.
#[utoipa::path(
    get,
    path = "/seller/{seller_id}",
    params(
        ("status" = Option<String>, Query, description = "All when absent.", pattern = "^(active|completed|cancelled)$"),
        Page,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = OrdersAnswer),
        (status = 400, description = "`invalid_status`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_orders`"),
    ),
)]
async fn of_seller(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(seller_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<OrdersAnswer> {
    let orders = &gateway.clients.orders;
    let orders = orders.of_seller(&seller_id, query.as_deref(), &caller).await?;
    Ok(Json(OrdersAnswer { orders }))
}

/// The orders that the caller buys.
#[utoipa::path(
    get,
    path = "/buyer/{buyer_id}",
    params(
        ("status" = Option<String>, Query, description = "All when absent.", pattern = "^(active|completed|cancelled)$"),
        Page,
    ),
    responses(
        (status = 200, description = "One page, newest first.", body = OrdersAnswer),
        (status = 400, description = "`invalid_status`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_orders`"),
    ),
)]
async fn of_buyer(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(buyer_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<OrdersAnswer> {
    let orders = &gateway.clients.orders;
    let orders = orders.of_buyer(&buyer_id, query.as_deref(), &caller).await?;
    Ok(Json(OrdersAnswer { orders }))
}

/// Gives an order up; the buyer gets everything back.
#[utoipa::path(
    put,
    path = "/cancel/{order_id}",
    request_body = Cancel,
    responses(
        (status = 200, description = "The order.", body = OrderAnswer),
        (status = 400, description = "`invalid_body`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`"),
    ),
)]
async fn cancel(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
    Json(body): Json<Cancel>,
) -> Answer<OrderAnswer> {
    let orders = &gateway.clients.orders;
    let order = orders.cancel(&order_id, &body, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

/// Asks the buyer for more time.
#[utoipa::path(
    put,
    path = "/extension/{order_id}",
    request_body = Extension,
    responses(
        (status = 200, description = "The order.", body = OrderAnswer),
        (status = 400, description = "`invalid_body`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`, `extension_open`"),
    ),
)]
async fn request_extension(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
    Json(body): Json<Extension>,
) -> Answer<OrderAnswer> {
    let orders = &gateway.clients.orders;
    let order = orders.request_extension(&order_id, &body, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

/// Approves or rejects the wish for more time.
#[utoipa::path(
    put,
    path = "/gig/{decision}/{order_id}",
    params(
        ("decision" = String, Path, pattern = "^(approve|reject)$"),
    ),
    responses(
        (status = 200, description = "The order.", body = OrderAnswer),
        (status = 400, description = "`invalid_decision`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`, `no_extension`"),
    ),
)]
async fn decide_extension(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((decision, order_id)): Path<(String, String)>,
) -> Answer<OrderAnswer> {
    let orders = &gateway.clients.orders;
    let order = orders.decide_extension(&decision, &order_id, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

/// Delivers the work.
#[utoipa::path(
    put,
    path = "/deliver-order/{order_id}",
    request_body = Deliver,
    responses(
        (status = 200, description = "The order.", body = OrderAnswer),
        (status = 400, description = "`invalid_body`"),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`"),
    ),
)]
async fn deliver(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
    Json(body): Json<Deliver>,
) -> Answer<OrderAnswer> {
    let orders = &gateway.clients.orders;
    let order = orders.deliver(&order_id, &body, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

/// Approves the work; the seller is paid.
#[utoipa::path(
    put,
    path = "/approve-order/{order_id}",
    responses(
        (status = 200, description = "The order.", body = OrderAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_order`, `wrong_side`"),
        (status = 404, description = "`order_not_found`"),
        (status = 409, description = "`illegal_transition`"),
    ),
)]
async fn approve(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
) -> Answer<OrderAnswer> {
    let order = gateway.clients.orders.approve(&order_id, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

/// The caller's notifications, newest first.
#[utoipa::path(
    get,
    path = "/notification/{user_to}",
    params(
        Page,
    ),
    responses(
        (status = 200, description = "One page.", body = NotificationsAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 403, description = "`not_your_notifications`"),
    ),
)]
async fn notifications(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(user_to): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<NotificationsAnswer> {
    let orders = &gateway.clients.orders;
    let notifications = orders.notifications(&user_to, query.as_deref(), &caller).await?;
    Ok(Json(NotificationsAnswer { notifications }))
}

/// Marks a notification of the caller as read.
#[utoipa::path(
    put,
    path = "/notification/mark-as-read",
    request_body = MarkAsRead,
    responses(
        (status = 200, description = "The notification.", body = NotificationAnswer),
        (status = 401, description = "`sign_in_required`, `session_expired`, `invalid_session`"),
        (status = 404, description = "`notification_not_found`"),
    ),
)]
async fn mark_as_read(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<MarkAsRead>,
) -> Answer<NotificationAnswer> {
    let notification = gateway.clients.orders.mark_as_read(&body, &caller).await?;
    Ok(Json(NotificationAnswer { notification }))
}
