//! Random identifiers, without a system call and without a lock.

use std::time::{Instant, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, TraceId};
use rand::RngExt;
use uuid::Uuid;

use super::clock::wall;

pub(super) fn trace_id() -> TraceId {
    loop {
        let id = TraceId::from(rand::rng().random::<u128>());
        if id != TraceId::INVALID {
            return id;
        }
    }
}

pub(super) fn span_id() -> SpanId {
    loop {
        let id = SpanId::from(rand::rng().random::<u64>());
        if id != SpanId::INVALID {
            return id;
        }
    }
}

/// A UUIDv7 of this moment: ordered by the millisecond, random within it.
pub(crate) fn random_uuid_v7() -> Uuid {
    let millis = wall(Instant::now()).duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(millis).unwrap_or(u64::MAX), &rand::rng().random())
        .into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn identifiers_are_valid_and_differ() {
        let traces: HashSet<_> = (0..1000).map(|_| trace_id()).collect();
        let spans: HashSet<_> = (0..1000).map(|_| span_id()).collect();
        let uuids: HashSet<_> = (0..1000).map(|_| random_uuid_v7()).collect();
        assert_eq!((traces.len(), spans.len(), uuids.len()), (1000, 1000, 1000));
        assert!(uuids.iter().all(|id| id.get_version_num() == 7));
    }
}
