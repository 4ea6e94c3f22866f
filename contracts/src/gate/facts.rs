//! What is known when the question is asked.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One version of a pacticipant (Pact's word for who takes part in a contract, as consumer or provider).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Its name.
    pub pacticipant: String,
    /// The version, a commit for example.
    pub number: String,
}

impl Version {
    /// Version `number` of `pacticipant`.
    #[must_use]
    pub fn new(pacticipant: impl Into<String>, number: impl Into<String>) -> Self {
        Self { pacticipant: pacticipant.into(), number: number.into() }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.pacticipant, self.number)
    }
}

/// A pact that a version of a consumer published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Promise {
    /// Who expects.
    pub consumer: Version,
    /// Who must honour it.
    pub provider: String,
    /// Hash of the content: what was verified for one version holds for each that expects the same.
    pub content: String,
}

/// What the verification of a pact's content by a version of its provider said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// Who was verified.
    pub provider: Version,
    /// Hash of the pact's content.
    pub content: String,
    /// Order among the verifications; the last one counts.
    pub number: i64,
    /// Whether every interaction held.
    pub success: bool,
    /// The first that did not, and how, in the verifier's words.
    pub broken: Option<String>,
}

/// Which versions of the others count, when only some are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nobody but those who are named.
    Nowhere,
    /// Those that are deployed to an environment or released in it.
    Environment(String),
    /// The latest of each main branch.
    MainBranch,
    /// The latest of the branch of this name.
    Branch(String),
    /// The latest with this tag.
    Tag(String),
    /// The latest of all.
    Latest,
}

impl fmt::Display for Place {
    /// Completes "the version of order ...".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("asked about"),
            Self::Environment(name) => write!(f, "currently in `{name}`"),
            Self::MainBranch => f.write_str("on its main branch"),
            Self::Branch(name) => write!(f, "on branch `{name}`"),
            Self::Tag(name) => write!(f, "tagged `{name}`"),
            Self::Latest => f.write_str("published last"),
        }
    }
}

/// Everything that may matter for the pacticipants in question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Pacts of the consumers in question, and of those in the place.
    pub promises: Vec<Promise>,
    /// Consumers in question, or in the place, whose pact with a provider was deleted.
    pub withdrawn: Vec<(Version, String)>,
    /// Verifications of these pacts' contents.
    pub outcomes: Vec<Outcome>,
    /// Who is in the place: pacticipant to versions.
    pub present: BTreeMap<String, Vec<String>>,
}

impl Facts {
    pub(super) fn expected_by<'a>(&'a self, consumer: &'a Version) -> impl Iterator<Item = &'a Promise> + 'a {
        self.promises.iter().filter(move |promise| promise.consumer == *consumer)
    }

    pub(super) fn expected_of<'a>(&'a self, provider: &'a str) -> impl Iterator<Item = &'a Promise> + 'a {
        self.promises.iter().filter(move |promise| promise.provider == provider)
    }

    /// The last word on whether `provider` honours `content`.
    pub(super) fn outcome(&self, provider: &Version, content: &str) -> Option<&Outcome> {
        let of = |outcome: &&Outcome| outcome.provider == *provider && outcome.content == content;
        self.outcomes.iter().filter(of).max_by_key(|outcome| outcome.number)
    }

    pub(super) fn is_present(&self, version: &Version) -> bool {
        self.present.get(&version.pacticipant).is_some_and(|versions| versions.contains(&version.number))
    }
}
