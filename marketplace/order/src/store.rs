//! Orders in the database: the timeline, and its fold kept beside it.

use chrono::{DateTime, Utc};
use platform::clock::timestamp;
use platform::{Connected, Observed, Page, Pool, Tx, outbox};
use serde::Serialize;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use utoipa::ToSchema;

use crate::domain::{Fact, Order, Terms};
use crate::fold;
use crate::{events, notifications};

/// One entry of a timeline, as shown for audit.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[schema(minimum = 1)]
    version: i64,
    fact: String,
    state: String,
    #[schema(value_type = Fact)]
    data: Value,
    correlation_id: Option<String>,
    #[schema(format = DateTime)]
    at: String,
}

/// Whose orders, and which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    Buyer(&'a str),
    Seller(&'a str),
}

/// Lets nobody else change an order, or create it, until `tx` ends: what is found of it after this stays so.
pub(crate) async fn lock(tx: &mut Tx, id: &str) -> Result<(), sqlx::Error> {
    tx.lock(&format!("order {id}")).await
}

/// Begins a timeline with the buyer's request.
pub(crate) async fn create(tx: &mut Tx, terms: Terms) -> anyhow::Result<Order> {
    let at = Utc::now();
    let fact = Fact::Requested(Box::new(terms));
    let order = fold::apply(None, &fact, at)?;
    write_fact(tx, &order, &fact, at).await?;
    let time = timestamp(at);
    sqlx::query(
        "INSERT INTO orders (id, version, status, buyer_id, seller_id, gig_id, payment_intent_id, amount, fee, currency, \
         snapshot, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&order.terms.order_id)
    .bind(order.version)
    .bind(order.status.name())
    .bind(&order.terms.buyer_id)
    .bind(&order.terms.seller_id)
    .bind(&order.terms.gig_id)
    .bind(&order.terms.payment_intent_id)
    .bind(order.terms.amount)
    .bind(order.terms.fee)
    .bind(&order.terms.currency)
    .bind(serde_json::to_string(&order)?)
    .bind(&time)
    .bind(&time)
    .execute(&mut **tx)
    .await?;
    Ok(order)
}

/// Appends a fact: timeline, fold, notification and event in one transaction.
pub(crate) async fn append(tx: &mut Tx, order: Order, fact: &Fact) -> anyhow::Result<Order> {
    let at = Utc::now();
    let order = fold::apply(Some(order), fact, at)?;
    write_fact(tx, &order, fact, at).await?;
    sqlx::query("UPDATE orders SET version = $1, status = $2, snapshot = $3, updated_at = $4 WHERE id = $5")
        .bind(order.version)
        .bind(order.status.name())
        .bind(serde_json::to_string(&order)?)
        .bind(timestamp(at))
        .bind(&order.terms.order_id)
        .execute(&mut **tx)
        .await?;
    notifications::tell(tx, &order, fact, &timestamp(at)).await?;
    if let Some(event) = events::of(&order, fact, at)? {
        outbox::emit(tx, event);
    }
    tracing::info!(order_id = order.terms.order_id, fact = fact.name(), status = order.status.name(), "order changed");
    Ok(order)
}

/// The key `(order_id, version)` refuses a second fact for the same place in a timeline.
async fn write_fact(tx: &mut Tx, order: &Order, fact: &Fact, at: DateTime<Utc>) -> anyhow::Result<()> {
    let correlation = telemetry::correlation::current().map(|id| id.as_str().to_owned());
    sqlx::query(
        "INSERT INTO order_facts (order_id, version, fact, state, data, correlation_id, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&order.terms.order_id)
    .bind(order.version)
    .bind(fact.name())
    .bind(order.status.name())
    .bind(serde_json::to_string(fact)?)
    .bind(correlation)
    .bind(timestamp(at))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> anyhow::Result<Order> {
    Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?)
}

/// One order.
pub(crate) async fn find(connection: &mut Observed<impl Connected>, id: &str) -> anyhow::Result<Option<Order>> {
    let row = sqlx::query("SELECT snapshot FROM orders WHERE id = $1").bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// A page of the orders of one side, newest first; `statuses` holds names of states.
pub(crate) async fn list(
    pool: &Pool,
    owner: Owner<'_>,
    statuses: &[&str; 4],
    page: &Page,
) -> anyhow::Result<Vec<Order>> {
    let (sql, id) = match owner {
        Owner::Buyer(id) => (
            "SELECT snapshot FROM orders WHERE buyer_id = $1 AND status IN ($2, $3, $4, $5) \
             AND ($6 = '' OR (created_at, id) < (SELECT created_at, id FROM orders WHERE id = $6)) \
             ORDER BY created_at DESC, id DESC LIMIT $7",
            id,
        ),
        Owner::Seller(id) => (
            "SELECT snapshot FROM orders WHERE seller_id = $1 AND status IN ($2, $3, $4, $5) \
             AND ($6 = '' OR (created_at, id) < (SELECT created_at, id FROM orders WHERE id = $6)) \
             ORDER BY created_at DESC, id DESC LIMIT $7",
            id,
        ),
    };
    let mut query = sqlx::query(sql).bind(id);
    for status in statuses {
        query = query.bind(*status);
    }
    query
        .bind(page.before.as_deref().unwrap_or_default())
        .bind(page.size)
        .fetch_all(pool)
        .await?
        .iter()
        .map(read)
        .collect()
}

/// The timeline of one order, and the order that it folds to.
pub(crate) async fn audit(pool: &Pool, id: &str) -> anyhow::Result<(Vec<Entry>, Order)> {
    let entries = timeline(pool, id).await?;
    let facts = entries
        .iter()
        .map(|entry| Ok((serde_json::from_value(entry.data.clone())?, entry.at.parse()?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok((entries, fold::fold(&facts)?))
}

async fn timeline(pool: &Pool, id: &str) -> anyhow::Result<Vec<Entry>> {
    sqlx::query(
        "SELECT version, fact, state, data, correlation_id, at FROM order_facts WHERE order_id = $1 ORDER BY version",
    )
    .bind(id)
    .fetch_all(pool)
    .await?
    .iter()
    .map(|row| {
        Ok(Entry {
            version: row.try_get(0)?,
            fact: row.try_get(1)?,
            state: row.try_get(2)?,
            data: serde_json::from_str(&row.try_get::<String, _>(3)?)?,
            correlation_id: row.try_get(4)?,
            at: row.try_get(5)?,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use backends::Pair;
    use platform::Database;

    use super::*;
    use crate::app::SCHEMA;
    use crate::contract::example_terms;
    use crate::domain::Actor;

    async fn stored_order_is_the_fold_of_its_timeline(pair: Pair) {
        let place = pair.database().await;
        let database = Database::open(place.url(), SCHEMA).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        let order = create(&mut tx, example_terms()).await.unwrap();
        let id = order.terms.order_id.clone();
        let order = append(&mut tx, order, &Fact::Placed).await.unwrap();
        let fact = order.request_extension(Actor::Seller, 2, "late").unwrap();
        let order = append(&mut tx, order, &fact).await.unwrap();
        tx.commit().await.unwrap();

        let (timeline, folded) = audit(database.pool(), &id).await.unwrap();
        let stored = find(&mut database.pool().acquire().await.unwrap(), &id).await.unwrap().unwrap();
        assert_eq!(stored, order);
        // Stored times of facts have microseconds, those of the snapshot nanoseconds.
        assert_eq!((folded.version, folded.status, &folded.terms), (stored.version, stored.status, &stored.terms));
        let states: Vec<&str> = timeline.iter().map(|entry| entry.state.as_str()).collect();
        assert_eq!(states, ["pending", "in_progress", "in_progress"]);
    }

    async fn second_order_under_one_intent_is_impossible(pair: Pair) {
        let place = pair.database().await;
        let database = Database::open(place.url(), SCHEMA).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        create(&mut tx, example_terms()).await.unwrap();
        let other = Terms { order_id: "another".into(), ..example_terms() };
        assert!(create(&mut tx, other).await.is_err());
    }

    backends::on_each_pair!(stored_order_is_the_fold_of_its_timeline, second_order_under_one_intent_is_impossible);
}
