//! Webhooks, and what they are to be told.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::versions::named;
use super::{Store, Tx, now};
use crate::broker::BrokerError;
use crate::broker::webhooks::{HookEvent, HookRequest};
use crate::gate::Version;

/// Most webhooks.
const MAX_WEBHOOKS: i64 = 200;
/// Finished deliveries that are kept of each webhook.
const KEPT: i64 = 100;

/// Who is told of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Identity.
    pub id: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Only of this consumer's pacts.
    pub consumer: Option<String>,
    /// Only of pacts with this provider.
    pub provider: Option<String>,
    /// Of which events; of several that happen together, it is told once.
    pub events: Vec<HookEvent>,
    /// What is sent.
    pub request: HookRequest,
    /// When it was made: RFC 3339.
    pub created_at: String,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    /// Who expects.
    pub consumer: Version,
    /// Of whom.
    pub provider: String,
    /// Hash of the pact's content.
    pub content: String,
    /// Version of the provider that was verified.
    pub provider_version: Option<String>,
    /// Number of the verification.
    pub verification: Option<i64>,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is tried, or will be again.
    Waiting,
    /// The receiver accepted it.
    Succeeded,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Something that a webhook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookDelivery {
    /// Identity.
    pub id: String,
    /// Identity of the webhook.
    pub webhook: String,
    /// What happened.
    pub event: HookEvent,
    /// To whom.
    pub occasion: Occasion,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it happened: RFC 3339.
    pub created_at: String,
}

impl Webhook {
    fn read(row: &AnyRow) -> Result<Self, BrokerError> {
        Ok(Self {
            id: row.try_get("id")?,
            description: row.try_get("description")?,
            enabled: row.try_get::<i64, _>("enabled")? != 0,
            consumer: row.try_get("consumer")?,
            provider: row.try_get("provider")?,
            events: serde_json::from_str(&row.try_get::<String, _>("events")?)?,
            request: serde_json::from_str(&row.try_get::<String, _>("request")?)?,
            created_at: row.try_get("created_at")?,
        })
    }
}

impl HookDelivery {
    fn read(row: &AnyRow) -> Result<Self, BrokerError> {
        let event: String = row.try_get("event")?;
        let unknown =
            || BrokerError::Invalid(format!("the database has the event `{event}`, which this version does not know"));
        Ok(Self {
            id: row.try_get("id")?,
            webhook: row.try_get("webhook")?,
            event: HookEvent::named(&event).ok_or_else(unknown)?,
            occasion: serde_json::from_str(&row.try_get::<String, _>("occasion")?)?,
            state: match row.try_get::<String, _>("state")?.as_str() {
                "waiting" => DeliveryState::Waiting,
                "succeeded" => DeliveryState::Succeeded,
                _ => DeliveryState::Failed,
            },
            attempts: row.try_get("attempts")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// A time to come, in the form that is stored.
fn stored(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl Store {
    /// Keeps a webhook under its id, in the place of the one that had it; the caller has checked its request.
    ///
    /// # Errors
    /// When it names nobody's name, tells of nothing, there are too many, or the database fails.
    pub(in crate::broker) async fn keep_webhook(&self, webhook: &Webhook) -> Result<Webhook, BrokerError> {
        named("webhook's id", &webhook.id)?;
        for name in webhook.consumer.iter().chain(&webhook.provider) {
            named("pacticipant", name)?;
        }
        if let Some(description) = &webhook.description {
            named("description", description)?;
        }
        if webhook.events.is_empty() {
            return Err(BrokerError::Invalid(
                "a webhook of no event would never be told anything: expected `events`".into(),
            ));
        }
        let mut tx = self.begin().await?;
        let count: i64 = sqlx::query("SELECT COUNT(*) FROM webhooks WHERE id <> $1")
            .bind(&webhook.id)
            .fetch_one(&mut *tx)
            .await?
            .try_get(0)?;
        if count >= MAX_WEBHOOKS {
            return Err(BrokerError::Invalid(format!(
                "there are {count} webhooks already: expected at most {MAX_WEBHOOKS}"
            )));
        }
        sqlx::query(
            "INSERT INTO webhooks (id, description, enabled, consumer, provider, events, request, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET description = excluded.description, \
             enabled = excluded.enabled, consumer = excluded.consumer, provider = excluded.provider, \
             events = excluded.events, request = excluded.request",
        )
        .bind(&webhook.id)
        .bind(webhook.description.as_deref())
        .bind(i64::from(webhook.enabled))
        .bind(webhook.consumer.as_deref())
        .bind(webhook.provider.as_deref())
        .bind(serde_json::to_string(&webhook.events)?)
        .bind(serde_json::to_string(&webhook.request)?)
        .bind(&webhook.created_at)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.webhook(&webhook.id).await
    }

    /// Every webhook, the first made first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, BrokerError> {
        let rows = sqlx::query("SELECT * FROM webhooks ORDER BY created_at, id").fetch_all(self.pool()).await?;
        rows.iter().map(Webhook::read).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of this id, or the database fails.
    pub async fn webhook(&self, id: &str) -> Result<Webhook, BrokerError> {
        let row = sqlx::query("SELECT * FROM webhooks WHERE id = $1").bind(id).fetch_optional(self.pool()).await?;
        Webhook::read(&row.ok_or_else(|| BrokerError::NotFound(format!("no webhook has the id `{id}`")))?)
    }

    /// Deletes a webhook, with what it was told and what it was to be told.
    ///
    /// # Errors
    /// When there is none of this id, or the database fails.
    pub async fn delete_webhook(&self, id: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        if tx.remove_webhook(id).await? == 0 {
            return Err(BrokerError::NotFound(format!("no webhook has the id `{id}`")));
        }
        tx.commit().await
    }

    /// What a webhook was told, the latest first, each with the outcome of each attempt and its time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(&self, webhook: &str) -> Result<Vec<(HookDelivery, Vec<(String, String)>)>, BrokerError> {
        let select = "SELECT * FROM deliveries WHERE webhook = $1 ORDER BY id DESC LIMIT 200";
        let mut told = Vec::new();
        for row in sqlx::query(select).bind(webhook).fetch_all(self.pool()).await? {
            let delivery = HookDelivery::read(&row)?;
            let select = "SELECT outcome, created_at FROM attempts WHERE delivery = $1 ORDER BY number";
            let attempts = sqlx::query(select).bind(&delivery.id).fetch_all(self.pool()).await?;
            let attempts = attempts.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
            told.push((delivery, attempts.collect::<Result<_, BrokerError>>()?));
        }
        Ok(told)
    }

    /// Takes what is due, at most `most`; nobody else takes it before `until`. The attempt counts from here on, so that
    /// whoever dies over it does not try for ever.
    pub(in crate::broker) async fn take_due(
        &self,
        most: usize,
        until: DateTime<Utc>,
    ) -> Result<Vec<HookDelivery>, BrokerError> {
        let due = "SELECT * FROM deliveries WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at LIMIT $2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        // Looked at first without a writer's turn: most of the time there is nothing.
        if sqlx::query(due).bind(now()).bind(most).fetch_optional(self.pool()).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let mut taken = Vec::new();
        for row in sqlx::query(due).bind(now()).bind(most).fetch_all(&mut *tx).await? {
            let mut delivery = HookDelivery::read(&row)?;
            sqlx::query("UPDATE deliveries SET attempts = attempts + 1, next_at = $1 WHERE id = $2")
                .bind(stored(until))
                .bind(&delivery.id)
                .execute(&mut *tx)
                .await?;
            delivery.attempts += 1;
            taken.push(delivery);
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Keeps what came of an attempt; a delivery that waits on is due again at `next`.
    pub(in crate::broker) async fn settle(
        &self,
        delivery: &HookDelivery,
        outcome: &str,
        state: DeliveryState,
        next: DateTime<Utc>,
    ) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        let update = "UPDATE deliveries SET state = $1, next_at = $2 WHERE id = $3";
        let there =
            sqlx::query(update).bind(state.as_str()).bind(stored(next)).bind(&delivery.id).execute(&mut *tx).await?;
        // The webhook may have been deleted meanwhile.
        if there.rows_affected() > 0 {
            let insert = "INSERT INTO attempts (delivery, number, outcome, created_at) VALUES ($1, $2, $3, $4) \
                          ON CONFLICT DO NOTHING";
            sqlx::query(insert)
                .bind(&delivery.id)
                .bind(delivery.attempts)
                .bind(outcome)
                .bind(now())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await
    }
}

impl Tx {
    /// Writes down who is to be told: each webhook that has one of `events` hears of the first of them that it has.
    pub(super) async fn tell(&mut self, events: &[HookEvent], occasion: &Occasion) -> Result<(), BrokerError> {
        let select = "SELECT * FROM webhooks WHERE enabled = 1 AND (consumer IS NULL OR consumer = $1) \
                      AND (provider IS NULL OR provider = $2)";
        let rows = sqlx::query(select)
            .bind(&occasion.consumer.pacticipant)
            .bind(&occasion.provider)
            .fetch_all(&mut **self)
            .await?;
        for row in rows {
            let webhook = Webhook::read(&row)?;
            let Some(event) = events.iter().find(|event| webhook.events.contains(event)) else { continue };
            sqlx::query(
                "INSERT INTO deliveries (id, webhook, event, occasion, state, attempts, next_at, created_at) \
                 VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $5)",
            )
            .bind(Uuid::now_v7().to_string())
            .bind(&webhook.id)
            .bind(event.as_str())
            .bind(serde_json::to_string(occasion)?)
            .bind(now())
            .execute(&mut **self)
            .await?;
            let old = "SELECT id FROM deliveries WHERE webhook = $1 AND state <> 'waiting' ORDER BY id DESC \
                       LIMIT 1000 OFFSET $2";
            for old in sqlx::query(old).bind(&webhook.id).bind(KEPT).fetch_all(&mut **self).await? {
                let old: String = old.try_get(0)?;
                for delete in ["DELETE FROM attempts WHERE delivery = $1", "DELETE FROM deliveries WHERE id = $1"] {
                    sqlx::query(delete).bind(&old).execute(&mut **self).await?;
                }
            }
        }
        Ok(())
    }
}
