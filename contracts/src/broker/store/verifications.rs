//! What verifications said.

use serde_json::Value;
use sqlx::Row as _;

use super::{Store, now};
use crate::broker::BrokerError;
use crate::gate::Version;

/// A result as a verifier publishes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Version of the provider.
    pub provider_version: String,
    /// Whether every interaction held.
    pub success: bool,
    /// What the verifier says of each interaction, as it said it.
    pub results: Value,
    /// Page of the build.
    pub build_url: Option<String>,
    /// Who verified.
    pub verified_by: Option<String>,
}

/// A result that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVerification {
    /// Order among all; the last of the same content and provider version counts.
    pub number: i64,
    /// Hash of the pact's content.
    pub content: String,
    /// Whose pact it was.
    pub consumer: Version,
    /// Who was verified.
    pub provider: Version,
    /// Whether every interaction held.
    pub success: bool,
    /// What the verifier said.
    pub results: Value,
    /// Page of the build.
    pub build_url: Option<String>,
    /// When: RFC 3339.
    pub created_at: String,
}

impl Store {
    /// Keeps a result for the pact of `consumer` with `provider` that has this content.
    ///
    /// A success without any interaction verified is refused: it would say that nothing was looked at and all is well.
    ///
    /// # Errors
    /// When there is no such pact, the result contradicts itself, or the database fails.
    pub async fn record_verification(
        &self,
        provider: &str,
        consumer: &str,
        content: &str,
        verification: &Verification,
    ) -> Result<StoredVerification, BrokerError> {
        let Verification { provider_version, success, results, build_url, verified_by } = verification;
        let tests = results.get("testResults").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if *success && tests.is_empty() {
            let message = "a success without `testResults` was sent: nothing was verified, so nothing is recorded";
            return Err(BrokerError::Invalid(message.into()));
        }
        if *success && tests.iter().any(|test| test["success"] == false) {
            let message = "a success with a failed test in `testResults` was sent: expected `\"success\": false` then";
            return Err(BrokerError::Invalid(message.into()));
        }
        let pact = self.pact_by_content(provider, consumer, content).await?;
        let mut tx = self.begin().await?;
        tx.version(provider, provider_version, build_url.as_deref()).await?;
        let number: i64 =
            sqlx::query("SELECT COALESCE(MAX(id), 0) + 1 FROM verifications").fetch_one(&mut *tx).await?.try_get(0)?;
        let created_at = now();
        sqlx::query(
            "INSERT INTO verifications (id, content, consumer, consumer_number, provider, provider_number, success, results, \
             build_url, verified_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(number)
        .bind(content)
        .bind(&pact.consumer.pacticipant)
        .bind(&pact.consumer.number)
        .bind(provider)
        .bind(provider_version)
        .bind(i64::from(*success))
        .bind(results.to_string())
        .bind(build_url.as_deref())
        .bind(verified_by.as_deref())
        .bind(&created_at)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(StoredVerification {
            number,
            content: content.to_owned(),
            consumer: pact.consumer,
            provider: Version::new(provider, provider_version),
            success: *success,
            results: results.clone(),
            build_url: build_url.clone(),
            created_at,
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of this number, or the database fails.
    pub async fn verification(&self, number: i64) -> Result<StoredVerification, BrokerError> {
        let row = sqlx::query(
            "SELECT id, content, consumer, consumer_number, provider, provider_number, success, results, build_url, created_at \
             FROM verifications WHERE id = $1",
        )
        .bind(number)
        .fetch_optional(self.pool())
        .await?
        .ok_or_else(|| BrokerError::NotFound(format!("no verification has the number {number}")))?;
        Ok(StoredVerification {
            number: row.try_get(0)?,
            content: row.try_get(1)?,
            consumer: Version::new(row.try_get::<String, _>(2)?, row.try_get::<String, _>(3)?),
            provider: Version::new(row.try_get::<String, _>(4)?, row.try_get::<String, _>(5)?),
            success: row.try_get::<i64, _>(6)? != 0,
            results: serde_json::from_str(&row.try_get::<String, _>(7)?)?,
            build_url: row.try_get(8)?,
            created_at: row.try_get(9)?,
        })
    }

    /// The last one of each provider version for a content, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verifications_of(&self, content: &str) -> Result<Vec<StoredVerification>, BrokerError> {
        let rows = sqlx::query(
            "SELECT MAX(id) FROM verifications WHERE content = $1 GROUP BY provider, provider_number ORDER BY 1 DESC",
        )
        .bind(content)
        .fetch_all(self.pool())
        .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(self.verification(row.try_get(0)?).await?);
        }
        Ok(found)
    }
}
