//! What an operator, or the service itself, can ask of its log lines while it runs.

use std::time::Duration;

use super::{InvalidFilter, LogStats};
use crate::init::Telemetry;

impl Telemetry {
    /// Replaces the log filter for the rest of the process. `directives` are in `RUST_LOG` syntax: `info`, `order=debug`.
    ///
    /// # Errors
    ///
    /// When the directives cannot be parsed; the filter stays as it was.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn show(telemetry: &telemetry::Telemetry) -> Result<(), telemetry::InvalidFilter> {
    /// use std::time::Duration;
    ///
    /// telemetry.set_log_filter("info,order=debug")?;
    /// telemetry.set_log_filter_for("trace", Duration::from_secs(600))?;
    /// # Ok(()) }
    /// ```
    pub fn set_log_filter(&self, directives: &str) -> Result<(), InvalidFilter> {
        self.logs.set_filter(directives)
    }

    /// Replaces the log filter for `time`; afterwards the one that was set for good is in force again, by itself.
    ///
    /// # Errors
    ///
    /// When the directives cannot be parsed; the filter stays as it was.
    pub fn set_log_filter_for(&self, directives: &str, time: Duration) -> Result<(), InvalidFilter> {
        self.logs.set_filter_for(directives, time)
    }

    /// The directives in force, and for how much longer if not for good.
    #[must_use]
    pub fn log_filter(&self) -> (String, Option<Duration>) {
        self.logs.shown()
    }

    /// What became of the log lines so far.
    #[must_use]
    pub fn log_stats(&self) -> LogStats {
        self.logs.stats()
    }
}
