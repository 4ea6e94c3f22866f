//! Publishing pacts.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Client;
use crate::broker::BrokerError;
use crate::broker::open::Announced;
use crate::broker::store::{Content, Publication};

impl Client {
    /// Publishes pacts of one version of a consumer, all of them or none.
    ///
    /// # Errors
    ///
    /// When a pact cannot be one, the broker refuses them, or it cannot be talked to.
    pub async fn publish(&self, publication: &Publication) -> Result<Vec<Announced>, BrokerError> {
        let Publication { consumer, version, branch, tags, build_url, pacts } = publication;
        let contents: Vec<Content> = pacts.iter().map(|pact| Content::parse(pact)).collect::<Result<_, _>>()?;
        let contracts: Vec<Value> = contents
            .iter()
            .zip(pacts)
            .map(|(content, bytes)| {
                json!({
                    "consumerName": content.consumer,
                    "providerName": content.provider,
                    "specification": "pact",
                    "contentType": "application/json",
                    "content": BASE64_STANDARD.encode(bytes),
                })
            })
            .collect();
        let mut sent = json!({
            "pacticipantName": consumer,
            "pacticipantVersionNumber": version,
            "tags": tags,
            "contracts": contracts,
        });
        let optional = [("branch", branch), ("buildUrl", build_url)];
        for (key, value) in optional {
            if let Some(value) = value {
                sent[key] = json!(value);
            }
        }
        let index = self.index().await?;
        let answer = self.post(self.link(&index, "pb:publish-contracts", &[])?, &sent).await?;
        // Somebody else on the way may have answered.
        if answer.text("/_embedded/version/number")? != *version {
            return Err(answer.without(&format!("version {version}, which was published")));
        }
        // Ours says which of them are news; others do not.
        let new = |provider: &str| {
            let listed = answer.at("/published")?.as_array()?;
            listed.iter().find(|each| each["provider"] == provider)?["new"].as_bool()
        };
        let announced = contents.into_iter().map(|content| Announced {
            new: new(&content.provider),
            provider: content.provider,
            content: content.hash,
        });
        Ok(announced.collect())
    }
}
