//! What is deployed and released where.

use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::{Store, now};
use crate::broker::BrokerError;
use crate::gate::Version;

/// How a version is in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlacementKind {
    /// It runs there: the next deployment to the same target takes its place.
    Deployed,
    /// Users may have it: it counts until its support ends, and others may stand beside it.
    Released,
}

impl PlacementKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Released => "released",
        }
    }
}

/// A version in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Identity, a UUID.
    pub id: String,
    /// How it is there.
    pub kind: PlacementKind,
    /// What is there.
    pub version: Version,
    /// Name of the environment.
    pub environment: String,
    /// Which of several instances, where there are several.
    pub target: Option<String>,
    /// Since when: RFC 3339.
    pub created_at: String,
}

impl Placement {
    fn read(row: &AnyRow) -> Result<Self, BrokerError> {
        let target: String = row.try_get("target")?;
        Ok(Self {
            id: row.try_get("id")?,
            kind: if row.try_get::<String, _>("kind")? == "released" {
                PlacementKind::Released
            } else {
                PlacementKind::Deployed
            },
            version: Version::new(row.try_get::<String, _>("pacticipant")?, row.try_get::<String, _>("number")?),
            environment: row.try_get("name")?,
            target: Some(target).filter(|target| !target.is_empty()),
            created_at: row.try_get("created_at")?,
        })
    }
}

const SELECT: &str = "SELECT placements.id, placements.kind, placements.pacticipant, placements.number, placements.target, \
                      placements.created_at, environments.name FROM placements \
                      JOIN environments ON environments.id = placements.environment \
                      WHERE placements.ended_at IS NULL";

impl Store {
    /// Says that a version is in an environment now. A deployment ends the one before it on the same target; said twice, it
    /// is one.
    ///
    /// # Errors
    /// When nobody has heard of the version or the environment, or the database fails.
    pub async fn record_placement(
        &self,
        kind: PlacementKind,
        version: &Version,
        environment: &str,
        target: Option<&str>,
    ) -> Result<Placement, BrokerError> {
        let environment = self.environment(environment).await?;
        let target = target.unwrap_or_default();
        let mut tx = self.begin().await?;
        let known = sqlx::query("SELECT 1 FROM versions WHERE pacticipant = $1 AND number = $2")
            .bind(&version.pacticipant)
            .bind(&version.number)
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_none() {
            return Err(BrokerError::NotFound(format!(
                "nobody has heard of {version}: expected a version that published a pact or was verified"
            )));
        }
        let there = self.placements(Some(&environment.name)).await?.into_iter().find(|each| {
            each.kind == kind && each.version == *version && each.target.as_deref().unwrap_or_default() == target
        });
        if let Some(there) = there {
            return Ok(there);
        }
        if kind == PlacementKind::Deployed {
            sqlx::query(
                "UPDATE placements SET ended_at = $1 WHERE kind = 'deployed' AND pacticipant = $2 AND environment = $3 \
                 AND target = $4 AND ended_at IS NULL",
            )
            .bind(now())
            .bind(&version.pacticipant)
            .bind(&environment.id)
            .bind(target)
            .execute(&mut *tx)
            .await?;
        }
        let placement = Placement {
            id: Uuid::now_v7().to_string(),
            kind,
            version: version.clone(),
            environment: environment.name,
            target: Some(target.to_owned()).filter(|target| !target.is_empty()),
            created_at: now(),
        };
        sqlx::query(
            "INSERT INTO placements (id, kind, pacticipant, number, environment, target, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&placement.id)
        .bind(kind.as_str())
        .bind(&version.pacticipant)
        .bind(&version.number)
        .bind(&environment.id)
        .bind(target)
        .bind(&placement.created_at)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(placement)
    }

    /// Says that a version is not there any more.
    ///
    /// # Errors
    /// When it was not, or the database fails.
    pub async fn end_placement(&self, id: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        let ended = sqlx::query("UPDATE placements SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL")
            .bind(now())
            .bind(id)
            .execute(&mut *tx)
            .await?;
        if ended.rows_affected() == 0 {
            return Err(BrokerError::NotFound(format!("nothing is deployed or released under the id `{id}`")));
        }
        tx.commit().await
    }

    /// What is in an environment, or in all, the first that came first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn placements(&self, environment: Option<&str>) -> Result<Vec<Placement>, BrokerError> {
        let rows = match environment {
            Some(name) => {
                let select = format!("{SELECT} AND environments.name = $1 ORDER BY placements.created_at");
                sqlx::query(sqlx::AssertSqlSafe(select)).bind(name).fetch_all(self.pool()).await?
            }
            None => {
                let select = format!("{SELECT} ORDER BY placements.created_at");
                sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(self.pool()).await?
            }
        };
        rows.iter().map(Placement::read).collect()
    }
}
