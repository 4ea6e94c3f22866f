//! Why a connection cannot be made or ends.

use axum::http::StatusCode;
use tokio_tungstenite::tungstenite;

use super::packet::Malformed;

/// Why a connection cannot be made or ends.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The request that opens the connection failed.
    #[error("cannot connect: {0}")]
    Http(#[from] reqwest::Error),
    /// It was answered with another status than 101.
    #[error("answered with status `{0}`: expected 101")]
    Status(StatusCode),
    /// The namespace does not let us in.
    #[error("refused: `{0}`")]
    Refused(String),
    /// Nothing was heard for too long, or too little was read.
    #[error("no sign of life in time")]
    TimedOut,
    /// The other side has ended it.
    #[error("closed by the server")]
    Closed,
    /// The WebSocket broke.
    #[error("connection: {0}")]
    Broken(#[from] tungstenite::Error),
    /// A packet cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// What comes is not what should.
    #[error("not as Socket.IO has it: {0}")]
    Protocol(String),
}
