//! What is covered, as a result that people and programs read.

use serde::Serialize;

use super::problem::Problem;

/// How much of something is covered, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many are.
    pub covered: usize,
    /// How many there are.
    pub total: usize,
    /// Those that are not, in order.
    pub uncovered: Vec<String>,
}

impl Share {
    /// Of all names, those that are covered.
    pub(super) fn of<'n>(all: impl IntoIterator<Item = (&'n String, bool)>) -> Self {
        let mut share = Self::default();
        for (name, covered) in all {
            share.total += 1;
            if covered {
                share.covered += 1;
            } else {
                share.uncovered.push(name.clone());
            }
        }
        share
    }

    /// Adds another share, with a word before each of its names.
    pub(super) fn add(&mut self, other: &Self, before: &str) {
        self.covered += other.covered;
        self.total += other.total;
        self.uncovered.extend(other.uncovered.iter().map(|name| format!("{before} {name}")));
    }

    /// Percentage that is covered, rounded down so that 100 means all of them; 100 where there are none.
    #[must_use]
    pub fn percent(&self) -> usize {
        (self.covered * 100).checked_div(self.total).unwrap_or(100)
    }
}

/// What the pacts cover of the documents of all providers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Operations, named `provider METHOD /path`.
    pub operations: Share,
    /// Events, named `provider event`.
    pub events: Share,
    /// Statuses of operations, named `provider METHOD /path status`.
    pub statuses: Share,
    /// Fields of successful responses and of events that are covered, named `provider METHOD /path status: $.path`:
    /// what is uncovered here, no consumer ever reads.
    pub fields: Share,
    /// The same for each provider.
    pub providers: Vec<ProviderCoverage>,
    /// Where pacts and documents do not fit each other.
    pub problems: Vec<Problem>,
}

/// What the pacts cover of one provider's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProviderCoverage {
    /// The provider.
    pub provider: String,
    /// Operations, named `METHOD /path`.
    pub operations: Share,
    /// Events, by name.
    pub events: Share,
    /// Statuses, named `METHOD /path status`.
    pub statuses: Share,
    /// Fields, named `METHOD /path status: $.path` or `event: $.path`.
    pub fields: Share,
    /// What each consumer alone covers.
    pub consumers: Vec<ConsumerCoverage>,
}

/// What the pact of one consumer covers of one provider's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConsumerCoverage {
    /// The consumer.
    pub consumer: String,
    /// Operations, named `METHOD /path`.
    pub operations: Share,
    /// Events, by name.
    pub events: Share,
}
