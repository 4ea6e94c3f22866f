//! Wall-clock time of a moment that was taken from the monotonic clock, so that an operation reads one clock and not two.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the offset between the two clocks is trusted: an adjusted wall clock is followed within this time.
const TRUSTED: Duration = Duration::from_secs(1);

thread_local! {
    /// A moment and its time since 1970.
    static ANCHOR: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: Instant,
    since_1970: Duration,
}

impl Moment {
    pub(crate) fn now() -> Self {
        let at = Instant::now();
        Self { at, since_1970: since_1970(at) }
    }

    /// On the wall clock.
    pub(crate) fn wall(self) -> SystemTime {
        UNIX_EPOCH + self.since_1970
    }

    /// The same, as the time since 1970. A clock before 1970 is wrong anyway.
    pub(crate) fn since_1970(self) -> Duration {
        self.since_1970
    }

    /// How long it is ago.
    pub(crate) fn elapsed(self) -> Duration {
        self.at.elapsed()
    }
}

fn since_1970(moment: Instant) -> Duration {
    if let Some((at, time)) = ANCHOR.get()
        && let Some(later) = moment.checked_duration_since(at)
        && later < TRUSTED
    {
        return time + later;
    }
    let (at, time) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    ANCHOR.set(Some((at, time)));
    match moment.checked_duration_since(at) {
        Some(later) => time.saturating_add(later),
        None => time.saturating_sub(at.saturating_duration_since(moment)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_order_and_distance() {
        let first = Instant::now();
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let (a, b) = (since_1970(first), since_1970(first + Duration::from_millis(5)));
        assert_eq!(b - a, Duration::from_millis(5));
        assert!(before.abs_diff(a) < Duration::from_secs(1));
        // A moment before the anchor moves the anchor, by no more than the two clocks drift meanwhile.
        let past = since_1970(first - Duration::from_millis(700));
        assert!((a - past).abs_diff(Duration::from_millis(700)) < Duration::from_millis(100));
    }
}
