//! Why a table could not be read.

use crate::config::placeholder::PlaceholderError;
use crate::supervisor::BrokerApiError;

/// A table that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("table `{table}`: {reason}")]
pub struct ObserveError {
    /// The table.
    pub table: String,
    /// Why.
    pub reason: Reason,
}

/// See [`ObserveError`].
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// There is no such table.
    #[error("it is not in `[observe]`")]
    Unknown,
    /// The system lacks what it reads.
    #[error("the system has no {0}")]
    Absent(&'static str),
    /// A placeholder has no value.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderError),
    /// The database refused.
    #[error("cannot {doing} `{database}`: {source}")]
    Sql {
        /// `open` or `query`.
        doing: &'static str,
        /// The URL.
        database: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The service did not answer.
    #[error("GET {url}: {source}")]
    Http {
        /// The address.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The service answered something else.
    #[error("GET {url} answered {found}, expected {expected}")]
    Answer {
        /// The address.
        url: String,
        /// What came.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// The broker did not answer.
    #[error(transparent)]
    Broker(#[from] BrokerApiError),
    /// The history cannot be read.
    #[error(transparent)]
    History(#[from] chaos::error::FileError),
    /// It is larger than memory should hold.
    #[error("it has more than {0} rows")]
    TooLarge(usize),
    /// Reading it was broken off.
    #[error("reading it was broken off")]
    Interrupted,
}
