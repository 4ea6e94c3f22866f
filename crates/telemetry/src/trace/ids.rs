//! Random identifiers, without a system call and without a lock.

use std::cell::RefCell;
use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceId};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use super::clock::Moment;

thread_local! {
    /// Identifiers must differ, not be hard to guess.
    static RANDOM: RefCell<SmallRng> = RefCell::new(SmallRng::from_rng(&mut rand::rng()));
}

/// A new span, in a new trace unless `known` names one.
pub(super) fn span(known: Option<TraceId>) -> (TraceId, SpanId) {
    RANDOM.with_borrow_mut(|random| {
        let mut some = || random.next_u64().max(1);
        let trace = known.unwrap_or_else(|| TraceId::from(u128::from(some()) << 64 | u128::from(some())));
        (trace, SpanId::from(some()))
    })
}

/// A UUIDv7 of this moment (RFC 9562, section 5.7): ordered by a quarter of a microsecond (section 6.2, method 3), random
/// within it.
pub(crate) fn uuid_v7(moment: Moment) -> Uuid {
    uuid(moment.since_1970(), RANDOM.with_borrow_mut(SmallRng::next_u64))
}

fn uuid(time: Duration, random: u64) -> Uuid {
    const VERSION: u64 = 7 << 12;
    const VARIANT: u64 = 0b10 << 62;
    let millis = time.as_secs().wrapping_mul(1000).wrapping_add(u64::from(time.subsec_millis()));
    let fraction = u64::from(time.subsec_nanos() % 1_000_000) * 4096 / 1_000_000;
    Uuid::from_u64_pair(millis << 16 | VERSION | fraction, VARIANT | random >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn identifiers_are_valid_and_differ() {
        let spans: Vec<_> = (0..1000).map(|_| span(None)).collect();
        assert!(spans.iter().all(|(trace, span)| *trace != TraceId::INVALID && *span != SpanId::INVALID));
        assert_eq!(spans.iter().map(|(trace, _)| trace).collect::<HashSet<_>>().len(), 1000);
        assert_eq!(spans.iter().map(|(_, span)| span).collect::<HashSet<_>>().len(), 1000);
        let uuids: HashSet<_> = (0..1000).map(|_| uuid_v7(Moment::now())).collect();
        assert_eq!(uuids.len(), 1000);
        assert_eq!(span(Some(TraceId::from(7))).0, TraceId::from(7));
    }

    proptest! {
        #[test]
        fn uuid_is_of_version_7_and_keeps_its_time(seconds in 0u64..1 << 38, nanos in 0u32..1_000_000_000, random: u64) {
            let time = Duration::new(seconds, nanos);
            let made = uuid(time, random);
            prop_assert_eq!((made.get_version_num(), made.get_variant()), (7, uuid::Variant::RFC4122));
            let (kept, millis) = made.get_timestamp().unwrap().to_unix();
            prop_assert_eq!((kept, millis / 1_000_000), (seconds, nanos / 1_000_000));
        }

        #[test]
        fn later_uuid_sorts_later(first in 0u64..1 << 60, more in 1000u64..1 << 50, one: u64, other: u64) {
            let (first, second) = (Duration::from_nanos(first), Duration::from_nanos(first + more));
            prop_assert!(uuid(first, one) < uuid(second, other));
        }
    }
}
