//! What was seen under one name, and how it compares with what each consumer expects of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::Unknown;
use super::report::{Broken, UnknownFields};
use crate::verify::Mismatch;

/// The first ones of a name, which are all compared.
const ALL_OF: u64 = 100;
/// Of the later ones, one in so many: comparing costs more than being seen, and a load repeats itself.
const ONE_IN: u64 = 10;
/// Differences that are kept of the first failure.
const MOST_DIFFERENCES: usize = 5;

/// One name.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) seen: u64,
    pub(super) checked: u64,
    unknown: Unknown,
    broken: BTreeMap<(String, String), Broken>,
}

impl Tally {
    /// Counts one more, and says whether it is to be compared.
    pub(super) fn see(&mut self) -> bool {
        self.seen += 1;
        is_sampled(self.seen)
    }

    /// Takes in which fields of a document no example has.
    pub(super) fn fields(&mut self, document: &Value, examples: &[&Value]) {
        self.unknown.add(document, examples);
    }

    /// Takes in that none of the interactions of a consumer fits; `nearest` is the one that differs least.
    pub(super) fn fails(&mut self, pair: (&str, &str), name: &str, nearest: Nearest, correlation_id: Option<String>) {
        let (consumer, provider) = pair;
        let entry = self.broken.entry((consumer.to_owned(), provider.to_owned())).or_insert_with(|| Broken {
            consumer: consumer.to_owned(),
            provider: provider.to_owned(),
            name: name.to_owned(),
            interaction: nearest.description,
            count: 0,
            mismatches: nearest.mismatches.iter().take(MOST_DIFFERENCES).map(ToString::to_string).collect(),
            correlation_id,
        });
        entry.count += 1;
    }

    /// What did not hold.
    pub(super) fn broken(&self) -> impl Iterator<Item = Broken> {
        self.broken.values().cloned()
    }

    /// The fields that no contract has, when there are any.
    pub(super) fn unknown(&self, name: &str) -> Option<UnknownFields> {
        let (fields, more) = self.unknown.list();
        (!fields.is_empty()).then(|| UnknownFields { name: name.to_owned(), fields, more })
    }
}

/// Whether the one of this number, from 1, is compared.
pub(super) fn is_sampled(number: u64) -> bool {
    number <= ALL_OF || number.is_multiple_of(ONE_IN)
}

/// The interaction that differs least from what was seen.
pub(super) struct Nearest {
    pub(super) description: String,
    pub(super) mismatches: Vec<Mismatch>,
}
