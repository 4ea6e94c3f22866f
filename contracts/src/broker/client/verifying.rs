//! What a provider is to verify, and what came of it.

use std::collections::BTreeMap;
use std::sync::PoisonError;

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

/// Most bytes of them together.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Time for all of them together, in times that one request may take.
const PACTS_WITHIN: u32 = 10;

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
            Err(BrokerError::NotFound(reason)) => return self.expects_nothing(&index, provider, reason).await,
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
        let fetching = async {
            let (mut given, mut bytes) = (Vec::with_capacity(pacts.len()), 0);
            for each in pacts {
                let href = each.pointer("/_links/self/href").and_then(Value::as_str);
                let href = href.ok_or_else(|| listed.without("`_links.self.href` of a pact"))?;
                let document = self.get(self.resolve(&listed, href, &[])?).await?;
                bytes += document.bytes;
                if bytes > MAX_BYTES {
                    let message = format!("{}: the pacts have more than {MAX_BYTES} bytes together", listed.url);
                    return Err(BrokerError::Remote(message));
                }
                let consumer = document.text("/consumer/name")?;
                if document.text("/provider/name")? != provider {
                    return Err(document.without(&format!("a pact with `{provider}`, which was asked for")));
                }
                self.fetched(&document, &consumer, provider)?;
                let pending = each.pointer("/verificationProperties/pending") == Some(&Value::Bool(true));
                given.push(Given { consumer, document: document.value, pending });
            }
            Ok(given)
        };
        let limit = PACTS_WITHIN * self.limit;
        tokio::time::timeout(limit, fetching).await.unwrap_or_else(|_| {
            Err(BrokerError::Remote(format!("{}: the pacts were not there within {limit:?}", listed.url)))
        })
    }

    /// Nothing is expected of a provider that nobody has named; one that exists was refused for another `reason`.
    async fn expects_nothing(
        &self,
        index: &Document,
        provider: &str,
        reason: String,
    ) -> Result<Vec<Given>, BrokerError> {
        match self.get(self.link(index, "pb:pacticipant", &[("pacticipant", provider)])?).await {
            Err(BrokerError::NotFound(_)) => Ok(Vec::new()),
            Ok(_) => Err(BrokerError::NotFound(reason)),
            Err(error) => Err(error),
        }
    }

    /// Makes sure that somebody has published the pact with this content.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] when nobody has.
    pub async fn knows(&self, provider: &str, consumer: &str, content: &str) -> Result<(), BrokerError> {
        // What came from the broker it knows, by a name that may be another one than ours.
        if !self.known(content).is_empty() {
            return Ok(());
        }
        let parts = ["pacts", "provider", provider, "consumer", consumer, "pact-version", content];
        let document = self.get(self.below(&parts)?).await?;
        self.fetched(&document, consumer, provider)?;
        if self.known(content).is_empty() {
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
        let mut known: Vec<(&String, Fetched, &Verification)> = Vec::new();
        for (consumer, content, verification) in verifications {
            let places = self.known(content);
            if places.is_empty() {
                let message = format!("the pact of `{consumer}` did not come from the broker");
                return Err(BrokerError::NotFound(message));
            }
            known.extend(places.into_iter().map(|place| (consumer, place, verification)));
        }
        if let (Some(branch), false) = (branch, known.is_empty()) {
            let values =
                [("pacticipant", provider.pacticipant.as_str()), ("branch", branch), ("version", &provider.number)];
            let index = self.index().await?;
            self.put(self.link(&index, "pb:pacticipant-branch-version", &values)?, &json!({})).await?;
        }
        for (place, (consumer, known, verification)) in known.iter().enumerate() {
            self.record(known, verification).await.map_err(|error| match place {
                0 => error,
                done => BrokerError::Remote(format!(
                    "{error} (the pact of `{consumer}`; {done} other results of {provider} were published before)"
                )),
            })?;
        }
        Ok(())
    }

    /// Keeps one result, under the broker's own names.
    async fn record(&self, known: &Fetched, verification: &Verification) -> Result<(), BrokerError> {
        let mut results = verification.results.clone();
        for test in results.get_mut("testResults").and_then(Value::as_array_mut).into_iter().flatten() {
            let own = test.get("interactionId").and_then(Value::as_str).and_then(|id| known.interactions.get(id));
            if let (Some(own), Some(members)) = (own.cloned(), test.as_object_mut()) {
                members.insert("interactionId".to_owned(), json!(own));
            }
        }
        let kept = self.post(known.results.clone(), &results).await?;
        // Somebody else on the way may have answered.
        if kept.at("/success") != Some(&Value::Bool(verification.success)) {
            return Err(kept.without("the result that was published"));
        }
        Ok(())
    }

    /// Remembers where results of a pact go, and what the broker calls its interactions.
    fn fetched(&self, document: &Document, consumer: &str, provider: &str) -> Result<(), BrokerError> {
        let results = self.link(document, "pb:publish-verification-results", &[])?;
        let listed = interactions(&document.value);
        let named: BTreeMap<String, String> = listed
            .iter()
            .filter_map(|each| {
                let id = each["_id"].as_str()?;
                Some((canonical::interaction_hash(consumer, provider, each), id.to_owned()))
            })
            .collect();
        let content = canonical::pact_hash(consumer, provider, &document.value, listed);
        let fetched = Fetched { results, interactions: named };
        let mut known = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let places = known.entry(content).or_default();
        if !places.contains(&fetched) {
            places.push(fetched);
        }
        Ok(())
    }

    fn known(&self, content: &str) -> Vec<Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).get(content).cloned().unwrap_or_default()
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
