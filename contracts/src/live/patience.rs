//! How long a comparison may take, and what its result is worth.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::verify::{Mismatch, Part};

/// Time for one comparison.
const COMPARISON: Duration = Duration::from_secs(2);

/// Patience with one interaction. A comparison that does not end leaves a thread behind, and one that the engine cannot
/// make says nothing of who was compared; either ends the patience, since replays of the contract name the reason.
#[derive(Debug, Default)]
pub(super) struct Patience {
    lost: AtomicBool,
}

impl Patience {
    /// Until when a comparison may take now; nothing when none is made any more.
    pub(super) fn until(&self) -> Option<Instant> {
        (!self.lost.load(Ordering::Relaxed)).then(|| Instant::now() + COMPARISON)
    }

    /// The differences that are proven.
    pub(super) fn proven(&self, found: Vec<Mismatch>) -> Vec<Mismatch> {
        if found.iter().any(|mismatch| mismatch.part == Part::Pact) {
            self.lost.store(true, Ordering::Relaxed);
            return Vec::new();
        }
        found
    }
}
