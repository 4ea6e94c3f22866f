//! Why a broker does not start, and the protocol's own errors with their codes and scopes.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{frame::FrameError, wire::WireError};

/// Why [`Broker::start`](crate::Broker::start) failed. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something listens on that address already.
    #[error("address `{address}` is already in use\nhint: stop what listens there, or choose port 0 for a free one")]
    PortInUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another broker holds the data directory.
    #[error("data directory `{}` belongs to another running broker\nhint: stop it, or choose another directory", .path.display())]
    DataInUse {
        /// The directory asked for.
        path: PathBuf,
    },
    /// The journal cannot be created, read or rewritten.
    #[error("cannot use the journal `{}`", .path.display())]
    Journal {
        /// The file or directory concerned.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The journal is of a kind or version this broker does not know. It is left untouched.
    #[error("`{}` is not a journal of this version, expected the header `{expected}`\nhint: move the file away to start with empty queues", .path.display())]
    JournalVersion {
        /// The file concerned.
        path: PathBuf,
        /// The header that this version writes.
        expected: &'static str,
    },
    /// A limit makes no sense.
    #[error("limit `{name}` is `{value}`, expected {expected}")]
    Limit {
        /// Name of the field of [`Limits`](crate::Limits).
        name: &'static str,
        /// The value given.
        value: u64,
        /// What would be accepted.
        expected: &'static str,
    },
}

/// Reply codes of the protocol, with RabbitMQ's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Code {
    NoRoute = 312,
    ConnectionForced = 320,
    AccessRefused = 403,
    NotFound = 404,
    ResourceLocked = 405,
    PreconditionFailed = 406,
    FrameError = 501,
    SyntaxError = 502,
    CommandInvalid = 503,
    ChannelError = 504,
    UnexpectedFrame = 505,
    ResourceError = 506,
    NotAllowed = 530,
    NotImplemented = 540,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::NoRoute => "NO_ROUTE",
            Self::ConnectionForced => "CONNECTION_FORCED",
            Self::AccessRefused => "ACCESS_REFUSED",
            Self::NotFound => "NOT_FOUND",
            Self::ResourceLocked => "RESOURCE_LOCKED",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::FrameError => "FRAME_ERROR",
            Self::SyntaxError => "SYNTAX_ERROR",
            Self::CommandInvalid => "COMMAND_INVALID",
            Self::ChannelError => "CHANNEL_ERROR",
            Self::UnexpectedFrame => "UNEXPECTED_FRAME",
            Self::ResourceError => "RESOURCE_ERROR",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::NotImplemented => "NOT_IMPLEMENTED",
        }
    }

    /// Whether the error ends one channel only; the others end the connection.
    fn is_soft(self) -> bool {
        (self as u16) < 407 && self != Self::ConnectionForced
    }
}

/// A protocol error that goes to the peer in `channel.close` or `connection.close`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} - {text}", .code.name())]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) text: String,
    /// Ends the connection although its code would end one channel only.
    pub(crate) hard: bool,
}

impl Failure {
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), hard: !code.is_soft() }
    }

    pub(crate) fn hard(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), hard: true }
    }
}

impl From<FrameError> for Failure {
    fn from(error: FrameError) -> Self {
        Self::new(Code::FrameError, error.to_string())
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        let code = match error {
            WireError::Method(..) => Code::CommandInvalid,
            _ => Code::SyntaxError,
        };
        Self::new(code, error.to_string())
    }
}
