//! The ledger: append-only entries in double entry.

use platform::{Database, Tx, new_id, now};
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::intents::Intent;

/// The customers' cards.
const CARDS: &str = "cards";
/// Money captured and not yet given to anybody.
const HELD: &str = "held";
/// What the marketplace earned.
const MARKETPLACE: &str = "marketplace";

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Capture,
    Refund,
    Payout,
    Fee,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Payout => "payout",
            Self::Fee => "fee",
        }
    }

    /// From which account to which.
    fn accounts(self, destination: &str) -> (&'static str, String) {
        match self {
            Self::Capture => (CARDS, HELD.to_owned()),
            Self::Refund => (HELD, CARDS.to_owned()),
            Self::Payout => (HELD, format!("seller:{destination}")),
            Self::Fee => (HELD, MARKETPLACE.to_owned()),
        }
    }
}

/// An entry that is yet to be booked.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) id: String,
    kind: Kind,
    intent: String,
    order: String,
    amount: i64,
    currency: String,
    debit: &'static str,
    credit: String,
    transaction: String,
    key: Option<String>,
}

impl Entry {
    pub(crate) fn new(
        kind: Kind,
        intent: &Intent,
        amount: i64,
        destination: &str,
        transaction: &str,
        key: Option<&str>,
    ) -> Self {
        let (debit, credit) = kind.accounts(destination);
        Self {
            id: format!("{}_{}", kind.name(), new_id()),
            kind,
            intent: intent.id.clone(),
            order: intent.order_id.clone(),
            amount,
            currency: intent.currency.clone(),
            debit,
            credit,
            transaction: transaction.to_owned(),
            key: key.map(str::to_owned),
        }
    }
}

/// Books entries, as the last thing before the commit of `tx`: numbers follow each other without a gap, so everybody who
/// books waits for everybody else, and whoever holds the lock must have nothing left to do.
pub(crate) async fn book(tx: &mut Tx, entries: &[Entry]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    tx.lock("ledger").await?;
    for entry in entries {
        sqlx::query(
            "INSERT INTO entries (seq, id, type, transaction_id, payment_intent, order_id, amount, currency, debit, \
             credit, idempotency_key, created) \
             VALUES ((SELECT COALESCE(MAX(seq), 0) + 1 FROM entries), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&entry.id)
        .bind(entry.kind.name())
        .bind(&entry.transaction)
        .bind(&entry.intent)
        .bind(&entry.order)
        .bind(entry.amount)
        .bind(&entry.currency)
        .bind(entry.debit)
        .bind(&entry.credit)
        .bind(&entry.key)
        .bind(now())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// The sum booked for one intent.
pub(crate) async fn total(tx: &mut Tx, kind: Kind, intent: &str) -> Result<i64, sqlx::Error> {
    sqlx::query("SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM entries WHERE payment_intent = $1 AND type = $2")
        .bind(intent)
        .bind(kind.name())
        .fetch_one(&mut **tx)
        .await?
        .try_get(0)
}

/// The whole ledger, what is still held per order, and the balance of each account.
pub(crate) async fn ledger(database: &Database) -> Result<Value, sqlx::Error> {
    let entries = sqlx::query(
        "SELECT seq, id, type, transaction_id, payment_intent, order_id, amount, currency, debit, credit, \
         idempotency_key, created FROM entries ORDER BY seq",
    )
    .fetch_all(database.pool())
    .await?
    .iter()
    .map(|row| {
        Ok(json!({
            "seq": row.try_get::<i64, _>(0)?,
            "id": row.try_get::<String, _>(1)?,
            "type": row.try_get::<String, _>(2)?,
            "transaction": row.try_get::<String, _>(3)?,
            "payment_intent": row.try_get::<String, _>(4)?,
            "order_id": row.try_get::<String, _>(5)?,
            "amount": row.try_get::<i64, _>(6)?,
            "currency": row.try_get::<String, _>(7)?,
            "debit": row.try_get::<String, _>(8)?,
            "credit": row.try_get::<String, _>(9)?,
            "idempotency_key": row.try_get::<Option<String>, _>(10)?,
            "created": row.try_get::<String, _>(11)?,
        }))
    })
    .collect::<Result<Vec<Value>, sqlx::Error>>()?;
    let held = sqlx::query(
        "SELECT order_id, payment_intent, currency, \
         CAST(SUM(CASE WHEN credit = $1 THEN amount ELSE 0 END) - SUM(CASE WHEN debit = $1 THEN amount ELSE 0 END) AS BIGINT) \
         FROM entries GROUP BY order_id, payment_intent, currency ORDER BY order_id",
    )
    .bind(HELD)
    .fetch_all(database.pool())
    .await?
    .iter()
    .map(|row| {
        Ok(json!({
            "order_id": row.try_get::<String, _>(0)?,
            "payment_intent": row.try_get::<String, _>(1)?,
            "currency": row.try_get::<String, _>(2)?,
            "amount": row.try_get::<i64, _>(3)?,
        }))
    })
    .collect::<Result<Vec<Value>, sqlx::Error>>()?;
    let balances = sqlx::query(
        "SELECT account, currency, CAST(SUM(amount) AS BIGINT) FROM (\
         SELECT credit AS account, currency, amount FROM entries UNION ALL \
         SELECT debit AS account, currency, -amount AS amount FROM entries) AS moves \
         GROUP BY account, currency ORDER BY account, currency",
    )
    .fetch_all(database.pool())
    .await?
    .iter()
    .map(|row| {
        Ok(json!({
            "account": row.try_get::<String, _>(0)?,
            "currency": row.try_get::<String, _>(1)?,
            "amount": row.try_get::<i64, _>(2)?,
        }))
    })
    .collect::<Result<Vec<Value>, sqlx::Error>>()?;
    Ok(json!({ "entries": entries, "held": held, "balances": balances }))
}
