//! Errors as a person reads them: what failed, where, what was expected, what to do; and the exit code they lead to.

use std::path::PathBuf;

use chaos::Problems;
use thiserror::Error;

use crate::config::ConfigErrors;
use crate::exit_code::Exit;
use crate::journey::JourneyProblem;
use crate::phases::RunDirError;
use crate::supervisor::{BuildError, StartError};

/// Why a command ended without a result.
#[derive(Debug, Error)]
pub enum Error {
    /// `shakedown.toml` is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Journey files are wrong.
    #[error("{}", lines(.0))]
    Journeys(Vec<JourneyProblem>),
    /// Scenario files are wrong.
    #[error(transparent)]
    Scenarios(#[from] Problems),
    /// A name on the command line that nothing has.
    #[error("there is no {what} named `{name}`; expected {expected}")]
    UnknownName {
        /// `journey`, `scenario` or `rule`.
        what: &'static str,
        /// The name.
        name: String,
        /// What there is.
        expected: String,
    },
    /// Something that the command needs is not in the configuration.
    #[error("`{}` has no `{section}`, which this command needs", file.display())]
    Missing {
        /// The configuration.
        file: PathBuf,
        /// The section.
        section: &'static str,
    },
    /// An argument that cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The run's directory cannot be made.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The system's build failed.
    #[error("the system could not be built: {0}")]
    Build(#[from] BuildError),
    /// The system did not come up.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Something else failed: a file, a socket.
    #[error("{doing}: {source}")]
    Failed {
        /// What was tried.
        doing: String,
        /// Why it did not work.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A failure of something that has no variant of its own.
    pub fn failed(doing: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed { doing: doing.into(), source: source.into() }
    }

    /// The exit code that it leads to.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::Journeys(_)
            | Self::Scenarios(_)
            | Self::UnknownName { .. }
            | Self::Missing { .. }
            | Self::Usage(_) => Exit::Usage,
            Self::Build(BuildError::Interrupted { .. }) | Self::Start(StartError::Interrupted) => Exit::Aborted,
            Self::RunDir(_) | Self::Build(_) | Self::Start(_) | Self::Failed { .. } => Exit::Failed,
        }
    }
}

fn lines(problems: &[JourneyProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
