//! One signal's exporter, as those see it that measure it and end it.

use std::time::Instant;

use super::{ExportState, Outcome};

pub(crate) trait Signal: Send + Sync {
    fn state(&self) -> &ExportState;

    /// Items taken in so far.
    fn offered(&self) -> u64;

    /// Items that were handed to the exporter so far.
    fn processed(&self) -> u64;

    /// Items taken in that are neither exported nor lost yet, and what became of the others.
    fn balance(&self) -> (u64, Outcome) {
        // In this order no item that left in between is counted twice.
        let outcome = self.state().outcome();
        let left = outcome.exported + outcome.failed + outcome.rejected;
        (self.offered().saturating_sub(left), outcome)
    }

    /// Most items that may wait; `None` where nothing queues.
    fn capacity(&self) -> Option<u64>;

    /// Asks it to export what it has and to end; does not wait.
    fn end(&self, until: Instant);

    /// Waits for its end; `false` when that has not come by `until`.
    fn ended(&self, until: Instant) -> bool;
}
