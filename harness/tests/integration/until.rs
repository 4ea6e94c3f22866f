//! Waiting for conditions.

use std::time::{Duration, Instant};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks until `look` finds something, and returns it. `missing` says after `within` what was waited for in vain.
pub(crate) fn until<T>(within: Duration, missing: impl Fn() -> String, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "after {within:?}: {}", missing());
        std::thread::sleep(PAUSE);
    }
}
