//! Environments: where versions are deployed to or released.

use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use uuid::Uuid;

use super::versions::named;
use super::{Store, now};
use crate::broker::BrokerError;

/// A place that versions go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Identity, a UUID.
    #[serde(rename = "uuid")]
    pub id: String,
    /// Its name in commands.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Whether it is one that users depend on.
    pub production: bool,
    /// When it was made: RFC 3339.
    pub created_at: String,
}

impl Environment {
    fn read(row: &AnyRow) -> Result<Self, BrokerError> {
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            display_name: row.try_get("display_name")?,
            production: row.try_get::<i64, _>("production")? != 0,
            created_at: row.try_get("created_at")?,
        })
    }
}

impl Store {
    /// Makes an environment.
    ///
    /// # Errors
    /// When the name is taken or cannot be one, or the database fails.
    pub async fn create_environment(
        &self,
        name: &str,
        display_name: &str,
        production: bool,
    ) -> Result<Environment, BrokerError> {
        named("environment", name)?;
        named("display name", display_name)?;
        let mut tx = self.begin().await?;
        let taken =
            sqlx::query("SELECT 1 FROM environments WHERE name = $1").bind(name).fetch_optional(&mut *tx).await?;
        if taken.is_some() {
            return Err(BrokerError::Conflict(format!("there is an environment called `{name}` already")));
        }
        sqlx::query(
            "INSERT INTO environments (id, name, display_name, production, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(name)
        .bind(display_name)
        .bind(i64::from(production))
        .bind(now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        self.environment(name).await
    }

    /// Changes an environment.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn change_environment(&self, changed: &Environment) -> Result<Environment, BrokerError> {
        named("environment", &changed.name)?;
        named("display name", &changed.display_name)?;
        let mut tx = self.begin().await?;
        let taken = sqlx::query("SELECT 1 FROM environments WHERE name = $1 AND id <> $2")
            .bind(&changed.name)
            .bind(&changed.id)
            .fetch_optional(&mut *tx)
            .await?;
        if taken.is_some() {
            return Err(BrokerError::Conflict(format!("there is an environment called `{}` already", changed.name)));
        }
        let update = "UPDATE environments SET name = $1, display_name = $2, production = $3 WHERE id = $4";
        let done = sqlx::query(update)
            .bind(&changed.name)
            .bind(&changed.display_name)
            .bind(i64::from(changed.production))
            .bind(&changed.id)
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            return Err(BrokerError::NotFound(format!("no environment has the id `{}`", changed.id)));
        }
        tx.commit().await?;
        self.environment(&changed.name).await
    }

    /// Every environment, the first made first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn environments(&self) -> Result<Vec<Environment>, BrokerError> {
        let rows = sqlx::query("SELECT * FROM environments ORDER BY created_at, name").fetch_all(self.pool()).await?;
        rows.iter().map(Environment::read).collect()
    }

    /// The environment of this name or id.
    ///
    /// # Errors
    /// When there is none (the message says which there are), or the database fails.
    pub async fn environment(&self, name: &str) -> Result<Environment, BrokerError> {
        let all = self.environments().await?;
        all.iter()
            .find(|each| each.name == name || each.id == name)
            .cloned()
            .ok_or_else(|| unknown(name, all.iter().map(|each| each.name.as_str())))
    }
}

/// That no environment is called `name`, but these are.
pub(in crate::broker) fn unknown<'a>(name: &str, all: impl Iterator<Item = &'a str>) -> BrokerError {
    let names: Vec<String> = all.map(|each| format!("`{each}`")).collect();
    let known =
        if names.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", names.join(", ")) };
    BrokerError::NotFound(format!("no environment is called `{name}`: {known}"))
}
