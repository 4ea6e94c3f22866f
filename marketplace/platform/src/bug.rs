//! The planted bugs: the one place that knows them. All are off unless `MARKETPLACE_BUG` names one.
//!
//! A harness that finds nothing wrong proves nothing until it has found something wrong. Each bug breaks one promise of
//! the marketplace in a way real systems break it; services ask [`active`] at the place where the mistake would be made.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// Name of the variable that turns one bug on.
pub const VARIABLE: &str = "MARKETPLACE_BUG";

/// One planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The order service answers 201, and every consumer acknowledges, before the commit.
    AckBeforeCommit,
    /// Consumers skip the inbox, so a redelivered event takes effect again.
    NoInbox,
    /// A retried capture carries a new idempotency key, so that the money is taken twice.
    DoubleCapture,
    /// The users service forgets the correlation id of the events that it handles.
    DropCorrelation,
    /// The gig service answers one gig with `sellerId` renamed to `seller_id`.
    RenameField,
    /// The review service publishes the time of its events without its zone; nobody needs it, but contracts promise it.
    LocalTime,
}

impl Bug {
    /// Every bug, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::AckBeforeCommit,
        Self::NoInbox,
        Self::DoubleCapture,
        Self::DropCorrelation,
        Self::RenameField,
        Self::LocalTime,
    ];

    /// The value of [`VARIABLE`] that turns this bug on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AckBeforeCommit => "ack-before-commit",
            Self::NoInbox => "no-inbox",
            Self::DoubleCapture => "double-capture",
            Self::DropCorrelation => "drop-correlation",
            Self::RenameField => "rename-field",
            Self::LocalTime => "local-time",
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no bug's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown bug `{0}`: expected one of {names}, or nothing", names = Bug::ALL.map(Bug::name).join(", "))]
pub struct UnknownBug(String);

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|bug| bug.name() == name).ok_or_else(|| UnknownBug(name.to_owned()))
    }
}

/// The bug that the environment names, if any.
///
/// # Errors
///
/// Returns the name when it is no bug's: a misspelt bug must not look like a system without bugs.
pub fn from_environment() -> Result<Option<Bug>, UnknownBug> {
    match std::env::var(VARIABLE) {
        Ok(name) if !name.is_empty() => name.parse().map(Some),
        _ => Ok(None),
    }
}

/// Whether `bug` is on in this process.
///
/// # Examples
///
/// ```
/// use platform::bug::{self, Bug};
///
/// assert!(!bug::active(Bug::NoInbox));
/// ```
#[must_use]
pub fn active(bug: Bug) -> bool {
    static ACTIVE: OnceLock<Option<Bug>> = OnceLock::new();
    *ACTIVE.get_or_init(|| from_environment().ok().flatten()) == Some(bug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for bug in Bug::ALL {
            assert_eq!(bug.name().parse(), Ok(bug));
        }
    }

    #[test]
    fn unknown_name_lists_the_known_ones() {
        let error = "no-inbx".parse::<Bug>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown bug `no-inbx`: expected one of ack-before-commit, no-inbox, double-capture, drop-correlation, \
             rename-field, local-time, or nothing"
        );
    }
}
