//! Publishing pacts, and reading them.

use serde_json::Value;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::content::Content;
use super::webhooks::Occasion;
use super::{Store, now};
use crate::broker::BrokerError;
use crate::broker::webhooks::HookEvent;
use crate::gate::Version;

/// Most pacts that are published at once.
const MAX_PACTS: usize = 200;

/// The pacts of one version of a consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// The consumer.
    pub consumer: String,
    /// Its version.
    pub version: String,
    /// The branch it was built from.
    pub branch: Option<String>,
    /// Tags it gets.
    pub tags: Vec<String>,
    /// Page of the build.
    pub build_url: Option<String>,
    /// The pacts, as JSON.
    pub pacts: Vec<Vec<u8>>,
}

/// What became of one pact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The provider that is expected something of.
    pub provider: String,
    /// Hash of the content.
    pub content: String,
    /// Whether the version had published the same before.
    pub repeated: bool,
    /// Whether some version of this consumer had.
    pub known: bool,
}

/// A pact as it was published.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPact {
    /// Who expects; the version that published it, or the last one that did.
    pub consumer: Version,
    /// Who must honour it.
    pub provider: String,
    /// Hash of the content.
    pub content: String,
    /// When it was published: RFC 3339.
    pub created_at: String,
}

/// Columns of a [`StoredPact`].
pub(super) const COLUMNS: &str =
    "pacts.consumer, pacts.consumer_number, pacts.provider, pacts.content, pacts.created_at";

impl StoredPact {
    pub(super) fn read(row: &AnyRow) -> Result<Self, BrokerError> {
        Ok(Self {
            consumer: Version::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?),
            provider: row.try_get(2)?,
            content: row.try_get(3)?,
            created_at: row.try_get(4)?,
        })
    }
}

impl Store {
    /// Publishes all pacts of a version, or none.
    ///
    /// # Errors
    ///
    /// When a pact cannot be one, is another consumer's, or differs from what this version has published already.
    pub async fn publish(&self, publication: &Publication) -> Result<Vec<Published>, BrokerError> {
        let Publication { consumer, version, branch, tags, build_url, pacts } = publication;
        if pacts.is_empty() || pacts.len() > MAX_PACTS {
            let message = format!("{} pacts were sent: expected 1 to {MAX_PACTS}", pacts.len());
            return Err(BrokerError::Invalid(message));
        }
        let contents: Vec<Content> = pacts.iter().map(|pact| Content::parse(pact)).collect::<Result<_, _>>()?;
        if let Some(other) = contents.iter().find(|content| content.consumer != *consumer) {
            let message = format!("a pact of `{}` was sent as one of `{consumer}`", other.consumer);
            return Err(BrokerError::Invalid(message));
        }
        let mut tx = self.begin().await?;
        tx.version(consumer, version, build_url.as_deref()).await?;
        if let Some(branch) = branch {
            tx.branch(consumer, version, branch).await?;
        }
        for tag in tags {
            tx.tag(consumer, version, tag).await?;
        }
        let mut published = Vec::with_capacity(contents.len());
        for Content { provider, hash, document, .. } in contents {
            tx.pacticipant(&provider).await?;
            let earlier = "SELECT content FROM pacts WHERE consumer = $1 AND consumer_number = $2 AND provider = $3";
            let earlier: Option<String> =
                match sqlx::query(earlier).bind(consumer).bind(version).bind(&provider).fetch_optional(&mut *tx).await?
                {
                    Some(row) => Some(row.try_get(0)?),
                    None => None,
                };
            if earlier.as_ref().is_some_and(|earlier| *earlier != hash) {
                return Err(BrokerError::Conflict(format!(
                    "version {version} of {consumer} has published another pact with {provider} already: what was \
                     published does not change, because others have verified it; publish under a new version",
                )));
            }
            let known =
                sqlx::query("SELECT 1 FROM pacts WHERE consumer = $1 AND provider = $2 AND content = $3 LIMIT 1")
                    .bind(consumer)
                    .bind(&provider)
                    .bind(&hash)
                    .fetch_optional(&mut *tx)
                    .await?
                    .is_some();
            sqlx::query("INSERT INTO contents (hash, document) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(&hash)
                .bind(document.to_string())
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "INSERT INTO pacts (consumer, consumer_number, provider, content, created_at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(consumer)
            .bind(version)
            .bind(&provider)
            .bind(&hash)
            .bind(now())
            .execute(&mut *tx)
            .await?;
            sqlx::query("DELETE FROM withdrawn WHERE consumer = $1 AND consumer_number = $2 AND provider = $3")
                .bind(consumer)
                .bind(version)
                .bind(&provider)
                .execute(&mut *tx)
                .await?;
            let occasion = Occasion {
                consumer: Version::new(consumer, version),
                provider: provider.clone(),
                content: hash.clone(),
                provider_version: None,
                verification: None,
            };
            // Said twice by one version, it is no news.
            if earlier.is_none() {
                let events = [HookEvent::ContractContentChanged, HookEvent::ContractPublished];
                tx.tell(&events[usize::from(known)..], &occasion).await?;
            }
            published.push(Published { provider, content: hash, repeated: earlier.is_some(), known });
        }
        tx.commit().await?;
        self.tell_news();
        Ok(published)
    }

    /// The pact of a version of a consumer with a provider.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn pact(&self, consumer: &Version, provider: &str) -> Result<StoredPact, BrokerError> {
        let select = format!(
            "SELECT {COLUMNS} FROM pacts WHERE pacts.consumer = $1 AND pacts.consumer_number = $2 AND pacts.provider = $3"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(&consumer.pacticipant)
            .bind(&consumer.number)
            .bind(provider)
            .fetch_optional(self.pool())
            .await?
            .ok_or_else(|| BrokerError::NotFound(format!("{consumer} has published no pact with `{provider}`")))?;
        StoredPact::read(&row)
    }

    /// A pact by the hash of its content, as the last version of a consumer that published it.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn pact_by_content(
        &self,
        provider: &str,
        consumer: &str,
        content: &str,
    ) -> Result<StoredPact, BrokerError> {
        let select = format!(
            "SELECT {COLUMNS} FROM pacts WHERE pacts.provider = $1 AND pacts.consumer = $2 AND pacts.content = $3 ORDER BY pacts.created_at DESC LIMIT 1"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(provider)
            .bind(consumer)
            .bind(content)
            .fetch_optional(self.pool())
            .await?
            .ok_or_else(|| BrokerError::NotFound(format!("`{consumer}` has no pact `{content}` with `{provider}`")))?;
        StoredPact::read(&row)
    }

    /// What a pact says, as it was published first.
    ///
    /// # Errors
    /// When there is no such content, or the database fails.
    pub async fn content(&self, hash: &str) -> Result<Value, BrokerError> {
        let row = sqlx::query("SELECT document FROM contents WHERE hash = $1")
            .bind(hash)
            .fetch_optional(self.pool())
            .await?
            .ok_or_else(|| BrokerError::NotFound(format!("no pact has the content `{hash}`")))?;
        Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?)
    }

    /// The pacts of a consumer with a provider, the latest version first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pacts_between(
        &self,
        consumer: &str,
        provider: &str,
        limit: usize,
    ) -> Result<Vec<StoredPact>, BrokerError> {
        let select = format!(
            "SELECT {COLUMNS} FROM pacts JOIN versions ON versions.pacticipant = pacts.consumer AND versions.number = pacts.consumer_number \
             WHERE pacts.consumer = $1 AND pacts.provider = $2 ORDER BY versions.position DESC LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(consumer)
            .bind(provider)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(StoredPact::read).collect()
    }

    /// The pact that each consumer published last with each provider, by consumer and provider.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_pacts(&self) -> Result<Vec<StoredPact>, BrokerError> {
        let select = format!(
            "SELECT {COLUMNS} FROM pacts JOIN versions ON versions.pacticipant = pacts.consumer AND versions.number = pacts.consumer_number \
             ORDER BY pacts.consumer, pacts.provider, versions.position DESC"
        );
        let mut latest: Vec<StoredPact> = Vec::new();
        for row in sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(self.pool()).await? {
            let (consumer, provider): (String, String) = (row.try_get(0)?, row.try_get(2)?);
            let repeated =
                latest.last().is_some_and(|last| last.consumer.pacticipant == consumer && last.provider == provider);
            if !repeated {
                latest.push(StoredPact::read(&row)?);
            }
        }
        Ok(latest)
    }
}
