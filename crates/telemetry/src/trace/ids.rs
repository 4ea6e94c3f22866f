//! Random identifiers, without a system call and without a lock.

use std::cell::RefCell;
use std::time::Instant;

use opentelemetry::trace::{SpanId, TraceId};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use super::clock::since_1970;

thread_local! {
    /// Identifiers must differ, not be hard to guess.
    static RANDOM: RefCell<SmallRng> = RefCell::new(SmallRng::from_rng(&mut rand::rng()));
}

fn random() -> u64 {
    RANDOM.with_borrow_mut(SmallRng::next_u64)
}

pub(super) fn trace_id() -> TraceId {
    loop {
        let id = TraceId::from(u128::from(random()) << 64 | u128::from(random()));
        if id != TraceId::INVALID {
            return id;
        }
    }
}

pub(super) fn span_id() -> SpanId {
    loop {
        let id = SpanId::from(random());
        if id != SpanId::INVALID {
            return id;
        }
    }
}

/// A UUIDv7 of this moment: ordered by the millisecond, random within it.
pub(crate) fn uuid_v7(moment: Instant) -> Uuid {
    let millis = u64::try_from(since_1970(moment).as_millis()).unwrap_or(u64::MAX);
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&random().to_le_bytes());
    bytes[8..].copy_from_slice(&random().to_le_bytes()[..2]);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn identifiers_are_valid_and_differ() {
        let traces: HashSet<_> = (0..1000).map(|_| trace_id()).collect();
        let spans: HashSet<_> = (0..1000).map(|_| span_id()).collect();
        let uuids: HashSet<_> = (0..1000).map(|_| uuid_v7(Instant::now())).collect();
        assert_eq!((traces.len(), spans.len(), uuids.len()), (1000, 1000, 1000));
        assert!(uuids.iter().all(|id| id.get_version_num() == 7));
    }
}
