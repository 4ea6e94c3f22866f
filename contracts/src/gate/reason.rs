//! Why a version may go, or may not: each cause is a variant, and each variant is one sentence.

use std::fmt;

use serde::Serialize;

use super::facts::Version;

/// One thing that decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Nobody has heard of the version.
    UnknownVersion {
        /// Whose.
        pacticipant: String,
        /// Which one was asked for, in words.
        wanted: String,
    },
    /// The consumer goes where its provider is not.
    ProviderMissing {
        /// Who needs it.
        consumer: Version,
        /// Who is missing.
        provider: String,
        /// Where, in words.
        place: String,
    },
    /// Nobody has verified.
    NotVerified {
        /// Who expects.
        consumer: Version,
        /// Who should have been verified.
        provider: Version,
    },
    /// What the consumer expects was deleted.
    Withdrawn {
        /// Who expects.
        consumer: Version,
        /// Of whom.
        provider: String,
    },
    /// The provider does not do what the consumer expects.
    Failed {
        /// Who expects.
        consumer: Version,
        /// Who was verified.
        provider: Version,
        /// What of it failed first, in the verifier's words, where it said so.
        broken: Option<String>,
    },
    /// Every pact that matters is honoured.
    Honoured {
        /// How many.
        pacts: usize,
    },
    /// Nobody there depends on it, nor it on anybody.
    NothingRequired {
        /// Whose version.
        pacticipant: String,
    },
    /// Somebody was left out on purpose.
    Ignored {
        /// Who.
        pacticipant: String,
    },
}

impl Reason {
    /// Whether it stands in the way because of something that was seen.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// Whether it stands in the way because something is not known.
    #[must_use]
    pub fn is_ignorance(&self) -> bool {
        matches!(
            self,
            Self::UnknownVersion { .. }
                | Self::ProviderMissing { .. }
                | Self::NotVerified { .. }
                | Self::Withdrawn { .. }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion { pacticipant, wanted } => {
                write!(f, "No version of {pacticipant} is known that is {wanted}")
            }
            Self::ProviderMissing { consumer, provider, place } => {
                write!(f, "{consumer} needs {provider}, of which there is no version {place}")
            }
            Self::NotVerified { consumer, provider } => {
                write!(f, "Nobody has verified that {provider} honours the pact of {consumer}")
            }
            Self::Withdrawn { consumer, provider } => {
                write!(f, "The pact of {consumer} with {provider} was deleted, so nobody knows what it expects")
            }
            Self::Failed { consumer, provider, broken } => {
                write!(f, "{provider} does not honour the pact of {consumer}")?;
                broken.as_ref().map_or(Ok(()), |broken| write!(f, ": {broken}"))
            }
            Self::Honoured { pacts: 1 } => f.write_str("The one pact that is required is honoured"),
            Self::Honoured { pacts } => write!(f, "All {pacts} pacts that are required are honoured"),
            Self::NothingRequired { pacticipant } => {
                write!(f, "There is nobody whom {pacticipant} needs, or who needs it")
            }
            Self::Ignored { pacticipant } => write!(f, "Pacts with {pacticipant} were ignored, as asked"),
        }
    }
}
