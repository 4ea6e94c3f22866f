//! Whether an exporter is to end, by when, and whether it has.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(super) struct Ending {
    phase: Mutex<Phase>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct Phase {
    until: Option<Instant>,
    done: bool,
}

/// Says that the exporter has ended when it is dropped, panicking or not.
pub(super) struct Done<'a>(pub(super) &'a Ending);

impl Ending {
    /// Asks for the end. What is not exported by `until` stays behind.
    pub(super) fn begin(&self, until: Instant) {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).until = Some(until);
        self.changed.notify_all();
    }

    /// Time left, once the end has been asked for.
    pub(super) fn left(&self) -> Option<Duration> {
        let phase = *self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        phase.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Waits, and comes back at once when the end has been asked for, unless that was `known`.
    pub(super) fn pause(&self, wait: Duration, known: bool) {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(phase, wait, |phase| phase.until.is_some() == known));
    }

    /// Waits for the exporter to end; `false` when it has not by `until`.
    pub(super) fn ended(&self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(phase, left, |phase| !phase.done);
        waited.unwrap_or_else(PoisonError::into_inner).0.done
    }
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.phase.lock().unwrap_or_else(PoisonError::into_inner).done = true;
        self.0.changed.notify_all();
    }
}
