//! What verifications said.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::content::interactions;
use super::webhooks::Occasion;
use super::{Store, StoredPact, Tx, now};
use crate::broker::BrokerError;
use crate::broker::webhooks::HookEvent;
use crate::canonical;
use crate::gate::Version;
use crate::version;

/// Largest result that is kept, in bytes.
const MAX_RESULTS: usize = 4 * 1024 * 1024;

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
    /// Who verified.
    pub verified_by: Option<String>,
    /// When: RFC 3339.
    pub created_at: String,
}

const SELECT: &str = "SELECT id, content, consumer, consumer_number, provider, provider_number, success, results, \
                      build_url, verified_by, created_at FROM verifications";

const LAST: &str = "WHERE id IN (SELECT MAX(id) FROM verifications WHERE content = $1 GROUP BY provider, provider_number) \
                    ORDER BY id DESC";

impl StoredVerification {
    fn read(row: &AnyRow) -> Result<Self, BrokerError> {
        Ok(Self {
            number: row.try_get(0)?,
            content: row.try_get(1)?,
            consumer: Version::new(row.try_get::<String, _>(2)?, row.try_get::<String, _>(3)?),
            provider: Version::new(row.try_get::<String, _>(4)?, row.try_get::<String, _>(5)?),
            success: row.try_get::<i64, _>(6)? != 0,
            results: serde_json::from_str(&row.try_get::<String, _>(7)?)?,
            build_url: row.try_get(8)?,
            verified_by: row.try_get(9)?,
            created_at: row.try_get(10)?,
        })
    }
}

impl Store {
    /// Keeps a result for the pact of `consumer` with `provider` that has this content.
    ///
    /// A success is refused unless it names every interaction of the pact by its `interactionId` (`_id` in the pact that was
    /// fetched, the hash of the interaction in this crate's results): a part that was looked at says nothing about the rest.
    /// Only an interaction that the pact itself marks as pending may have failed.
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
        let pact = self.verified_pact(provider, consumer, content, verification).await?;
        let mut tx = self.begin().await?;
        let stored = tx.verification(&pact, verification).await?;
        tx.commit().await?;
        self.tell_news();
        Ok(stored)
    }

    /// Keeps the results of several pacts, each with its consumer and content, and puts the version that was verified on
    /// its branch; all of it or nothing.
    ///
    /// # Errors
    /// As [`record_verification`](Self::record_verification), for the first that fails.
    pub async fn record_verifications(
        &self,
        provider: &Version,
        branch: Option<&str>,
        verifications: &[(String, String, Verification)],
    ) -> Result<Vec<StoredVerification>, BrokerError> {
        let mut pacts = Vec::with_capacity(verifications.len());
        for (consumer, content, verification) in verifications {
            pacts.push(self.verified_pact(&provider.pacticipant, consumer, content, verification).await?);
        }
        let mut tx = self.begin().await?;
        let mut stored = Vec::with_capacity(pacts.len());
        for (pact, (_, _, verification)) in pacts.iter().zip(verifications) {
            stored.push(tx.verification(pact, verification).await?);
        }
        if let (Some(branch), false) = (branch, stored.is_empty()) {
            tx.branch(&provider.pacticipant, &provider.number, branch).await?;
        }
        tx.commit().await?;
        self.tell_news();
        Ok(stored)
    }

    /// The pact that a result is about, if the result can be one.
    async fn verified_pact(
        &self,
        provider: &str,
        consumer: &str,
        content: &str,
        verification: &Verification,
    ) -> Result<StoredPact, BrokerError> {
        let bytes = verification.results.to_string().len();
        if bytes > MAX_RESULTS {
            return Err(BrokerError::Invalid(format!("the result has {bytes} bytes: expected at most {MAX_RESULTS}")));
        }
        let pact = self.pact_by_content(provider, consumer, content).await?;
        let document = self.content(content).await?;
        match doubt(&pact, &document, verification) {
            Some(doubt) => Err(BrokerError::Invalid(doubt)),
            None => Ok(pact),
        }
    }

    /// One of them.
    ///
    /// # Errors
    /// When there is none of this number, or the database fails.
    pub async fn verification(&self, number: i64) -> Result<StoredVerification, BrokerError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE id = $1")))
            .bind(number)
            .fetch_optional(self.pool())
            .await?
            .ok_or_else(|| BrokerError::NotFound(format!("no verification has the number {number}")))?;
        StoredVerification::read(&row)
    }

    /// As [`verifications_of`](Self::verifications_of), the latest `limit` of them and without what the verifiers said, which
    /// may be long.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verdicts_of(&self, content: &str, limit: usize) -> Result<Vec<StoredVerification>, BrokerError> {
        let select = format!("{} {LAST} LIMIT $2", SELECT.replace("results", "CAST('null' AS TEXT)"));
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(content)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(StoredVerification::read).collect()
    }

    /// The last one of each provider version for a content, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn verifications_of(&self, content: &str) -> Result<Vec<StoredVerification>, BrokerError> {
        let select = format!("{SELECT} {LAST}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(select)).bind(content).fetch_all(self.pool()).await?;
        rows.iter().map(StoredVerification::read).collect()
    }
}

impl Tx {
    async fn verification(
        &mut self,
        pact: &StoredPact,
        verification: &Verification,
    ) -> Result<StoredVerification, BrokerError> {
        let Verification { provider_version, success, results, build_url, verified_by } = verification;
        self.version(&pact.provider, provider_version, build_url.as_deref()).await?;
        let number: i64 = sqlx::query("SELECT COALESCE(MAX(id), 0) + 1 FROM verifications")
            .fetch_one(&mut **self)
            .await?
            .try_get(0)?;
        let created_at = now();
        sqlx::query(
            "INSERT INTO verifications (id, content, consumer, consumer_number, provider, provider_number, success, results, \
             build_url, verified_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(number)
        .bind(&pact.content)
        .bind(&pact.consumer.pacticipant)
        .bind(&pact.consumer.number)
        .bind(&pact.provider)
        .bind(provider_version)
        .bind(i64::from(*success))
        .bind(results.to_string())
        .bind(build_url.as_deref())
        .bind(verified_by.as_deref())
        .bind(&created_at)
        .execute(&mut **self)
        .await?;
        let occasion = Occasion {
            consumer: pact.consumer.clone(),
            provider: pact.provider.clone(),
            content: pact.content.clone(),
            provider_version: Some(provider_version.clone()),
            verification: Some(number),
        };
        let verdict =
            if *success { HookEvent::ProviderVerificationSucceeded } else { HookEvent::ProviderVerificationFailed };
        self.tell(&[verdict, HookEvent::ProviderVerificationPublished], &occasion).await?;
        Ok(StoredVerification {
            number,
            content: pact.content.clone(),
            consumer: pact.consumer.clone(),
            provider: Version::new(&pact.provider, provider_version),
            success: *success,
            results: results.clone(),
            build_url: build_url.clone(),
            verified_by: verified_by.clone(),
            created_at,
        })
    }
}

/// Why a success cannot be believed; none when it can, or when it is a failure.
fn doubt(pact: &StoredPact, document: &Value, verification: &Verification) -> Option<String> {
    if !verification.success {
        return None;
    }
    let tests = verification.results.get("testResults").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if tests.is_empty() {
        return Some("a success without `testResults` was sent: nothing was verified, so nothing is recorded".into());
    }
    let identity = |each: &Value| canonical::interaction_hash(&pact.consumer.pacticipant, &pact.provider, each);
    // Older versions have no `pending`, and whoever verifies them does not obey it.
    let may_be_pending = version::of(document).is_ok_and(|major| major >= 4);
    let (pending, required): (Vec<&Value>, Vec<&Value>) =
        interactions(document).iter().partition(|each| may_be_pending && each["pending"] == true);
    let may_fail: BTreeSet<String> = pending.into_iter().map(identity).collect();
    let required: BTreeSet<String> = required.into_iter().map(identity).collect();
    let id = |test: &Value| test["interactionId"].as_str().unwrap_or_default().to_owned();
    if tests.iter().any(|test| test["success"] != true && !may_fail.contains(&id(test))) {
        return Some(
            "a success with a failed test in `testResults` was sent: expected `\"success\": false` then".into(),
        );
    }
    let verified: BTreeSet<String> = tests.iter().map(id).collect();
    let missing = required.difference(&verified).count();
    (missing > 0 || required.is_empty()).then(|| {
        format!(
            "a success for {} of the {} interactions that the pact requires was sent: a part says nothing about the \
             rest, so nothing is recorded; verify the whole pact, and name each interaction by its `_id`",
            required.len() - missing,
            required.len()
        )
    })
}
