//! How log lines look, and how many there may be.

use std::io::IsTerminal;
use std::str::FromStr;

use super::Config;
use crate::logs::Limits;
use crate::redact::Policy;

/// More than a busy service's access log; an error is written a thousand times before the next one tells nothing new.
pub(super) const LIMITS: Limits = Limits { lines: 20_000, errors: 1_000 };

/// The format of log lines on stdout.
///
/// ```
/// use telemetry::{Config, LogFormat};
///
/// let config = Config::new("order").log_format("logfmt".parse()?);
/// let error = "xml".parse::<LogFormat>().unwrap_err();
/// assert_eq!(error.to_string(), "`xml`: expected `json`, `logfmt` or `pretty`");
/// # Ok::<(), telemetry::InvalidLogFormat>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object per line: for machines, the default.
    #[default]
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// Short and readable: for a terminal.
    Pretty,
}

/// A text that names no [`LogFormat`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}`: expected `json`, `logfmt` or `pretty`")]
pub struct InvalidLogFormat {
    given: String,
}

impl FromStr for LogFormat {
    type Err = InvalidLogFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "logfmt" => Ok(Self::Logfmt),
            "pretty" => Ok(Self::Pretty),
            _ => Err(InvalidLogFormat { given: text.to_owned() }),
        }
    }
}

impl Config {
    /// Lines per second that one place in the program may log (default 20,000); further ones are counted, and one line tells
    /// how many they were. 0 is no limit. Lines at ERROR count apart, see [`Config::error_log_limit`].
    #[must_use]
    pub fn log_limit(mut self, lines_per_second: u32) -> Self {
        self.log_limits.lines = lines_per_second;
        self
    }

    /// Lines per second at ERROR that one place in the program may log (default 1,000); 0 is no limit.
    #[must_use]
    pub fn error_log_limit(mut self, lines_per_second: u32) -> Self {
        self.log_limits.errors = lines_per_second;
        self
    }

    /// Whether each request that was served is told in a line (default: yes), target `telemetry::access`. Without them requests
    /// that fail or are slow are told by metrics and spans alone; for lines of those only, leave this on and filter with
    /// `telemetry::access=warn`.
    ///
    /// ```
    /// let config = telemetry::Config::new("order").access_log(false);
    /// ```
    #[must_use]
    pub fn access_log(mut self, write: bool) -> Self {
        self.access_log = write;
        self
    }

    /// What is hidden in log lines, spans, metrics, baggage and URLs, beyond what always is. The first [`crate::init`] of a process
    /// puts it in force.
    ///
    /// ```
    /// use telemetry::Config;
    /// use telemetry::redact::Policy;
    ///
    /// let config = Config::new("order").redaction(Policy::new().secret_key("tax_id").allow_key("card_type"));
    /// ```
    #[must_use]
    pub fn redaction(mut self, policy: Policy) -> Self {
        self.redaction = policy;
        self
    }

    /// On a terminal lines are made for humans, with colours unless `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn with_terminal(mut self) -> Self {
        if std::io::stdout().is_terminal() {
            self.log_format = LogFormat::Pretty;
            self.log_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        }
        self
    }
}
