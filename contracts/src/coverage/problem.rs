//! A place where a pact and a document do not fit each other.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::given;

/// One thing that a consumer's pact says and the provider's document does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// File of the pact.
    pub pact: PathBuf,
    /// The consumer.
    pub consumer: String,
    /// The provider.
    pub provider: String,
    /// Description of the interaction; empty where the whole pact is meant.
    pub description: String,
    /// Its provider states.
    pub states: Vec<String>,
    /// Which part of it: `request path`, `request query`, `request header`, `request body`, `response status`,
    /// `response header`, `response body`, `metadata`, `payload`; empty where the interaction as a whole is meant.
    pub part: &'static str,
    /// JSON path or name inside the part; empty where there is none.
    pub path: String,
    /// What the document says, and what the pact says instead.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pact, description, states, part, path, sentence, .. } = self;
        write!(f, "{}", pact.display())?;
        if !description.is_empty() {
            write!(f, ": `{description}`{}", given(states))?;
        }
        match (part.is_empty(), path.is_empty()) {
            (true, _) => {}
            (false, true) => write!(f, ": {part}")?,
            (false, false) => write!(f, ": {part} `{path}`")?,
        }
        write!(f, ": {sentence}")
    }
}
