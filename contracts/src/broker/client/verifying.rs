//! What a provider is to verify, and what came of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::Document;
use super::{Client, Fetched};
use crate::broker::BrokerError;
use crate::broker::open::Given;
use crate::broker::store::{ForVerification, Verification, interactions};
use crate::canonical;
use crate::gate::Version;

/// Most pacts that one provider is asked to verify.
const MAX_PACTS: usize = 1000;

impl Client {
    /// The pacts that `provider` is to verify.
    ///
    /// # Errors
    ///
    /// When the broker refuses the question, or cannot be talked to.
    pub async fn for_verification(&self, provider: &str, asked: &ForVerification) -> Result<Vec<Given>, BrokerError> {
        let index = self.index().await?;
        let url = self.link(&index, "pb:provider-pacts-for-verification", &[("provider", provider)])?;
        let listed = match self.post(url, &without_nulls(json!(asked))).await {
            // Nobody has ever named this provider, so nobody expects anything of it.
            Err(BrokerError::NotFound(_)) => return Ok(Vec::new()),
            answer => answer?,
        };
        let pacts = listed.list("/_embedded/pacts")?;
        if pacts.len() > MAX_PACTS {
            return Err(BrokerError::Remote(format!(
                "{}: {} pacts are to be verified, expected at most {MAX_PACTS}",
                listed.url,
                pacts.len()
            )));
        }
        let mut given = Vec::with_capacity(pacts.len());
        for each in pacts {
            let href = each.pointer("/_links/self/href").and_then(Value::as_str);
            let href = href.ok_or_else(|| listed.without("`_links.self.href` of a pact"))?;
            let document = self.get(self.resolve(&listed, href, &[])?).await?;
            let consumer = document.text("/consumer/name")?;
            if document.text("/provider/name")? != provider {
                return Err(document.without(&format!("a pact with `{provider}`, which was asked for")));
            }
            self.fetched(&document, &consumer, provider)?;
            let pending = each.pointer("/verificationProperties/pending").and_then(Value::as_bool).unwrap_or(false);
            given.push(Given { consumer, document: Value::Object(document.members), pending });
        }
        Ok(given)
    }

    /// Makes sure that somebody has published the pact with this content.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] when nobody has.
    pub async fn knows(&self, provider: &str, consumer: &str, content: &str) -> Result<(), BrokerError> {
        let parts = ["pacts", "provider", provider, "consumer", consumer, "pact-version", content];
        let document = self.get(self.below(&parts)?).await?;
        self.fetched(&document, consumer, provider)?;
        if self.known(content).is_none() {
            return Err(document.without(&format!("the pact `{content}`, which was asked for")));
        }
        Ok(())
    }

    /// Keeps the results of several pacts, each with its consumer and content, and puts the version that was verified on
    /// its branch first.
    ///
    /// One after another: the interface has no way to say them all at once, so what was published before a failure stays.
    ///
    /// # Errors
    ///
    /// When the broker refuses one, or cannot be talked to.
    pub async fn record_verifications(
        &self,
        provider: &Version,
        branch: Option<&str>,
        verifications: &[(String, String, Verification)],
    ) -> Result<(), BrokerError> {
        let known: Vec<(&String, Fetched, &Verification)> = verifications
            .iter()
            .map(|(consumer, content, verification)| {
                let known = self.known(content).ok_or_else(|| {
                    BrokerError::NotFound(format!("the pact of `{consumer}` did not come from the broker"))
                })?;
                Ok((consumer, known, verification))
            })
            .collect::<Result<_, BrokerError>>()?;
        if let (Some(branch), false) = (branch, known.is_empty()) {
            let values =
                [("pacticipant", provider.pacticipant.as_str()), ("branch", branch), ("version", &provider.number)];
            let index = self.index().await?;
            self.put(self.link(&index, "pb:pacticipant-branch-version", &values)?, &json!({})).await?;
        }
        for (place, (consumer, known, verification)) in known.iter().enumerate() {
            let mut results = verification.results.clone();
            for test in results["testResults"].as_array_mut().into_iter().flatten() {
                if let Some(id) = test["interactionId"].as_str().and_then(|id| known.interactions.get(id)) {
                    test["interactionId"] = json!(id);
                }
            }
            self.post(known.results.clone(), &results).await.map_err(|error| match place {
                0 => error,
                done => BrokerError::Remote(format!(
                    "{error} (the pact of `{consumer}`; the results of {done} others of {provider} were published)"
                )),
            })?;
        }
        Ok(())
    }

    /// Remembers where results of a pact go, and what the broker calls its interactions.
    fn fetched(&self, document: &Document, consumer: &str, provider: &str) -> Result<(), BrokerError> {
        let results = self.link(document, "pb:publish-verification-results", &[])?;
        let pact = Value::Object(document.members.clone());
        let listed = interactions(&pact);
        let named: BTreeMap<String, String> = listed
            .iter()
            .filter_map(|each| {
                let id = each["_id"].as_str()?;
                Some((canonical::interaction_hash(consumer, provider, each), id.to_owned()))
            })
            .collect();
        let content = canonical::pact_hash(consumer, provider, &pact, listed);
        self.fetched
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(content, Fetched { results, interactions: named });
        Ok(())
    }

    fn known(&self, content: &str) -> Option<Fetched> {
        self.fetched.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(content).cloned()
    }
}

/// What is not asked for is left out: the official broker takes a null for a mistake.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let said = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
