//! One signal's exporter, as those see it that measure it and end it.

use std::time::Instant;

use super::ExportState;

pub(crate) trait Signal: Send + Sync {
    fn state(&self) -> &ExportState;

    /// Items taken in that are neither exported nor lost yet.
    fn waiting(&self) -> u64;

    /// Most items that may wait; `None` where nothing queues.
    fn capacity(&self) -> Option<u64>;

    /// Asks it to export what it has and to end; does not wait.
    fn end(&self, until: Instant);

    /// Waits for its end; `false` when that has not come by `until`.
    fn ended(&self, until: Instant) -> bool;
}
