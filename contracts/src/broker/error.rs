//! What the broker refuses, in words for whoever asked.

/// Why the broker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The request cannot be right.
    #[error("{0}")]
    Invalid(String),
    /// It contradicts what was published before.
    #[error("{0}")]
    Conflict(String),
    /// The broker at an address cannot be talked to, or answers what is not understood.
    #[error("{0}")]
    Remote(String),
    /// The database failed.
    #[error("the broker's database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// What the database holds is not what was put there.
    #[error("the broker's database holds something unreadable: {0}")]
    Stored(#[from] serde_json::Error),
}
