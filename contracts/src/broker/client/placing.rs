//! Environments, and what is in them.

use reqwest::Url;
use serde_json::{Value, json};

use super::Client;
use crate::broker::BrokerError;
use crate::broker::store::{Placement, PlacementKind, unknown};
use crate::canonical::one_line;
use crate::gate::Version;

impl Client {
    /// Makes an environment unless there is one of this name.
    ///
    /// # Errors
    ///
    /// When the broker refuses it, or cannot be talked to.
    pub async fn ensure_environment(&self, name: &str) -> Result<(), BrokerError> {
        let index = self.index().await?;
        let url = self.link(&index, "pb:environments", &[])?;
        if self.has_environment(&url, name).await? {
            return Ok(());
        }
        match self.post(url.clone(), &json!({ "name": name, "displayName": name, "production": false })).await {
            // Somebody else may have made it meanwhile.
            Err(BrokerError::Conflict(_) | BrokerError::Invalid(_)) if self.has_environment(&url, name).await? => {
                Ok(())
            }
            made => made.map(drop),
        }
    }

    async fn has_environment(&self, url: &Url, name: &str) -> Result<bool, BrokerError> {
        let environments = self.get(url.clone()).await?;
        Ok(environments.list("/_embedded/environments")?.iter().any(|each| each["name"] == name))
    }

    /// Says that a version is in an environment now.
    ///
    /// # Errors
    ///
    /// When nobody has heard of the version or the environment, or the broker cannot be talked to.
    pub async fn record_placement(
        &self,
        kind: PlacementKind,
        version: &Version,
        environment: &str,
        target: Option<&str>,
    ) -> Result<Placement, BrokerError> {
        let index = self.index().await?;
        let values = [("pacticipant", version.pacticipant.as_str()), ("version", version.number.as_str())];
        let known = self.get(self.link(&index, "pb:pacticipant-version", &values)?).await?;
        let relation = match kind {
            PlacementKind::Deployed => "pb:record-deployment",
            PlacementKind::Released => "pb:record-release",
        };
        // One link for each environment.
        let links = known.value["_links"][relation].as_array();
        let links = links.ok_or_else(|| known.without(&format!("the links `{relation}`")))?;
        let link = links.iter().find(|link| link["name"] == environment);
        let link = link.ok_or_else(|| unknown(environment, links.iter().filter_map(|link| link["name"].as_str())))?;
        let href = link["href"].as_str().ok_or_else(|| known.without(&format!("an address in `{relation}`")))?;
        let sent = match target {
            Some(target) => json!({ "applicationInstance": target, "target": target }),
            None => json!({}),
        };
        let placed = self.post(self.resolve(&known, href, &[])?, &sent).await?;
        Ok(Placement {
            id: one_line(&placed.text("/uuid")?, 100),
            kind,
            version: version.clone(),
            environment: environment.to_owned(),
            target: target.map(str::to_owned),
            created_at: one_line(placed.at("/createdAt").and_then(Value::as_str).unwrap_or_default(), 100),
        })
    }
}
