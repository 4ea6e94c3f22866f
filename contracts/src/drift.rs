//! What differs between the pacts that the consumers record now and those that are committed.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::error::given;
use crate::store::{Interaction, Kind, Pact};

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The consumer.
    pub consumer: String,
    /// The provider.
    pub provider: String,
    /// Description of the interaction.
    pub description: String,
    /// Its provider states.
    pub states: Vec<String>,
    /// How the two sides differ.
    pub change: Change,
}

/// How the two sides differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The consumer records it, but it is not committed.
    Added,
    /// It is committed, but no consumer records it any more.
    Removed,
    /// Both have it, with different content.
    Changed {
        /// JSON path of the first difference inside the interaction.
        at: String,
        /// What is recorded there, in short.
        recorded: String,
        /// What is committed there, in short.
        committed: String,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Drift { consumer, provider, description, states, change } = self;
        write!(f, "`{consumer}` -> `{provider}`: `{description}`{} ", given(states))?;
        match change {
            Change::Added => f.write_str("is recorded but not committed"),
            Change::Removed => f.write_str("is committed but no longer recorded"),
            Change::Changed { at, recorded, committed } => {
                write!(f, "differs at `{at}`: recorded {recorded}, committed {committed}")
            }
        }
    }
}

type Key<'a> = (&'a str, &'a str, &'a str, &'a str, Kind);

fn by_key(pacts: &[Pact]) -> BTreeMap<Key<'_>, &Interaction> {
    pacts
        .iter()
        .flat_map(|pact| {
            pact.interactions.iter().map(move |each| {
                let Pact { consumer, provider, .. } = pact;
                (
                    (consumer.as_str(), provider.as_str(), each.description.as_str(), each.given.as_str(), each.kind),
                    each,
                )
            })
        })
        .collect()
}

pub(crate) fn compare(recorded: &[Pact], committed: &[Pact]) -> Vec<Drift> {
    let (recorded, committed) = (by_key(recorded), by_key(committed));
    let mut keys: Vec<&Key<'_>> = recorded.keys().chain(committed.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter_map(|key| {
            let (change, states) = match (recorded.get(key), committed.get(key)) {
                (Some(new), None) => (Change::Added, &new.states),
                (None, old) => (Change::Removed, &old?.states),
                (Some(new), Some(old)) => {
                    let (at, now, then) = canonical::first_difference(&new.document, &old.document)?;
                    let change =
                        Change::Changed { at, recorded: canonical::brief(&now), committed: canonical::brief(&then) };
                    (change, &new.states)
                }
            };
            Some(Drift {
                consumer: key.0.to_owned(),
                provider: key.1.to_owned(),
                description: key.2.to_owned(),
                states: states.clone(),
                change,
            })
        })
        .collect()
}
