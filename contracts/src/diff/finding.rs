//! What a comparison finds.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::given;

/// How bad a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A consumer depends on what changed.
    Error,
    /// No recorded consumer depends on it.
    Warning,
}

/// One change that breaks somebody, or could.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Id of the rule that found it.
    pub rule: &'static str,
    /// What changed, and how.
    pub sentence: String,
    /// Where: the operation or event, the part of it, the path in that.
    pub place: String,
    /// Who depends on it.
    pub used_by: Vec<UsedBy>,
}

/// An interaction that depends on what changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct UsedBy {
    /// The consumer.
    pub consumer: String,
    /// Description of its interaction.
    pub description: String,
    /// The interaction's provider states.
    pub states: Vec<String>,
    /// File of its pact.
    pub pact: PathBuf,
}

impl fmt::Display for UsedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`{}", self.consumer, self.description, given(&self.states))
    }
}
