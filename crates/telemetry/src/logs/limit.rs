//! At most so many lines per second from one place in the program: a loop that logs must not drown everything else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::{Level, Metadata};

/// Places that are limited; one that finds no slot is not.
const SLOTS: usize = 2048;

/// How far from its own slot a place is looked for.
const PROBES: usize = 8;

/// Lines per second from one place; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Below ERROR.
    pub(crate) lines: u32,
    /// ERROR.
    pub(crate) errors: u32,
}

/// Counts the lines of each place (callsite) in windows of one second.
pub(super) struct Limiter {
    limits: Limits,
    slots: Box<[Slot]>,
    suppressed: AtomicU64,
    /// Whether any slot may hold lines that nobody was told of.
    untold: AtomicBool,
    /// Held by whoever tells: a flush must not pass by what another one is just looking through.
    telling: Mutex<()>,
}

#[derive(Default)]
struct Slot {
    place: OnceLock<&'static Metadata<'static>>,
    /// The second in the upper half, the lines seen in it in the lower.
    window: AtomicU64,
    suppressed: AtomicU64,
}

/// What to do with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write it. So many lines of this place were suppressed before, and nobody was told.
    Write { untold: u64 },
    /// Drop it. `first` when nothing was suppressed anywhere that nobody was told of.
    Suppress { first: bool },
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        let slots = if limits.lines == 0 && limits.errors == 0 { 0 } else { SLOTS };
        Self {
            limits,
            slots: (0..slots).map(|_| Slot::default()).collect(),
            suppressed: AtomicU64::new(0),
            untold: AtomicBool::new(false),
            telling: Mutex::default(),
        }
    }

    fn limit(&self, level: Level) -> u32 {
        if level == Level::ERROR { self.limits.errors } else { self.limits.lines }
    }

    /// Counts a line from `place` in the second `now`.
    #[inline]
    pub(super) fn admit(&self, place: &'static Metadata<'static>, now: u32) -> Verdict {
        let limit = self.limit(*place.level());
        if limit == 0 {
            return Verdict::Write { untold: 0 };
        }
        let Some(slot) = self.slot(place) else { return Verdict::Write { untold: 0 } };
        let window = slot.window.load(Ordering::Relaxed);
        if window >> 32 != u64::from(now) {
            let fresh = u64::from(now) << 32 | 1;
            // Whoever loses the race counts in the window of the winner.
            if slot.window.compare_exchange(window, fresh, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Verdict::Write { untold: slot.suppressed.swap(0, Ordering::Relaxed) };
            }
        }
        let before = slot.window.fetch_add(1, Ordering::Relaxed);
        if before & 0xffff_ffff < u64::from(limit) {
            return Verdict::Write { untold: 0 };
        }
        // The lower half must not run into the upper one.
        slot.window.fetch_sub(1, Ordering::Relaxed);
        slot.suppressed.fetch_add(1, Ordering::Relaxed);
        self.suppressed.fetch_add(1, Ordering::Relaxed);
        let first = !self.untold.load(Ordering::Relaxed) && !self.untold.swap(true, Ordering::Relaxed);
        Verdict::Suppress { first }
    }

    #[inline]
    fn slot(&self, place: &'static Metadata<'static>) -> Option<&Slot> {
        let address = std::ptr::from_ref(place).addr();
        let home = (address >> 4 ^ address >> 13) % SLOTS;
        (0..PROBES)
            .map(|probe| &self.slots[(home + probe) % SLOTS])
            .find(|slot| std::ptr::eq(*slot.place.get_or_init(|| place), place))
    }

    /// Calls `tell` with each place, its suppressed lines and its limit, when their second is over before `now`.
    /// Returns whether some are left for later.
    pub(super) fn sweep(&self, now: u32, mut tell: impl FnMut(&'static Metadata<'static>, u64, u32)) -> bool {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.untold.swap(false, Ordering::Relaxed) {
            return false;
        }
        let mut left = false;
        for slot in &self.slots {
            if slot.suppressed.load(Ordering::Relaxed) == 0 {
                continue;
            }
            if slot.window.load(Ordering::Relaxed) >> 32 >= u64::from(now) {
                left = true;
                continue;
            }
            if let Some(place) = slot.place.get() {
                let lines = slot.suppressed.swap(0, Ordering::Relaxed);
                if lines > 0 {
                    tell(place, lines, self.limit(*place.level()));
                }
            }
        }
        if left {
            self.untold.store(true, Ordering::Relaxed);
        }
        left
    }

    /// Lines that were suppressed so far.
    pub(super) fn suppressed(&self) -> u64 {
        self.suppressed.load(Ordering::Relaxed)
    }

    pub(super) fn limit_of(&self, place: &Metadata<'_>) -> u32 {
        self.limit(*place.level())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;
    use tracing::field::FieldSet;
    use tracing::{Callsite, Metadata, callsite, metadata::Kind};

    struct Place;
    static PLACE: Place = Place;
    impl Callsite for Place {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("not registered")
        }
    }

    fn place(level: Level) -> &'static Metadata<'static> {
        let fields = FieldSet::new(&[], callsite::Identifier(&PLACE));
        Box::leak(Box::new(Metadata::new("event", "shop", level, None, None, None, fields, Kind::EVENT)))
    }

    #[test]
    fn lines_over_the_limit_are_counted_and_told_once_when_their_second_is_over() {
        let limiter = Limiter::new(Limits { lines: 3, errors: 1 });
        let (info, error) = (place(Level::INFO), place(Level::ERROR));
        let verdicts: Vec<_> = (0..5).map(|_| limiter.admit(info, 10)).collect();
        assert_eq!(verdicts[..3], [Verdict::Write { untold: 0 }; 3]);
        assert_eq!(verdicts[3..], [Verdict::Suppress { first: true }, Verdict::Suppress { first: false }]);
        // Errors have a budget of their own, and so has every place.
        assert_eq!(limiter.admit(error, 10), Verdict::Write { untold: 0 });
        assert_eq!(limiter.admit(place(Level::INFO), 10), Verdict::Write { untold: 0 });
        assert_eq!(limiter.admit(error, 10), Verdict::Suppress { first: false });
        let mut told = Vec::new();
        assert!(limiter.sweep(10, |_, lines, _| told.push(lines)), "their second is not over");
        assert_eq!(limiter.admit(info, 11), Verdict::Write { untold: 2 });
        assert!(!limiter.sweep(11, |place, lines, limit| {
            told.push(lines * 10 + u64::from(limit) + u64::from(*place.level() == Level::ERROR) * 100)
        }));
        assert_eq!(told, [111]);
        assert_eq!(limiter.suppressed(), 3);
        assert!(!limiter.sweep(12, |_, _, _| panic!("told twice")));
    }

    #[test]
    fn flush_tells_all_though_another_sweep_is_under_way() {
        let limiter = Limiter::new(Limits { lines: 1, errors: 1 });
        for (place, second) in [(place(Level::INFO), 1), (place(Level::INFO), 2)] {
            let verdicts = [limiter.admit(place, second), limiter.admit(place, second)];
            assert!(matches!(verdicts[1], Verdict::Suppress { .. }));
        }
        let (limiter, (end, ended)) = (&limiter, mpsc::channel());
        std::thread::scope(|scope| {
            let mut flush = None;
            // Leaves the lines of second 2 for later; the flush comes while it tells those of second 1.
            assert!(limiter.sweep(2, |_, _, _| {
                let end = end.clone();
                flush = Some(scope.spawn(move || {
                    let mut told = 0;
                    limiter.sweep(u32::MAX, |_, lines, _| told += lines);
                    let _ = end.send(());
                    told
                }));
                assert!(ended.recv_timeout(Duration::from_millis(50)).is_err(), "the flush passed by");
            }));
            assert_eq!(flush.unwrap().join().unwrap(), 1);
        });
    }

    #[test]
    fn more_places_than_slots_are_not_limited() {
        let limiter = Limiter::new(Limits { lines: 1, errors: 1 });
        let places: Vec<_> = (0..3 * SLOTS).map(|_| place(Level::INFO)).collect();
        for place in &places {
            assert_eq!(limiter.admit(place, 1), Verdict::Write { untold: 0 });
        }
        let written = places.iter().filter(|place| matches!(limiter.admit(place, 1), Verdict::Write { .. })).count();
        assert!((SLOTS..3 * SLOTS).contains(&written), "{written}");
    }

    #[test]
    fn no_limit_suppresses_nothing() {
        let limiter = Limiter::new(Limits { lines: 0, errors: 0 });
        let place = place(Level::INFO);
        assert!((0..100_000).all(|_| limiter.admit(place, 1) == Verdict::Write { untold: 0 }));
    }
}
