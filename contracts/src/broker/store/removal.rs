//! Taking things out again. It never makes a "no" a "yes": what is somewhere, or what others rest on, is not deleted, and
//! what was deleted is unknown afterwards.

use sqlx::Row as _;

use super::{Store, Tx, now};
use crate::broker::BrokerError;
use crate::gate::Version;

impl Store {
    /// Deletes a pacticipant with all its versions, and the webhooks that name it.
    ///
    /// # Errors
    /// When there is none, a version of it is in an environment, somebody has a pact with it, or the database fails.
    pub async fn delete_pacticipant(&self, name: &str) -> Result<(), BrokerError> {
        self.pacticipant(name).await?;
        let mut tx = self.begin().await?;
        let needed = "SELECT consumer, consumer_number FROM pacts WHERE provider = $1 AND consumer <> $1 LIMIT 1";
        if let Some(row) = sqlx::query(needed).bind(name).fetch_optional(&mut *tx).await? {
            let consumer = Version::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
            return Err(BrokerError::Conflict(format!(
                "{consumer} has a pact with {name}: delete such pacts first, or it would seem to need nobody"
            )));
        }
        tx.is_nowhere(name, None).await?;
        for row in
            sqlx::query("SELECT number FROM versions WHERE pacticipant = $1").bind(name).fetch_all(&mut *tx).await?
        {
            tx.remove_version(&Version::new(name, row.try_get::<String, _>(0)?)).await?;
        }
        let hooks = "SELECT id FROM webhooks WHERE consumer = $1 OR provider = $1";
        for row in sqlx::query(hooks).bind(name).fetch_all(&mut *tx).await? {
            tx.remove_webhook(&row.try_get::<String, _>(0)?).await?;
        }
        sqlx::query("DELETE FROM pacticipants WHERE name = $1").bind(name).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Deletes a version, with its pacts and with what was found when it was verified. Published again under this number,
    /// it is unknown until it has a pact with each provider that it had one with.
    ///
    /// # Errors
    /// When nobody has heard of it, it is in an environment, or the database fails.
    pub async fn delete_version(&self, version: &Version) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        let known = "SELECT 1 FROM versions WHERE pacticipant = $1 AND number = $2";
        let known =
            sqlx::query(known).bind(&version.pacticipant).bind(&version.number).fetch_optional(&mut *tx).await?;
        if known.is_none() {
            return Err(BrokerError::NotFound(format!("nobody has heard of {version}")));
        }
        tx.is_nowhere(&version.pacticipant, Some(&version.number)).await?;
        tx.remove_version(version).await?;
        tx.commit().await
    }

    /// Deletes a branch; the versions on it stay.
    ///
    /// # Errors
    /// When there is none of this name, it is the main branch, or the database fails.
    pub async fn delete_branch(&self, pacticipant: &str, branch: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        if self.main_branch(pacticipant).await?.as_deref() == Some(branch) {
            return Err(BrokerError::Conflict(format!(
                "`{branch}` is the main branch of {pacticipant}, on which others rely: make another one the main branch first"
            )));
        }
        let gone = sqlx::query("DELETE FROM branch_versions WHERE pacticipant = $1 AND branch = $2")
            .bind(pacticipant)
            .bind(branch)
            .execute(&mut *tx)
            .await?;
        if gone.rows_affected() == 0 {
            return Err(BrokerError::NotFound(format!("{pacticipant} has no branch `{branch}`")));
        }
        tx.commit().await
    }

    /// Takes a tag from a version.
    ///
    /// # Errors
    /// When it has none of this name, or the database fails.
    pub async fn delete_tag(&self, version: &Version, tag: &str) -> Result<(), BrokerError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM tags WHERE pacticipant = $1 AND number = $2 AND tag = $3")
            .bind(&version.pacticipant)
            .bind(&version.number)
            .bind(tag)
            .execute(&mut *tx)
            .await?;
        if gone.rows_affected() == 0 {
            return Err(BrokerError::NotFound(format!("{version} has no tag `{tag}`")));
        }
        tx.commit().await
    }

    /// Deletes what a version expects of a provider. The version stays, and may go nowhere until it has published a pact
    /// with this provider again: nobody knows what it expects.
    ///
    /// # Errors
    /// When there is no such pact, the version is in an environment, or the database fails.
    pub async fn delete_pact(&self, consumer: &Version, provider: &str) -> Result<(), BrokerError> {
        let pact = self.pact(consumer, provider).await?;
        let mut tx = self.begin().await?;
        tx.is_nowhere(&consumer.pacticipant, Some(&consumer.number)).await?;
        tx.remove_pact(consumer, provider, &pact.content).await?;
        tx.commit().await
    }

    /// Deletes an environment, by name or id, in which nothing is.
    ///
    /// # Errors
    /// When there is none, something is in it, or the database fails.
    pub async fn delete_environment(&self, name: &str) -> Result<(), BrokerError> {
        let environment = self.environment(name).await?;
        let mut tx = self.begin().await?;
        let there = "SELECT pacticipant, number FROM placements WHERE environment = $1 AND ended_at IS NULL LIMIT 1";
        if let Some(row) = sqlx::query(there).bind(&environment.id).fetch_optional(&mut *tx).await? {
            let version = Version::new(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
            return Err(BrokerError::Conflict(format!(
                "{version} is in `{}`: record first that what is in it is not there any more",
                environment.name
            )));
        }
        sqlx::query("DELETE FROM placements WHERE environment = $1").bind(&environment.id).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM environments WHERE id = $1").bind(&environment.id).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Pacts of a version that were deleted: the providers.
    pub(in crate::broker) async fn withdrawn(&self, consumer: &Version) -> Result<Vec<String>, BrokerError> {
        let select = "SELECT provider FROM withdrawn WHERE consumer = $1 AND consumer_number = $2 ORDER BY provider";
        let rows =
            sqlx::query(select).bind(&consumer.pacticipant).bind(&consumer.number).fetch_all(self.pool()).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

impl Tx {
    /// Refuses to go on while a version, or any of them, is in an environment.
    async fn is_nowhere(&mut self, pacticipant: &str, number: Option<&str>) -> Result<(), BrokerError> {
        let select = "SELECT placements.number, environments.name FROM placements JOIN environments ON environments.id = \
                      placements.environment WHERE placements.pacticipant = $1 AND placements.ended_at IS NULL";
        for row in sqlx::query(select).bind(pacticipant).fetch_all(&mut **self).await? {
            let (there, environment): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if number.is_none_or(|number| number == there) {
                return Err(BrokerError::Conflict(format!(
                    "{} is in `{environment}`: record its undeployment, or the end of its support, first",
                    Version::new(pacticipant, there)
                )));
            }
        }
        Ok(())
    }

    async fn remove_version(&mut self, version: &Version) -> Result<(), BrokerError> {
        let Version { pacticipant, number } = version;
        let pacts = "SELECT provider, content FROM pacts WHERE consumer = $1 AND consumer_number = $2";
        for row in sqlx::query(pacts).bind(pacticipant).bind(number).fetch_all(&mut **self).await? {
            let (provider, content): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            self.remove_pact(version, &provider, &content).await?;
        }
        for delete in [
            "DELETE FROM verifications WHERE provider = $1 AND provider_number = $2",
            "DELETE FROM branch_versions WHERE pacticipant = $1 AND number = $2",
            "DELETE FROM tags WHERE pacticipant = $1 AND number = $2",
            "DELETE FROM placements WHERE pacticipant = $1 AND number = $2",
            "DELETE FROM versions WHERE pacticipant = $1 AND number = $2",
        ] {
            sqlx::query(delete).bind(pacticipant).bind(number).execute(&mut **self).await?;
        }
        Ok(())
    }

    async fn remove_pact(&mut self, consumer: &Version, provider: &str, content: &str) -> Result<(), BrokerError> {
        sqlx::query(
            "INSERT INTO withdrawn (consumer, consumer_number, provider, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
        )
        .bind(&consumer.pacticipant)
        .bind(&consumer.number)
        .bind(provider)
        .bind(now())
        .execute(&mut **self)
        .await?;
        sqlx::query("DELETE FROM pacts WHERE consumer = $1 AND consumer_number = $2 AND provider = $3")
            .bind(&consumer.pacticipant)
            .bind(&consumer.number)
            .bind(provider)
            .execute(&mut **self)
            .await?;
        // What nobody expects any more need not be kept, nor who has honoured it.
        for delete in [
            "DELETE FROM verifications WHERE content = $1 AND content NOT IN (SELECT content FROM pacts)",
            "DELETE FROM contents WHERE hash = $1 AND hash NOT IN (SELECT content FROM pacts)",
        ] {
            sqlx::query(delete).bind(content).execute(&mut **self).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_webhook(&mut self, id: &str) -> Result<u64, BrokerError> {
        for delete in [
            "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE webhook = $1)",
            "DELETE FROM deliveries WHERE webhook = $1",
        ] {
            sqlx::query(delete).bind(id).execute(&mut **self).await?;
        }
        Ok(sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(&mut **self).await?.rows_affected())
    }
}
