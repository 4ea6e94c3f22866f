//! What the payment provider must be told, exactly once in effect, however often this process dies.
//!
//! Each action is a row written in the transaction of the fact that demands it, and marked done in the transaction of what
//! follows from its answer. Between the two it may run any number of times: the provider recognises its idempotency key.
//!
//! | action | written with | done with |
//! |---|---|---|
//! | `capture` | `requested` | `placed`, `payment_failed`, or a `void` in its place |
//! | `void` | a capture that was given up | `payment_failed`, or `placed` and `cancelled` when it had been captured |
//! | `refund` | `cancelled` | the provider's answer |
//! | `payout` | `completed` | the provider's answer |

use std::time::Duration;

use futures_util::StreamExt as _;
use platform::clock::{now, timestamp};
use platform::{Database, Tx};
use sqlx::Row as _;
use telemetry::context::MessageContext;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::{Actor, Fact, Order, Status};
use crate::payments::{PaymentError, Payments};
use crate::store;

/// How often open actions are looked for without being told of one.
const POLL: Duration = Duration::from_millis(500);

/// When a capture that nobody has finished counts as abandoned, longer than a request can take.
const ABANDONED: chrono::Duration = chrono::Duration::seconds(30);

/// Open actions taken up at once.
const BATCH: i64 = 64;
const AT_ONCE: usize = 8;

/// Something that the provider must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Capture,
    Void,
    Refund,
    Payout,
}

impl Action {
    const ALL: [Self; 4] = [Self::Capture, Self::Void, Self::Refund, Self::Payout];

    const fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Payout => "payout",
        }
    }
}

/// Writes down that `action` must be taken for an order, on behalf of the code that is running.
pub(crate) async fn demand(tx: &mut Tx, order_id: &str, action: Action) -> anyhow::Result<()> {
    sqlx::query(
        "INSERT INTO payment_actions (order_id, kind, context, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
    )
    .bind(order_id)
    .bind(action.name())
    .bind(serde_json::to_string(&MessageContext::capture())?)
    .bind(now())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether an action waits for its order.
pub(crate) async fn is_open(tx: &mut Tx, order_id: &str, action: Action) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT 1 FROM payment_actions WHERE order_id = $1 AND kind = $2 AND done_at IS NULL")
        .bind(order_id)
        .bind(action.name())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

async fn done(tx: &mut Tx, order_id: &str, action: Action) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE payment_actions SET done_at = $1 WHERE order_id = $2 AND kind = $3 AND done_at IS NULL")
        .bind(now())
        .bind(order_id)
        .bind(action.name())
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Takes the actions, for requests and in the background.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    pub(crate) database: Database,
    pub(crate) payments: Payments,
    wake: std::sync::Arc<Notify>,
    started: String,
}

/// How a capture ended for the order.
#[derive(Debug)]
pub(crate) enum Captured {
    /// Paid: the order is in progress, or further already.
    Placed(Box<Order>),
    /// The provider refused: there is no order.
    Failed { code: String, message: String },
    /// Nobody knows; it is being undone.
    Unknown(String),
}

impl Settlement {
    pub(crate) fn new(database: Database, payments: Payments) -> Self {
        let started = timestamp(chrono::Utc::now());
        Self { database, payments, wake: std::sync::Arc::default(), started }
    }

    /// Captures a pending order's payment and lets what follows from the answer happen.
    pub(crate) async fn capture(&self, order: &Order) -> anyhow::Result<Captured> {
        let outcome = self.payments.capture(&order.terms).await;
        let id = &order.terms.order_id;
        let mut tx = self.database.begin().await?;
        store::lock(&mut tx, id).await?;
        let current = store::find(&mut tx, id).await?.unwrap_or_else(|| order.clone());
        if current.status != Status::Pending {
            // Another call under the same intent was faster.
            return Ok(match current.failure {
                Some(reason) => Captured::Failed { code: reason, message: "the payment was not taken".to_owned() },
                None => Captured::Placed(Box::new(current)),
            });
        }
        let captured = match outcome {
            Ok(()) => Captured::Placed(Box::new(store::append(&mut tx, current, &Fact::Placed).await?)),
            Err(PaymentError::Refused { code, message }) => {
                store::append(&mut tx, current, &Fact::PaymentFailed { reason: code.clone() }).await?;
                Captured::Failed { code, message }
            }
            Err(PaymentError::NoAnswer(reason)) => {
                demand(&mut tx, id, Action::Void).await?;
                Captured::Unknown(reason)
            }
        };
        done(&mut tx, id, Action::Capture).await?;
        tx.commit().await?;
        self.wake.notify_one();
        Ok(captured)
    }

    /// Takes one action; the error says why it stays open.
    pub(crate) async fn take(&self, order_id: &str, action: Action) -> anyhow::Result<()> {
        let mut connection = self.database.pool().acquire().await?;
        let Some(order) = store::find(&mut connection, order_id).await? else {
            anyhow::bail!("no order `{order_id}`");
        };
        drop(connection);
        match action {
            Action::Capture => {
                self.capture(&order).await?;
                return Ok(());
            }
            Action::Void => return self.void(order).await,
            Action::Refund => self.payments.refund(&order).await?,
            Action::Payout => self.payments.payout(&order).await?,
        }
        let mut tx = self.database.begin().await?;
        done(&mut tx, order_id, action).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Undoes a capture whose answer never came: the compensations of the saga.
    async fn void(&self, order: Order) -> anyhow::Result<()> {
        let canceled = match self.payments.cancel(&order.terms).await {
            Ok(()) => true,
            Err(PaymentError::Refused { code, .. }) if code == "payment_intent_unexpected_state" => false,
            Err(error) => return Err(error.into()),
        };
        let id = order.terms.order_id;
        let mut tx = self.database.begin().await?;
        store::lock(&mut tx, &id).await?;
        if let Some(current) = store::find(&mut tx, &id).await?.filter(|order| order.status == Status::Pending) {
            if canceled {
                let fact = Fact::PaymentFailed { reason: "payment_timed_out".to_owned() };
                store::append(&mut tx, current, &fact).await?;
            } else {
                let placed = store::append(&mut tx, current, &Fact::Placed).await?;
                let reason = "the payment was confirmed too late".to_owned();
                store::append(&mut tx, placed, &Fact::Cancelled { by: Actor::System, reason }).await?;
                demand(&mut tx, &id, Action::Refund).await?;
            }
        }
        done(&mut tx, &id, Action::Void).await?;
        tx.commit().await?;
        self.wake.notify_one();
        Ok(())
    }

    /// Takes open actions until the service stops: those that failed, and those of a process that died.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        loop {
            let found = match self.round().await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "payment actions not read, will try again");
                    0
                }
            };
            // A full batch may not be all.
            if found < BATCH as usize {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            } else if stopping.is_cancelled() {
                return;
            }
        }
    }

    async fn round(&self) -> anyhow::Result<usize> {
        // A fresh capture of this life of the process belongs to the request that waits for it.
        let abandoned = timestamp(chrono::Utc::now() - ABANDONED).max(self.started.clone());
        let rows = sqlx::query(
            "SELECT order_id, kind, context FROM payment_actions \
             WHERE done_at IS NULL AND (kind <> 'capture' OR created_at < $1) ORDER BY attempts, created_at LIMIT $2",
        )
        .bind(abandoned)
        .bind(BATCH)
        .fetch_all(self.database.pool())
        .await?;
        let mut open = Vec::with_capacity(rows.len());
        for row in &rows {
            let (order_id, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let context: MessageContext = serde_json::from_str(&row.try_get::<String, _>(2)?).unwrap_or_default();
            if let Some(action) = Action::ALL.into_iter().find(|action| action.name() == kind) {
                open.push((order_id, action, context));
            }
        }
        let failures = futures_util::stream::iter(open)
            .map(|(order_id, action, context)| async move {
                let taken = context.attach(self.take(&order_id, action)).await;
                match taken {
                    Ok(()) => None,
                    Err(error) => {
                        let text = format!("{error:#}");
                        tracing::warn!(order_id, action = action.name(), error = text, "payment action stays open");
                        Some((order_id, action, text))
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect::<Vec<_>>()
            .await;
        let failed = failures.len();
        self.note(failures).await?;
        // Failures wait for the next poll instead of being tried again at once.
        Ok(if failed > 0 { 0 } else { rows.len() })
    }

    async fn note(&self, failures: Vec<(String, Action, String)>) -> Result<(), sqlx::Error> {
        if failures.is_empty() {
            return Ok(());
        }
        let mut tx = self.database.begin().await?;
        for (order_id, action, error) in failures {
            sqlx::query(
                "UPDATE payment_actions SET attempts = attempts + 1, last_error = $1 WHERE order_id = $2 AND kind = $3",
            )
            .bind(error)
            .bind(order_id)
            .bind(action.name())
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await
    }
}
