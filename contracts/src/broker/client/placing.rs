//! Environments, and what is in them.

use serde_json::{Value, json};

use super::Client;
use crate::broker::BrokerError;
use crate::broker::store::{Placement, PlacementKind, unknown};
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
        let environments = self.get(url.clone()).await?;
        if environments.list("/_embedded/environments")?.iter().any(|each| each["name"] == name) {
            return Ok(());
        }
        self.post(url, &json!({ "name": name, "displayName": name, "production": false })).await?;
        Ok(())
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
        let links = known.members.get("_links").and_then(|links| links.get(relation)?.as_array());
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
            id: placed.text("/uuid")?,
            kind,
            version: version.clone(),
            environment: environment.to_owned(),
            target: target.map(str::to_owned),
            created_at: placed.at("/createdAt").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }
}
