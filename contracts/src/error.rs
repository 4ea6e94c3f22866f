//! What can go wrong with pacts themselves; what a provider does wrong is a verdict, not an error.

use std::path::PathBuf;

/// A pact that cannot be read, written or trusted, or a consumer that did not do what its pact says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// File or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file or directory could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// File or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not JSON.
    #[error("`{}` is not JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and what was expected there.
        source: serde_json::Error,
    },
    /// A file is JSON but not a pact that can be replayed.
    #[error("`{}` is not a usable pact: {reason}", path.display())]
    NotAPact {
        /// The file.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// A pact needs a plugin, which would have to be downloaded and run.
    #[error(
        "`{}` needs the Pact plugin `{plugin}`, expected a pact without plugins: describe the interaction with the \
         built-in matching rules",
        path.display()
    )]
    Plugin {
        /// The file.
        path: PathBuf,
        /// Name of the first plugin.
        plugin: String,
    },
    /// One interaction is described twice, with different content.
    #[error("{0}")]
    Conflict(Box<Conflict>),
    /// The consumer sent a request that its pact does not describe.
    #[error("`{consumer}` sent `{request}`, which no interaction with `{provider}` describes: {reason}")]
    UnexpectedRequest {
        /// The consumer.
        consumer: String,
        /// The provider.
        provider: String,
        /// Method and path.
        request: String,
        /// How it differs from the nearest interaction.
        reason: String,
    },
    /// The consumer never sent a request that its pact describes.
    #[error(
        "`{consumer}` never sent the request of `{description}`: an interaction that nobody uses is not a contract"
    )]
    UnusedInteraction {
        /// The consumer.
        consumer: String,
        /// Description of the interaction.
        description: String,
    },
    /// A consumer's pact cannot be recorded as it is written.
    #[error("`{description}` cannot be recorded: {reason}")]
    Interaction {
        /// Description of the interaction.
        description: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The consumer's own code failed on what the pact promises.
    #[error("`{consumer}` failed on `{description}`: {reason}")]
    Consumer {
        /// The consumer.
        consumer: String,
        /// Description of the interaction.
        description: String,
        /// What its code said.
        reason: String,
    },
    /// The stand-in of the provider could not be started.
    #[error("cannot start the stand-in for `{provider}`: {source}")]
    StandIn {
        /// The provider.
        provider: String,
        /// Why.
        source: std::io::Error,
    },
    /// Several of the above, so that all mistakes are seen at once.
    #[error("{}", lines(problems))]
    Several {
        /// Every problem found.
        problems: Vec<Error>,
    },
}

/// Two descriptions of one interaction that contradict each other.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{description}`{} is recorded twice for `{consumer}` -> `{provider}` with different content at `{at}`: by {first} \
     and by {second}; give one of them another description or state, or record into an empty directory",
    given(states)
)]
pub struct Conflict {
    /// The consumer.
    pub consumer: String,
    /// The provider.
    pub provider: String,
    /// Description of both.
    pub description: String,
    /// Provider states of both.
    pub states: Vec<String>,
    /// JSON path of the first difference.
    pub at: String,
    /// Where the first one comes from, with its value.
    pub first: String,
    /// Where the second one comes from, with its value.
    pub second: String,
}

impl Error {
    /// One error out of many: the only one as it is, several together; none when there is none.
    pub(crate) fn from_problems(mut problems: Vec<Error>) -> Option<Error> {
        if problems.len() > 1 { Some(Error::Several { problems }) } else { problems.pop() }
    }
}

/// ` (given ...)`, or nothing when there is no state.
pub(crate) fn given(states: &[String]) -> String {
    if states.is_empty() { String::new() } else { format!(" (given {})", states.join(" and ")) }
}

fn lines(problems: &[Error]) -> String {
    problems.iter().map(Error::to_string).collect::<Vec<_>>().join("\n")
}
