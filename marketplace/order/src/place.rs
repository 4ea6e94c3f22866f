//! Placing an order: the saga from a payment intent to an order in progress.
//!
//! 1. the request and the demand to capture are written down, in one transaction;
//! 2. the provider captures, under a key made from the order's id;
//! 3. the order, its event and the end of the demand are written down, in one transaction; only then it is acknowledged.
//!
//! A process that dies after 1 or 2 finishes at its next start ([`crate::settlement`]).

use std::time::Duration;

use chrono::{DateTime, Utc};
use platform::bug::{self, Bug};
use platform::{ApiError, Caller, Tx, new_id, now};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use telemetry::task;
use utoipa::ToSchema;

use crate::domain::{MAX_TEXT, Order, Status, Terms, fee, span};
use crate::payments::PaymentError;
use crate::settlement::{Action, Captured, Settlement, demand, is_open};
use crate::store;

/// Days that a delivery takes when the buyer names none.
const DEFAULT_DAYS: i64 = 7;

/// Most pieces of one order.
const MAX_QUANTITY: i64 = 1000;

/// Largest price, in minor units.
const MAX_AMOUNT: i64 = 100_000_000;

/// How far the planted bug answers ahead of the commit.
const EARLY: Duration = Duration::from_millis(150);

/// What a buyer wants to pay for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntentRequest {
    #[schema(min_length = 1, max_length = 200)]
    gig_id: String,
    #[schema(min_length = 1, max_length = 200)]
    seller_id: String,
    /// Price of the work in minor units, for all pieces.
    #[schema(minimum = 1, maximum = 100000000)]
    amount: i64,
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    quantity: i64,
    #[serde(default = "default_currency")]
    #[schema(pattern = "^[A-Za-z]{3}$", default = "USD")]
    currency: String,
    #[serde(default)]
    payment_method: Option<String>,
}

fn default_currency() -> String {
    "USD".to_owned()
}

/// An intent that one order can be created under.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntentAnswer {
    payment_intent_id: String,
    client_secret: String,
    #[schema(format = "uuid")]
    order_id: String,
    #[schema(minimum = 1)]
    amount: i64,
    #[schema(minimum = 0)]
    fee: i64,
    #[schema(minimum = 1)]
    total: i64,
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

/// What a buyer orders.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderRequest {
    #[schema(min_length = 1, max_length = 200)]
    payment_intent_id: String,
    /// Checked against the intent where given: an intent for one gig must not pay for another.
    #[serde(default)]
    gig_id: Option<String>,
    #[serde(default)]
    seller_id: Option<String>,
    #[schema(min_length = 1, max_length = 200)]
    gig_title: String,
    #[serde(default)]
    #[schema(max_length = 4000)]
    description: String,
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1000, default = 1)]
    quantity: i64,
    #[schema(min_length = 1, max_length = 200)]
    seller_username: String,
    #[schema(format = Email, max_length = 254)]
    seller_email: String,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 90)]
    delivery_days: Option<i64>,
    #[serde(default)]
    delivery_due: Option<DateTime<Utc>>,
}

fn one() -> i64 {
    1
}

/// Creates a payment intent, and the id of the order that it will pay.
pub(crate) async fn create_intent(
    settlement: &Settlement,
    buyer: &Caller,
    request: &IntentRequest,
) -> Result<IntentAnswer, ApiError> {
    named("gigId", &request.gig_id)?;
    named("sellerId", &request.seller_id)?;
    if request.seller_id == buyer.id {
        return Err(ApiError::bad_request("own_gig", "you cannot order your own gig"));
    }
    if !(1..=MAX_AMOUNT).contains(&request.amount) {
        let message = format!("`amount` is {}: expected 1 to {MAX_AMOUNT} minor units", request.amount);
        return Err(ApiError::bad_request("invalid_amount", message));
    }
    counted(request.quantity)?;
    let currency = request.currency.to_ascii_uppercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(ApiError::bad_request("invalid_currency", "`currency` must be three letters, such as `EUR`"));
    }
    let order_id = new_id();
    let fee = fee(request.amount);
    let total = request.amount + fee;
    let created =
        settlement.payments.create_intent(&order_id, total, &currency, request.payment_method.as_deref()).await;
    let (payment_intent_id, client_secret) = created.map_err(refused)?;
    let mut tx = settlement.database.begin().await?;
    sqlx::query(
        "INSERT INTO intents (id, order_id, buyer_id, gig_id, seller_id, amount, fee, currency, created_at, \
         quantity) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&payment_intent_id)
    .bind(&order_id)
    .bind(&buyer.id)
    .bind(&request.gig_id)
    .bind(&request.seller_id)
    .bind(request.amount)
    .bind(fee)
    .bind(&currency)
    .bind(now())
    .bind(request.quantity)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(IntentAnswer { payment_intent_id, client_secret, order_id, amount: request.amount, fee, total, currency })
}

/// Creates the order of an intent, captures its payment, and returns it in progress.
///
/// The same request again returns the same order.
pub(crate) async fn place(settlement: &Settlement, buyer: &Caller, request: &OrderRequest) -> Result<Order, ApiError> {
    if bug::active(Bug::AckBeforeCommit) {
        return place_too_early(settlement, buyer, request).await;
    }
    let mut tx = settlement.database.begin().await?;
    let terms = terms(&mut tx, buyer, request).await?;
    store::lock(&mut tx, &terms.order_id).await?;
    let order = match store::find(&mut tx, &terms.order_id).await? {
        None => {
            let order = store::create(&mut tx, terms).await?;
            demand(&mut tx, &order.terms.order_id, Action::Capture).await?;
            tx.commit().await?;
            order
        }
        Some(order) => {
            let undone = is_open(&mut tx, &terms.order_id, Action::Void).await?;
            tx.rollback().await?;
            match order.status {
                Status::Pending if undone => {
                    return Err(ApiError::conflict("payment_being_undone", "this payment is being undone, start anew"));
                }
                Status::Pending => order,
                Status::Failed => {
                    return Err(ApiError::conflict("payment_failed", "this payment failed, start anew"));
                }
                _ => return Ok(order),
            }
        }
    };
    // On its own, so that a client that hangs up does not leave it half done.
    let capture = {
        let settlement = settlement.clone();
        task::spawn("payment capture", async move { settlement.capture(&order).await })
    };
    match capture.await?? {
        Captured::Placed(order) => Ok(*order),
        Captured::Failed { code, message } => Err(refused(PaymentError::Refused { code, message })),
        Captured::Unknown(reason) => Err(refused(PaymentError::NoAnswer(reason))),
    }
}

/// The planted bug: the buyer hears of the order before anything of it is lasting.
async fn place_too_early(settlement: &Settlement, buyer: &Caller, request: &OrderRequest) -> Result<Order, ApiError> {
    let mut tx = settlement.database.begin().await?;
    let terms = terms(&mut tx, buyer, request).await?;
    let existing = store::find(&mut tx, &terms.order_id).await?;
    tx.rollback().await?;
    if let Some(order) = existing {
        return Ok(order);
    }
    let mut order = Order::requested(terms.clone(), Utc::now());
    order.status = Status::InProgress;
    order.placed_at = Some(Utc::now());
    let settlement = settlement.clone();
    let late = async move {
        tokio::time::sleep(EARLY).await;
        let mut tx = settlement.database.begin().await?;
        let order = store::create(&mut tx, terms).await?;
        demand(&mut tx, &order.terms.order_id, Action::Capture).await?;
        tx.commit().await?;
        settlement.capture(&order).await
    };
    task::spawn("late order", async move {
        if let Err(error) = late.await {
            tracing::error!(error = format!("{error:#}"), "order lost after it was acknowledged");
        }
    });
    Ok(order)
}

/// The terms of the order that `request` asks for, from the caller's intent and what the request adds.
async fn terms(tx: &mut Tx, buyer: &Caller, request: &OrderRequest) -> Result<Terms, ApiError> {
    named("paymentIntentId", &request.payment_intent_id)?;
    named("gigTitle", &request.gig_title)?;
    named("sellerUsername", &request.seller_username)?;
    if !request.seller_email.contains('@') || request.seller_email.len() > 254 {
        return Err(ApiError::bad_request("invalid_body", "`sellerEmail` must be an e-mail address"));
    }
    if request.description.chars().count() > MAX_TEXT {
        let message = format!("`description` is too long: expected at most {MAX_TEXT} characters");
        return Err(ApiError::bad_request("invalid_body", message));
    }
    counted(request.quantity)?;
    let now = Utc::now();
    let delivery_due = match request.delivery_due {
        Some(due) if due > now && due <= now + chrono::Duration::days(365) => due,
        Some(_) => {
            return Err(ApiError::bad_request("invalid_delivery", "`deliveryDue` must be within a year from now"));
        }
        None => {
            let days = request.delivery_days.unwrap_or(DEFAULT_DAYS);
            now + span(days).map_err(|refusal| ApiError::bad_request("invalid_delivery", refusal.to_string()))?
        }
    };
    let row = sqlx::query(
        "SELECT order_id, buyer_id, gig_id, seller_id, amount, fee, currency, quantity FROM intents WHERE id = $1",
    )
    .bind(&request.payment_intent_id)
    .fetch_optional(&mut **tx)
    .await?
    .ok_or_else(|| ApiError::not_found("payment_intent_not_found", "no payment intent has this id"))?;
    if row.try_get::<String, _>("buyer_id")? != buyer.id {
        return Err(ApiError::forbidden("not_your_payment_intent", "this payment intent belongs to somebody else"));
    }
    let (gig_id, seller_id): (String, String) = (row.try_get("gig_id")?, row.try_get("seller_id")?);
    let differs = |given: &Option<String>, intended: &str| given.as_deref().is_some_and(|given| given != intended);
    if differs(&request.gig_id, &gig_id) || differs(&request.seller_id, &seller_id) {
        return Err(ApiError::conflict("other_gig", "this payment intent is for another gig"));
    }
    let paid: i64 = row.try_get("quantity")?;
    if request.quantity != paid {
        let message = format!("this payment intent is for {paid}, not for {}", request.quantity);
        return Err(ApiError::conflict("other_quantity", message));
    }
    Ok(Terms {
        order_id: row.try_get("order_id")?,
        payment_intent_id: request.payment_intent_id.clone(),
        gig_id,
        gig_title: request.gig_title.clone(),
        description: request.description.clone(),
        quantity: request.quantity,
        buyer_id: buyer.id.clone(),
        buyer_username: buyer.username.clone(),
        buyer_email: buyer.email.clone(),
        seller_id,
        seller_username: request.seller_username.clone(),
        seller_email: request.seller_email.clone(),
        amount: row.try_get("amount")?,
        fee: row.try_get("fee")?,
        currency: row.try_get("currency")?,
        delivery_due,
    })
}

fn counted(quantity: i64) -> Result<(), ApiError> {
    if (1..=MAX_QUANTITY).contains(&quantity) {
        Ok(())
    } else {
        let message = format!("`quantity` is `{quantity}`: expected 1 to {MAX_QUANTITY}");
        Err(ApiError::bad_request("invalid_quantity", message))
    }
}

fn named(name: &str, value: &str) -> Result<(), ApiError> {
    if (1..=200).contains(&value.chars().count()) {
        Ok(())
    } else {
        Err(ApiError::bad_request("invalid_body", format!("`{name}` must have 1 to 200 characters")))
    }
}

/// What a buyer is told about a payment that did not work.
fn refused(error: PaymentError) -> ApiError {
    match error {
        PaymentError::Refused { code, message } if code == "card_declined" => {
            ApiError::new(axum::http::StatusCode::PAYMENT_REQUIRED, "payment_declined", message)
        }
        PaymentError::Refused { .. } => {
            ApiError::conflict("payment_refused", "the payment provider refused this payment").because(error)
        }
        PaymentError::NoAnswer(_) => {
            let message = "the payment provider does not answer, nothing was ordered; try again later";
            ApiError::unavailable("payment_unavailable", message).because(error)
        }
    }
}
