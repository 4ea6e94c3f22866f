//! `/api/v1/gateway/order/...`.
//!
//! What an order costs and who sells it is not for the buyer to say: the gateway asks the gig and users services, and
//! the order service gets their word.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::routing::{MethodRouter, get, post, put};
use platform::{ApiError, Caller, Json, Path};
use serde::{Deserialize, Serialize};

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

pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", collection())
        .route("/create-payment-intent", post(create_payment_intent))
        .route("/{order_id}", get(one))
        .route("/timeline/{order_id}", get(timeline))
        .route("/seller/{seller_id}", get(of_seller))
        .route("/buyer/{buyer_id}", get(of_buyer))
        .route("/cancel/{order_id}", put(cancel))
        .route("/extension/{order_id}", put(request_extension))
        .route("/gig/{decision}/{order_id}", put(decide_extension))
        .route("/deliver-order/{order_id}", put(deliver))
        .route("/approve-order/{order_id}", put(approve))
        .route("/notification/{user_to}", get(notifications))
        .route("/notification/mark-as-read", put(mark_as_read))
}

/// What the collection itself takes.
pub(super) fn collection() -> MethodRouter<Gateway> {
    post(create)
}

#[derive(Serialize)]
struct OrderAnswer {
    order: Order,
}

#[derive(Serialize)]
struct OrdersAnswer {
    orders: Vec<Order>,
}

#[derive(Serialize)]
struct TimelineAnswer {
    timeline: Vec<Entry>,
}

#[derive(Serialize)]
struct NotificationAnswer {
    notification: Notification,
}

#[derive(Serialize)]
struct NotificationsAnswer {
    notifications: Vec<Notification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntentBody {
    gig_id: String,
    #[serde(default = "one_piece")]
    quantity: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderBody {
    gig_id: String,
    payment_intent_id: String,
    #[serde(default = "one_piece")]
    quantity: i64,
    #[serde(default)]
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

async fn one(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
) -> Answer<OrderAnswer> {
    let order = gateway.clients.orders.order(&order_id, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

async fn timeline(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
) -> Answer<TimelineAnswer> {
    let timeline = gateway.clients.orders.timeline(&order_id, &caller).await?;
    Ok(Json(TimelineAnswer { timeline }))
}

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

async fn decide_extension(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path((decision, order_id)): Path<(String, String)>,
) -> Answer<OrderAnswer> {
    let orders = &gateway.clients.orders;
    let order = orders.decide_extension(&decision, &order_id, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

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

async fn approve(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Path(order_id): Path<String>,
) -> Answer<OrderAnswer> {
    let order = gateway.clients.orders.approve(&order_id, &caller).await?;
    Ok(Json(OrderAnswer { order }))
}

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

async fn mark_as_read(
    State(gateway): State<Gateway>,
    SignedInUser(caller): SignedInUser,
    Json(body): Json<MarkAsRead>,
) -> Answer<NotificationAnswer> {
    let notification = gateway.clients.orders.mark_as_read(&body, &caller).await?;
    Ok(Json(NotificationAnswer { notification }))
}
