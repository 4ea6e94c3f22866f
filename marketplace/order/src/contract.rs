//! Provider states and messages for contract verification, made by the code that production uses.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use platform::contract::caller_of;
use platform::{ContractHooks, Event, new_id, now};
use serde_json::{Value, json};

use crate::domain::{Actor, Fact, Order, Terms};
use crate::settlement::{Action, Settlement, demand};
use crate::{events, fold, store};

/// Terms of an order for examples and tests.
#[must_use]
pub fn example_terms() -> Terms {
    Terms {
        order_id: "0198c0de-0000-7000-8000-000000000001".into(),
        payment_intent_id: "pi_0198c0de-0000-7000-8000-000000000002".into(),
        gig_id: "gig-1".into(),
        gig_title: "I will design your logo".into(),
        description: "A logo for a bakery".into(),
        quantity: 1,
        buyer_id: "0198c0de-0000-7000-8000-000000000004".into(),
        buyer_username: "ada".into(),
        buyer_email: "ada@example.test".into(),
        seller_id: "seller-1".into(),
        seller_username: "grace".into(),
        seller_email: "grace@example.test".into(),
        amount: 5000,
        fee: 250,
        currency: "USD".into(),
        delivery_due: DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default(),
    }
}

/// The states and messages of this service.
///
/// States take `orderId` (default: a new one), `gigId`, `sellerId` and `role` (`buyer`, the default, `seller` or `nobody`: the
/// side of the caller that `internalToken` names) and answer `orderId`, `paymentIntentId`, `buyerId`, `buyerUsername`, `sellerId`,
/// `sellerUsername`; `a notification exists` also answers `notificationId`.
pub(crate) fn hooks(settlement: Settlement) -> ContractHooks {
    let told = settlement.clone();
    let state = move |path: &'static [Step]| {
        let settlement = settlement.clone();
        move |params: Value| prepare(settlement.clone(), params, path)
    };
    ContractHooks::new()
        .state("no order exists", |_| async { Ok(json!({ "orderId": new_id() })) })
        .state("a payment intent exists", state(&[Step::Intent]))
        .state("an order in progress exists", state(&[Step::Place]))
        .state("an order with an open extension exists", state(&[Step::Place, Step::Extend]))
        .state("a delivered order exists", state(&[Step::Place, Step::Deliver]))
        .state("a completed order exists", state(&[Step::Place, Step::Deliver, Step::Complete]))
        .state("a cancelled order exists", state(&[Step::Place, Step::Cancel]))
        .state("a notification exists", move |params| notified(told.clone(), params))
        .message("an order was placed", |params| async move { example(&params, &[Step::Place]) })
        .message("an order was delivered", |params| async move { example(&params, &[Step::Place, Step::Deliver]) })
        .message(
            "an order extension was requested",
            |params| async move { example(&params, &[Step::Place, Step::Extend]) },
        )
        .message("an order extension was decided", |params| async move {
            example(&params, &[Step::Place, Step::Extend, Step::Decide])
        })
        .message("an order was completed", |params| async move {
            example(&params, &[Step::Place, Step::Deliver, Step::Complete])
        })
        .message("an order was cancelled", |params| async move { example(&params, &[Step::Place, Step::Cancel]) })
}

/// One step of an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Intent,
    Place,
    Extend,
    Decide,
    Deliver,
    Complete,
    Cancel,
}

impl Step {
    /// The fact that this step causes, by the rules of the domain.
    fn fact(self, order: &Order) -> anyhow::Result<Fact> {
        Ok(match self {
            Self::Intent | Self::Place => Fact::Placed,
            Self::Extend => order.request_extension(Actor::Seller, 3, "the brief has grown")?,
            Self::Decide => order.decide_extension(Actor::Buyer, true)?,
            Self::Deliver => {
                order.deliver(Actor::Seller, "here it is", Some("https://files.example.test/logo.svg".into()))?
            }
            Self::Complete => order.approve(Actor::Buyer)?,
            Self::Cancel => order.cancel(Actor::Buyer, "changed my mind")?,
        })
    }
}

fn terms_for(params: &Value) -> Terms {
    let caller = caller_of(params);
    let mut terms = Terms { delivery_due: Utc::now() + chrono::Duration::days(7), ..example_terms() };
    terms.order_id = params["orderId"].as_str().map_or_else(new_id, str::to_owned);
    for (name, field) in [("gigId", &mut terms.gig_id), ("sellerId", &mut terms.seller_id)] {
        if let Some(value) = params[name].as_str() {
            value.clone_into(field);
        }
    }
    if params["role"] == "nobody" {
        return terms;
    }
    if params["role"] == "seller" {
        (terms.seller_id, terms.seller_username, terms.seller_email) = (caller.id, caller.username, caller.email);
    } else {
        (terms.buyer_id, terms.buyer_username, terms.buyer_email) = (caller.id, caller.username, caller.email);
    }
    terms
}

/// Brings an order through `path` in the database, paid at the provider.
async fn prepare(settlement: Settlement, params: Value, path: &'static [Step]) -> anyhow::Result<Value> {
    let mut terms = terms_for(&params);
    let mut connection = settlement.database.pool().acquire().await?;
    let existing = store::find(&mut connection, &terms.order_id).await?;
    drop(connection);
    if let Some(order) = existing {
        return Ok(values(&order.terms));
    }
    let (intent, _secret) = settlement
        .payments
        .create_intent(&terms.order_id, terms.amount + terms.fee, &terms.currency, None)
        .await
        .context("states with a payment need the payment provider (PAYMENTS_URL)")?;
    terms.payment_intent_id = intent;
    let mut tx = settlement.database.begin().await?;
    sqlx::query(
        "INSERT INTO intents (id, order_id, buyer_id, gig_id, seller_id, amount, fee, currency, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&terms.payment_intent_id)
    .bind(&terms.order_id)
    .bind(&terms.buyer_id)
    .bind(&terms.gig_id)
    .bind(&terms.seller_id)
    .bind(terms.amount)
    .bind(terms.fee)
    .bind(&terms.currency)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    if path == [Step::Intent] {
        tx.commit().await?;
        return Ok(values(&terms));
    }
    settlement.payments.capture(&terms).await?;
    let mut order = store::create(&mut tx, terms).await?;
    for step in path {
        let fact = step.fact(&order)?;
        order = store::append(&mut tx, order, &fact).await?;
    }
    match path.last() {
        Some(Step::Complete) => demand(&mut tx, &order.terms.order_id, Action::Payout).await?,
        Some(Step::Cancel) => demand(&mut tx, &order.terms.order_id, Action::Refund).await?,
        _ => {}
    }
    tx.commit().await?;
    Ok(values(&order.terms))
}

/// An order of the caller's gig, and what the caller was told of it.
async fn notified(settlement: Settlement, mut params: Value) -> anyhow::Result<Value> {
    if let Some(params) = params.as_object_mut() {
        params.insert("role".to_owned(), json!("seller"));
    }
    let database = settlement.database.clone();
    let mut values = prepare(settlement, params, &[Step::Place]).await?;
    let (id,): (String,) = sqlx::query_as("SELECT id FROM notifications WHERE order_id = $1")
        .bind(values["orderId"].as_str().unwrap_or_default())
        .fetch_one(database.pool())
        .await?;
    values["notificationId"] = json!(id);
    Ok(values)
}

fn values(terms: &Terms) -> Value {
    json!({
        "orderId": terms.order_id,
        "paymentIntentId": terms.payment_intent_id,
        "gigId": terms.gig_id,
        "buyerId": terms.buyer_id,
        "buyerUsername": terms.buyer_username,
        "sellerId": terms.seller_id,
        "sellerUsername": terms.seller_username,
    })
}

/// The event of the last step of `path`, built as production builds it.
fn example(params: &Value, path: &[Step]) -> anyhow::Result<Event> {
    let mut terms = example_terms();
    if let Some(id) = params["orderId"].as_str() {
        id.clone_into(&mut terms.order_id);
    }
    let at = Utc::now();
    let mut order = fold::apply(None, &Fact::Requested(Box::new(terms)), at)?;
    let mut last = None;
    for step in path {
        let fact = step.fact(&order)?;
        order = fold::apply(Some(order), &fact, at)?;
        last = events::of(&order, &fact, at)?;
    }
    last.context("this step sends no event")
}
