//! The service's HTTP interface, under `/api/v1/order`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use platform::idempotency::IdempotencyKey;
use platform::{ApiError, Json, OptionalJson, Page, Path, Query, SignedIn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::Order;
use crate::place::{self, IntentRequest, OrderRequest};
use crate::settlement::Settlement;
use crate::store::{self, Owner};
use crate::{notifications, orders};

/// An order as clients see it: its fold, with id and total.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: String,
    total: i64,
    #[serde(flatten)]
    order: Order,
}

impl From<Order> for View {
    fn from(order: Order) -> Self {
        Self { id: order.terms.order_id.clone(), total: order.total(), order }
    }
}

pub(crate) fn router(settlement: Settlement) -> Router {
    let routes = Router::new()
        .route("/", post(create))
        .route("/create-payment-intent", post(create_intent))
        .route("/{orderId}", get(show))
        .route("/timeline/{orderId}", get(timeline))
        .route("/seller/{sellerId}", get(of_seller))
        .route("/buyer/{buyerId}", get(of_buyer))
        .route("/cancel/{orderId}", put(cancel))
        .route("/extension/{orderId}", put(request_extension))
        .route("/gig/{type}/{orderId}", put(decide_extension))
        .route("/deliver-order/{orderId}", put(deliver))
        .route("/approve-order/{orderId}", put(approve))
        .route("/notification/{userTo}", get(list_notifications))
        .route("/notification/mark-as-read", put(mark_as_read))
        .with_state(settlement.clone());
    // The collection answers with and without a slash at its end.
    Router::new().nest("/api/v1/order", routes).route("/api/v1/order/", post(create).with_state(settlement))
}

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

/// A payment intent has one order, also without a key; a key says besides that nothing else is created under it.
async fn create(
    State(settlement): State<Settlement>,
    buyer: SignedIn,
    key: IdempotencyKey,
    Json(request): Json<OrderRequest>,
) -> Result<Response, ApiError> {
    let mut tx = settlement.database.begin().await?;
    let earlier = key.replay(&mut tx, &buyer, &request).await?;
    tx.rollback().await?;
    if let Some(answer) = earlier {
        return Ok(answer);
    }
    let order = View::from(place::place(&settlement, &buyer, &request).await?);
    let mut tx = settlement.database.begin().await?;
    key.remember(&mut tx, &buyer, &request, StatusCode::CREATED, &order).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(order)).into_response())
}

async fn show(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<View>, ApiError> {
    Ok(Json(orders::show(&settlement, &caller, &id).await?.into()))
}

async fn timeline(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let order = orders::show(&settlement, &caller, &id).await?;
    let (entries, folded) = store::audit(settlement.database.pool(), &order.terms.order_id).await?;
    Ok(Json(json!({ "orderId": id, "timeline": entries, "state": folded.status, "version": folded.version })))
}

#[derive(Debug, Default, Deserialize)]
struct Listing {
    /// `active`, `completed` or `cancelled`; all when absent.
    #[serde(default)]
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

async fn of_seller(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
    page: Page,
) -> Result<Json<Value>, ApiError> {
    own(&caller, &id)?;
    list(&settlement, Owner::Seller(&id), &listing, &page).await
}

async fn of_buyer(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
    page: Page,
) -> Result<Json<Value>, ApiError> {
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
) -> Result<Json<Value>, ApiError> {
    let orders = store::list(settlement.database.pool(), owner, &listing.statuses()?, page).await?;
    let orders: Vec<View> = orders.into_iter().map(View::from).collect();
    Ok(Json(json!({ "orders": orders })))
}

#[derive(Debug, Default, Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

async fn cancel(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<Reason>,
) -> Result<Json<View>, ApiError> {
    let order = orders::command(&settlement, &caller, &id, |order, side| order.cancel(side, &body.reason)).await?;
    Ok(Json(order.into()))
}

#[derive(Debug, Deserialize)]
struct Wish {
    days: i64,
    #[serde(default)]
    reason: String,
}

async fn request_extension(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    Json(body): Json<Wish>,
) -> Result<Json<View>, ApiError> {
    let command = |order: &Order, side| order.request_extension(side, body.days, &body.reason);
    Ok(Json(orders::command(&settlement, &caller, &id, command).await?.into()))
}

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

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handover {
    #[serde(default)]
    message: String,
    #[serde(default)]
    file_url: Option<String>,
}

async fn deliver(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
    OptionalJson(body): OptionalJson<Handover>,
) -> Result<Json<View>, ApiError> {
    let command = |order: &Order, side| order.deliver(side, &body.message, body.file_url);
    Ok(Json(orders::command(&settlement, &caller, &id, command).await?.into()))
}

async fn approve(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<View>, ApiError> {
    Ok(Json(orders::command(&settlement, &caller, &id, Order::approve).await?.into()))
}

async fn list_notifications(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Path(user_to): Path<String>,
    page: Page,
) -> Result<Json<Value>, ApiError> {
    if user_to != caller.username {
        return Err(ApiError::forbidden("not_your_notifications", "these notifications are for somebody else"));
    }
    let notifications = notifications::list(settlement.database.pool(), &user_to, &page).await?;
    Ok(Json(json!({ "notifications": notifications })))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    notification_id: String,
}

async fn mark_as_read(
    State(settlement): State<Settlement>,
    caller: SignedIn,
    Json(body): Json<Mark>,
) -> Result<Json<Value>, ApiError> {
    let mut tx = settlement.database.begin().await?;
    let marked = notifications::mark_read(&mut tx, &body.notification_id, &caller.username)
        .await?
        .ok_or_else(|| ApiError::not_found("notification_not_found", "you have no notification with this id"))?;
    tx.commit().await?;
    Ok(Json(json!({ "notification": marked })))
}
