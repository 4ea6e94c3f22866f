//! Where a provider is, and what is to be replayed on it.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Url;

use crate::store::{Interaction, Pact};

/// A running provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in the pacts.
    pub name: String,
    /// Where it serves what its consumers call.
    pub base_url: Url,
    /// Hook that puts it into a state: a POST of `{"action": "setup" | "teardown", "state", "params"}`, answered with a
    /// JSON object of values for the generators of the request, or with nothing.
    pub states_url: Option<Url>,
    /// Hook that emits a message: a POST of `{"description", "providerStates"}`, answered with the message as body, its
    /// `Content-Type`, and its metadata as base64 of a JSON object in `Pact-Message-Metadata`.
    pub messages_url: Option<Url>,
    /// Headers sent along with every request that does not set them itself.
    pub headers: BTreeMap<String, String>,
    /// Its version in the matrix: a commit, or a hash of what was built; empty when unknown.
    pub version: String,
}

impl Provider {
    /// A provider without hooks.
    #[must_use]
    pub fn new(name: impl Into<String>, base_url: Url) -> Self {
        Self {
            name: name.into(),
            base_url,
            states_url: None,
            messages_url: None,
            headers: BTreeMap::new(),
            version: String::new(),
        }
    }
}

/// How pacts are replayed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Interactions in flight on this provider at once. More than one is sound only when the provider's states do not
    /// disturb each other.
    pub concurrency: usize,
    /// Time that one interaction may take, its state hooks included.
    pub timeout: Duration,
    /// Time that all of them may take, for each repeat; what has not started by then fails.
    pub deadline: Duration,
    /// Which interactions are replayed. A filter that leaves none fails the verification.
    pub filter: Filter,
    /// Seed of the order in which they are replayed, the number after it for each further repeat; as in the pacts when
    /// absent.
    pub shuffle: Option<u64>,
    /// How often each of them is replayed.
    pub repeat: usize,
}

impl Options {
    /// Time that all repeats together may take.
    pub(super) fn whole_deadline(&self) -> Duration {
        self.deadline.saturating_mul(u32::try_from(self.repeat.max(1)).unwrap_or(u32::MAX))
    }
}

impl Default for Options {
    /// One at a time, 5 s each, 60 s in all, everything once, as in the pacts.
    fn default() -> Self {
        Self {
            concurrency: 1,
            timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(60),
            filter: Filter::default(),
            shuffle: None,
            repeat: 1,
        }
    }
}

/// Which interactions are replayed; everything by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this consumer.
    pub consumer: Option<String>,
    /// Only those with this provider.
    pub provider: Option<String>,
    /// Only those whose description contains this text.
    pub description: Option<String>,
    /// Only those with a state that contains this text.
    pub state: Option<String>,
}

impl Filter {
    /// Whether it asks for less than everything. What it leaves is a part, even when it happens to leave all.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// What is left of the pacts; those of which nothing is left are left out.
    #[must_use]
    pub fn narrow(&self, pacts: &[Pact]) -> Vec<Pact> {
        let narrowed = pacts.iter().map(|pact| {
            let kept = pact.interactions.iter().filter(|interaction| self.admits(pact, interaction));
            Pact { interactions: kept.cloned().collect(), ..pact.clone() }
        });
        narrowed.filter(|pact| !pact.interactions.is_empty()).collect()
    }

    /// Whether the interaction is to be replayed.
    #[must_use]
    pub fn admits(&self, pact: &Pact, interaction: &Interaction) -> bool {
        self.consumer.as_ref().is_none_or(|consumer| *consumer == pact.consumer)
            && self.provider.as_ref().is_none_or(|provider| *provider == pact.provider)
            && self.description.as_ref().is_none_or(|text| interaction.description.contains(text))
            && self.state.as_ref().is_none_or(|text| interaction.states.iter().any(|state| state.contains(text)))
    }
}
