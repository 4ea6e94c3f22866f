//! Verification that takes its pacts from the contract broker, or tells it what came of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use contracts::broker::{Broker, BrokerError, ForVerification, Selector, findings};
use contracts::gate::Version;
use contracts::result::VerificationResult;
use contracts::store::{Pact, from_document};

use crate::error::Error;

/// What a verification has to do with the contract broker.
#[derive(Clone, Debug)]
pub struct Brokered {
    /// The broker.
    pub broker: Broker,
    /// Which of its pacts are verified; none verifies those in the configuration's directory.
    pub selectors: Option<Vec<Selector>>,
    /// Since when work in progress on other branches is verified too, an RFC 3339 date.
    pub include_wip_since: Option<String>,
    /// The providers' version, when results are published.
    pub publish: Option<ProviderVersion>,
    /// The branch that is verified: decides what is pending.
    pub branch: Option<String>,
}

/// Which version of the providers is verified.
#[derive(Clone, Debug)]
pub struct ProviderVersion {
    /// The version, a commit for example.
    pub number: String,
    /// Page of the build.
    pub build_url: Option<String>,
}

/// Pacts that are to be verified.
#[derive(Debug, Default)]
pub(super) struct Selected {
    pub(super) pacts: Vec<Pact>,
    /// Contents of those that may fail.
    pub(super) pending: BTreeSet<String>,
    /// What a person should know of them.
    pub(super) notes: Vec<String>,
}

impl Brokered {
    /// What the selectors choose for these providers; none when there are no selectors.
    ///
    /// # Errors
    /// When the broker fails, or holds a pact that cannot be read.
    pub(super) async fn select(&self, providers: impl Iterator<Item = &String>) -> Result<Option<Selected>, Error> {
        let Some(selectors) = &self.selectors else { return Ok(None) };
        let failed = |provider: &str, error| {
            Error::failed(format!("the broker does not say which pacts `{provider}` is to verify"), error)
        };
        let (mut selected, mut chosen) = (Selected::default(), Vec::new());
        for provider in providers {
            let asked = ForVerification {
                consumer_version_selectors: selectors.clone(),
                provider_version_branch: self.branch.clone(),
                // Without a branch nothing is ever known to have been honoured: all of it would be pending for ever.
                include_pending_status: self.branch.is_some(),
                include_wip_pacts_since: self.include_wip_since.clone(),
                provider_version_tags: Vec::new(),
            };
            let given = self.broker.for_verification(provider, &asked).await.map_err(|e| failed(provider, e))?;
            for each in given {
                let origin = PathBuf::from(format!("the pact of {} with {provider}", each.consumer));
                // Pending or not: one that nobody can read would otherwise stay unread, and pending, for ever.
                let pact = from_document(&each.document, &origin)
                    .map_err(|error| Error::failed("a pact of the broker cannot be verified", error))?;
                chosen.push((pact.hash.clone(), each.pending));
                selected.pacts.push(pact);
            }
        }
        selected.pending = pending(&chosen);
        Ok(Some(selected))
    }

    /// Makes sure, before anything is started, that the broker knows each pact whose result it is to be told.
    ///
    /// # Errors
    /// A sentence that names the first pact that was not published.
    pub(super) async fn expects(&self, pacts: &[Pact]) -> Result<(), Error> {
        for pact in self.publish.iter().flat_map(|_| pacts) {
            match self.broker.knows(&pact.provider, &pact.consumer, &pact.hash).await {
                Ok(()) => {}
                Err(BrokerError::NotFound(_)) => {
                    let path = pact.path.display();
                    let hint = match &self.broker {
                        Broker::Database(_) => String::new(),
                        Broker::Http(client) => format!(
                            " to {}, or take the pacts from there with `--from-broker`, which a broker needs that has other \
                             hashes than shakedown's",
                            client.address()
                        ),
                    };
                    return Err(Error::Usage(format!(
                        "nobody has published `{path}` as it is, so its result cannot be: run `shakedown contract publish` \
                         first{hint}"
                    )));
                }
                Err(error) => return Err(Error::failed("the broker does not answer", error)),
            }
        }
        Ok(())
    }

    /// Publishes what was found, unless the run was `interrupted`. Returns a sentence for each pact that was published or has
    /// nothing to publish, and one for each that was not although it should have been.
    pub(super) async fn publish(
        &self,
        pacts: &[Pact],
        verifications: &mut [VerificationResult],
        interrupted: bool,
    ) -> (Vec<String>, Vec<String>) {
        let (mut published, mut withheld) = (Vec::new(), Vec::new());
        let Some(version) = &self.publish else { return (published, withheld) };
        if interrupted {
            withheld.push("nothing is published: the run was stopped before its end".to_owned());
            return (published, withheld);
        }
        for verification in verifications {
            verification.provider_version.clone_from(&version.number);
            let found = match findings(pacts, verification) {
                Ok((found, partly)) => {
                    for reason in partly {
                        let told = if reason.is_failure() { &mut withheld } else { &mut published };
                        told.push(reason.to_string());
                    }
                    found
                }
                Err(reason) => {
                    withheld.push(reason.to_string());
                    continue;
                }
            };
            let results: Vec<_> = found
                .iter()
                .map(|each| {
                    let result = each.verification(&version.number, version.build_url.as_deref());
                    (each.consumer.clone(), each.content.clone(), result)
                })
                .collect();
            let provider = Version::new(&verification.provider, &version.number);
            match self.broker.record_verifications(&provider, self.branch.as_deref(), &results).await {
                Ok(()) => published.extend(found.iter().map(|each| {
                    let what = if each.success { "honours" } else { "does not honour" };
                    format!("published: {provider} {what} the pact of {}", each.consumer)
                })),
                Err(error) => withheld.push(format!("what was found of {provider} is not published: {error}")),
            }
        }
        (published, withheld)
    }
}

/// The contents that may fail. A broker may tell apart what is one content here, and then all of it has to be pending: whoever
/// relies on one of them must not be let down.
fn pending(chosen: &[(String, bool)]) -> BTreeSet<String> {
    let binding: BTreeSet<&String> = chosen.iter().filter(|(_, pending)| !pending).map(|(hash, _)| hash).collect();
    chosen.iter().map(|(hash, _)| hash).filter(|hash| !binding.contains(hash)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_pending_only_where_nobody_relies_on_it() {
        let chosen =
            |each: &[(&str, bool)]| each.iter().map(|(hash, is)| ((*hash).to_owned(), *is)).collect::<Vec<_>>();
        for order in [[("a", true), ("a", false), ("b", true)], [("a", false), ("a", true), ("b", true)]] {
            assert_eq!(pending(&chosen(&order)), BTreeSet::from(["b".to_owned()]));
        }
    }
}
