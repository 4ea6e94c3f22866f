//! Wall-clock time of a moment that was taken from the monotonic clock, so that an operation reads one clock and not two.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

/// How long the offset between the two clocks is trusted: an adjusted wall clock is followed within this time.
const TRUSTED: Duration = Duration::from_secs(1);

thread_local! {
    static ANCHOR: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

/// The wall-clock time of `moment`.
pub(crate) fn wall(moment: Instant) -> SystemTime {
    let anchor = ANCHOR.get().filter(|(at, _)| moment.saturating_duration_since(*at) < TRUSTED);
    let (at, time) = anchor.unwrap_or_else(|| {
        let fresh = (Instant::now(), SystemTime::now());
        ANCHOR.set(Some(fresh));
        fresh
    });
    // `moment` may lie before the anchor; neither direction may overflow.
    let shifted = match moment.checked_duration_since(at) {
        Some(later) => time.checked_add(later),
        None => time.checked_sub(at.saturating_duration_since(moment)),
    };
    shifted.unwrap_or(time)
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
        let past = wall(first - Duration::from_millis(7));
        assert_eq!(a.duration_since(past).unwrap(), Duration::from_millis(7));
    }
}
