//! Payment intents: money that may be taken, was taken, or will not be.

use axum::http::StatusCode;
use platform::{Pool, Tx, new_id, now};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::answer::Answer;
use crate::entries::{self, Entry, Kind};

/// A payment method whose captures are declined.
const DECLINED: &str = "pm_card_declined";

const REQUIRES_CAPTURE: &str = "requires_capture";
const SUCCEEDED: &str = "succeeded";
const CANCELED: &str = "canceled";

/// One intent.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) id: String,
    amount: i64,
    pub(crate) currency: String,
    status: String,
    payment_method: String,
    pub(crate) order_id: String,
    metadata: String,
    created: String,
}

impl Intent {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            amount: row.try_get("amount")?,
            currency: row.try_get("currency")?,
            status: row.try_get("status")?,
            payment_method: row.try_get("payment_method")?,
            order_id: row.try_get("order_id")?,
            metadata: row.try_get("metadata")?,
            created: row.try_get("created")?,
        })
    }

    fn body(&self, captured: i64) -> Value {
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_received": captured,
            "currency": self.currency,
            "status": self.status,
            "capture_method": "manual",
            "payment_method": self.payment_method,
            "client_secret": format!("{}_secret", self.id),
            "metadata": serde_json::from_str::<Value>(&self.metadata).unwrap_or(Value::Null),
            "created": self.created,
        })
    }

    async fn set_status(&mut self, tx: &mut Tx, status: &str) -> Result<(), sqlx::Error> {
        status.clone_into(&mut self.status);
        sqlx::query("UPDATE intents SET status = $1 WHERE id = $2")
            .bind(status)
            .bind(&self.id)
            .execute(&mut **tx)
            .await
            .map(drop)
    }
}

const SELECT: &str =
    "SELECT id, amount, currency, status, payment_method, order_id, metadata, created FROM intents WHERE id = $1";

/// An intent, which nobody else changes until `tx` ends.
async fn find(tx: &mut Tx, id: &str) -> Result<Option<Intent>, sqlx::Error> {
    tx.lock(&format!("intent {id}")).await?;
    sqlx::query(SELECT).bind(id).fetch_optional(&mut **tx).await?.as_ref().map(Intent::read).transpose()
}

/// One intent, without changing anything.
pub(crate) async fn show(pool: &Pool, id: &str) -> Result<Answer, sqlx::Error> {
    let Some(row) = sqlx::query(SELECT).bind(id).fetch_optional(pool).await? else {
        return Ok(Answer::no_such_intent(id));
    };
    let intent = Intent::read(&row)?;
    let captured = sqlx::query(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM entries WHERE payment_intent = $1 AND type = 'capture'",
    )
    .bind(id)
    .fetch_one(pool)
    .await?
    .try_get(0)?;
    Ok(Answer::ok(intent.body(captured)))
}

/// Creates an intent from `{ amount, currency, payment_method?, metadata? }`.
pub(crate) async fn create(tx: &mut Tx, body: &Value) -> Result<Answer, sqlx::Error> {
    let Some(amount) = body["amount"].as_i64().filter(|amount| *amount > 0) else {
        return Ok(Answer::invalid("parameter_invalid_integer", "`amount` must be a positive number of minor units"));
    };
    let currency = body["currency"].as_str().unwrap_or_default().to_ascii_uppercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(Answer::invalid("parameter_invalid_string", "`currency` must be three letters, such as `EUR`"));
    }
    let metadata = match &body["metadata"] {
        Value::Null => json!({}),
        Value::Object(map) if map.len() <= 50 => body["metadata"].clone(),
        _ => return Ok(Answer::invalid("parameter_invalid_object", "`metadata` must be an object of at most 50 keys")),
    };
    let intent = Intent {
        id: format!("pi_{}", new_id()),
        amount,
        currency,
        status: REQUIRES_CAPTURE.to_owned(),
        payment_method: body["payment_method"].as_str().unwrap_or("pm_card_visa").to_owned(),
        order_id: metadata["order_id"].as_str().unwrap_or_default().to_owned(),
        metadata: metadata.to_string(),
        created: now(),
    };
    sqlx::query(
        "INSERT INTO intents (id, amount, currency, status, payment_method, order_id, metadata, created) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&intent.id)
    .bind(intent.amount)
    .bind(&intent.currency)
    .bind(&intent.status)
    .bind(&intent.payment_method)
    .bind(&intent.order_id)
    .bind(&intent.metadata)
    .bind(&intent.created)
    .execute(&mut **tx)
    .await?;
    Ok(Answer::ok(intent.body(0)))
}

/// Takes the money. Each call that is not a replay takes it, also a second time.
pub(crate) async fn capture(tx: &mut Tx, id: &str, key: Option<&str>) -> Result<Answer, sqlx::Error> {
    let Some(mut intent) = find(tx, id).await? else { return Ok(Answer::no_such_intent(id)) };
    if intent.status == CANCELED {
        return Ok(Answer::invalid("payment_intent_unexpected_state", "this payment intent was canceled"));
    }
    if intent.payment_method == DECLINED {
        let message = "the card was declined";
        return Ok(Answer::error(StatusCode::PAYMENT_REQUIRED, "card_error", "card_declined", message));
    }
    let transaction = format!("txn_{}", new_id());
    let capture = Entry::new(Kind::Capture, &intent, intent.amount, "", &transaction, key);
    intent.set_status(tx, SUCCEEDED).await?;
    let captured = entries::total(tx, Kind::Capture, id).await? + intent.amount;
    Ok(Answer::booking(intent.body(captured), vec![capture]))
}

/// Gives an intent up that was not captured.
pub(crate) async fn cancel(tx: &mut Tx, id: &str) -> Result<Answer, sqlx::Error> {
    let Some(mut intent) = find(tx, id).await? else { return Ok(Answer::no_such_intent(id)) };
    if intent.status == SUCCEEDED {
        return Ok(Answer::invalid("payment_intent_unexpected_state", "this payment intent was captured: refund it"));
    }
    intent.set_status(tx, CANCELED).await?;
    Ok(Answer::ok(intent.body(0)))
}

/// Gives money back: `{ payment_intent, amount? }`, all of it when no amount is given.
pub(crate) async fn refund(tx: &mut Tx, body: &Value, key: Option<&str>) -> Result<Answer, sqlx::Error> {
    let id = body["payment_intent"].as_str().unwrap_or_default();
    let Some(intent) = find(tx, id).await? else { return Ok(Answer::no_such_intent(id)) };
    if entries::total(tx, Kind::Capture, id).await? == 0 {
        return Ok(Answer::invalid("charge_not_captured", "nothing was captured under this payment intent"));
    }
    let Some(amount) = amount_or(body, "amount", intent.amount) else {
        return Ok(Answer::invalid("parameter_invalid_integer", "`amount` must be a positive number of minor units"));
    };
    let transaction = format!("txn_{}", new_id());
    let refund = Entry::new(Kind::Refund, &intent, amount, "", &transaction, key);
    let body = json!({
        "id": refund.id, "object": "refund", "amount": amount, "currency": intent.currency,
        "payment_intent": id, "status": "succeeded", "metadata": { "order_id": intent.order_id },
    });
    Ok(Answer::booking(body, vec![refund]))
}

/// Pays what is held to the seller and the marketplace: `{ payment_intent, amount, fee, destination }`.
pub(crate) async fn payout(tx: &mut Tx, body: &Value, key: Option<&str>) -> Result<Answer, sqlx::Error> {
    let id = body["payment_intent"].as_str().unwrap_or_default();
    let Some(intent) = find(tx, id).await? else { return Ok(Answer::no_such_intent(id)) };
    let destination = body["destination"].as_str().unwrap_or_default();
    let (Some(amount), Some(fee)) = (amount_or(body, "amount", 0).filter(|amount| *amount > 0), fee(body)) else {
        return Ok(Answer::invalid("parameter_invalid_integer", "`amount` and `fee` must be numbers of minor units"));
    };
    if destination.is_empty() {
        return Ok(Answer::invalid("parameter_missing", "`destination` must name the seller"));
    }
    let transaction = format!("txn_{}", new_id());
    let payout = Entry::new(Kind::Payout, &intent, amount, destination, &transaction, key);
    let body = json!({
        "id": payout.id, "object": "payout", "amount": amount, "fee": fee, "currency": intent.currency,
        "destination": destination, "payment_intent": id, "status": "paid",
    });
    let mut entries = vec![payout];
    if fee > 0 {
        entries.push(Entry::new(Kind::Fee, &intent, fee, "", &transaction, key));
    }
    Ok(Answer::booking(body, entries))
}

fn amount_or(body: &Value, name: &str, default: i64) -> Option<i64> {
    match &body[name] {
        Value::Null => Some(default),
        value => value.as_i64().filter(|amount| *amount > 0),
    }
}

fn fee(body: &Value) -> Option<i64> {
    match &body["fee"] {
        Value::Null => Some(0),
        value => value.as_i64().filter(|fee| *fee >= 0),
    }
}
