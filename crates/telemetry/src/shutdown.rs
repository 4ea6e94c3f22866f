//! Ending: everything that was recorded goes out, within one deadline.

use std::time::Duration;

/// What became of one signal over the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportOutcome {
    /// Items the collector took.
    pub exported: u64,
    /// Items the collector refused, or that never reached it.
    pub failed: u64,
    /// Items that were dropped because their queue was full.
    pub dropped: u64,
    /// Whether the last flush ended before the deadline. `true` when nothing was to be exported.
    pub flushed: bool,
}

/// What [`crate::Telemetry::shutdown`] achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Spans.
    pub spans: ExportOutcome,
    /// Metric exports (one item is one export of all metrics).
    pub metrics: ExportOutcome,
    /// Log lines; `exported` are lines written to stdout.
    pub logs: ExportOutcome,
    /// How long the shutdown took.
    pub took: Duration,
}

impl ShutdownReport {
    /// Whether nothing was lost, neither at the end nor before.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        [self.spans, self.metrics, self.logs]
            .iter()
            .all(|signal| signal.flushed && signal.failed == 0 && signal.dropped == 0)
    }
}
