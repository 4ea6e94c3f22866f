//! One planted change: what the provider does otherwise, what its document says of it, and who must notice.

use std::path::{Path, PathBuf};

use contracts::store::{Pact, load_dir};
use serde_json::Value;

use super::exchange::Exchange;

/// A row of the table.
pub(crate) struct Change {
    /// What it is, in words.
    pub(crate) name: &'static str,
    /// Who changes.
    pub(crate) provider: &'static str,
    /// Whose pact with it is looked at.
    pub(crate) consumer: &'static str,
    /// What the changed provider does to each answer and message.
    pub(crate) rewrite: fn(&mut Exchange),
    /// Its document, below `contracts/`.
    pub(crate) document: &'static str,
    /// What changes in the document: see [`document::patched`](super::document::patched).
    pub(crate) patch: Value,
    /// Who must notice; none for a compatible change.
    pub(crate) found: Option<Found>,
}

/// How a breaking change is found.
pub(crate) struct Found {
    /// The first interaction of the pact that it breaks.
    pub(crate) interaction: &'static str,
    /// Where in it: part of what the replay says.
    pub(crate) place: &'static str,
    /// The rule by which the comparison of documents finds it.
    pub(crate) rule: &'static str,
}

/// The folder of pacts and documents.
pub(crate) fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

impl Change {
    /// The committed pact of the consumer with the provider.
    pub(crate) fn pacts(&self) -> Vec<Pact> {
        let all = load_dir(&contracts().join("pacts")).unwrap();
        let pacts: Vec<Pact> =
            all.into_iter().filter(|pact| pact.provider == self.provider && pact.consumer == self.consumer).collect();
        assert_eq!(pacts.len(), 1, "{}: the pact of {} with {}", self.name, self.consumer, self.provider);
        pacts
    }
}
