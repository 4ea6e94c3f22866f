//! Wall-clock time of a moment that was taken from the monotonic clock, so that an operation reads one clock and not two.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the offset between the two clocks is trusted: an adjusted wall clock is followed within this time.
const TRUSTED: Duration = Duration::from_secs(1);

thread_local! {
    /// A moment and its time since 1970.
    static ANCHOR: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// The wall-clock time of `moment`.
pub(crate) fn wall(moment: Instant) -> SystemTime {
    UNIX_EPOCH + since_1970(moment)
}

/// The same, as the time since 1970. A clock before 1970 is wrong anyway.
pub(super) fn since_1970(moment: Instant) -> Duration {
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
        let before = SystemTime::now();
        let (a, b) = (wall(first), wall(first + Duration::from_millis(5)));
        assert_eq!(b.duration_since(a).unwrap(), Duration::from_millis(5));
        assert!(before.duration_since(a).unwrap_or_default() < Duration::from_secs(1));
        // A moment before the anchor moves the anchor, by no more than the two clocks drift meanwhile.
        let past = wall(first - Duration::from_millis(700));
        assert!(a.duration_since(past).unwrap().abs_diff(Duration::from_millis(700)) < Duration::from_millis(100));
    }
}
