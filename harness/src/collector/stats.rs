//! How much a store may hold, and what it holds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// Bounds of a store.
#[derive(Clone, Debug)]
pub struct StoreLimits {
    /// Bytes of spans and log records, over all services, as estimated from their sizes.
    pub max_bytes: usize,
    /// Bytes of spans and log records of one service. A service beyond it loses its own oldest records.
    pub max_service_bytes: usize,
    /// Services told apart; records of any further ones are refused.
    pub max_services: usize,
    /// Metric series of one service.
    pub max_series_per_service: usize,
    /// Points of one series.
    pub max_points_per_series: usize,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            max_bytes: 512 * 1024 * 1024,
            max_service_bytes: 192 * 1024 * 1024,
            max_services: 256,
            max_series_per_service: 2_000,
            max_points_per_series: 1_200,
        }
    }
}

/// What a store holds of one service, and what it had to give up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServiceStats {
    /// Spans held.
    pub spans: usize,
    /// Log records held.
    pub logs: usize,
    /// Estimated bytes held.
    pub bytes: usize,
    /// Spans given up for want of room.
    pub evicted_spans: u64,
    /// Log records given up for want of room.
    pub evicted_logs: u64,
    /// The latest start of a span, or time of a log record, among what was given up: nanoseconds since the epoch, 0 when
    /// nothing was.
    pub evicted_until_ns: u64,
    /// Attributes, events and links that the service itself left out of its spans.
    pub dropped_parts: u64,
}

/// What a store holds, and what it refused or gave up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreStats {
    /// Spans held.
    pub spans: usize,
    /// Traces held.
    pub traces: usize,
    /// Log records held.
    pub logs: usize,
    /// Metric series held.
    pub series: usize,
    /// Estimated bytes of spans and log records held.
    pub bytes: usize,
    /// Spans and log records given up for want of room.
    pub evicted: u64,
    /// Metric points given up for want of room.
    pub evicted_points: u64,
    /// Records refused: invalid ones, and those of too many services or series.
    pub rejected: u64,
    /// Spans received more than once and kept once (an exporter repeats what was not acknowledged).
    pub duplicates: u64,
    /// Every service.
    pub services: BTreeMap<String, ServiceStats>,
}

impl StoreStats {
    /// Everything that is missing because there was no room for it.
    pub fn lost(&self) -> u64 {
        self.evicted + self.evicted_points + self.rejected
    }
}

/// A condition that did not come true before its deadline.
#[derive(Clone, Debug, thiserror::Error)]
#[error("gave up after {waited:.1?}: {unmet}")]
pub struct WaitTimeout {
    /// How long it was waited for.
    pub waited: Duration,
    /// What was still missing, in the words of the condition.
    pub unmet: String,
}
