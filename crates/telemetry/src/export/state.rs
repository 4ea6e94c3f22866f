//! What became of one signal's items, and whether its collector answers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::Partial;

const UNKNOWN: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

/// Complaints of a collector that are told apart; it could think of a new one for each request.
const MAX_COMPLAINTS: usize = 16;

#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

/// What became of the items that have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// Taken by the collector.
    pub(crate) exported: u64,
    /// Refused as a whole, or given up.
    pub(crate) failed: u64,
    /// Refused by a collector that took the rest.
    pub(crate) rejected: u64,
}

/// Counters of one signal; shared by whoever queues, exports and reports.
#[derive(Debug)]
pub(crate) struct ExportState {
    /// `traces`, `metrics` or `logs`.
    pub(super) signal: &'static str,
    /// What its items are called in names of metrics: `span`, `metric_data_point` or `log`.
    pub(super) item: &'static str,
    endpoint: String,
    /// Changed as one, so that whoever reads it finds each item once.
    outcome: Mutex<Outcome>,
    /// Refused by a full queue.
    pub(crate) dropped: Count,
    collector: AtomicU8,
    complaints: Mutex<BTreeSet<String>>,
}

// === impl Count ===

impl Count {
    pub(super) fn add(&self, items: u64) {
        self.0.fetch_add(items, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl ExportState ===

impl ExportState {
    pub(crate) fn new(signal: &'static str, item: &'static str, endpoint: &str) -> Self {
        Self {
            signal,
            item,
            endpoint: shown(endpoint),
            outcome: Mutex::default(),
            dropped: Count::default(),
            collector: AtomicU8::new(UNKNOWN),
            complaints: Mutex::default(),
        }
    }

    /// What became of the items so far.
    pub(crate) fn outcome(&self) -> Outcome {
        *self.counts()
    }

    fn counts(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many are lost.
    pub(super) fn fail(&self, items: u64) {
        self.counts().failed += items;
    }

    /// The collector answered, but took nothing and would not another time: one line per reason.
    pub(super) fn refused(&self, items: u64, reason: &str) {
        self.fail(items);
        if self.is_new(reason) {
            tracing::warn!(
                target: "telemetry::export",
                signal = self.signal,
                endpoint = self.endpoint,
                error = reason,
                "collector refuses: what it was sent is lost and counted"
            );
        }
    }

    /// An attempt failed: one line when the collector was not known to be down.
    pub(super) fn down(&self, reason: &str) {
        if self.collector.swap(DOWN, Ordering::Relaxed) != DOWN {
            tracing::warn!(
                target: "telemetry::export",
                signal = self.signal,
                endpoint = self.endpoint,
                error = reason,
                "collector is down: what cannot wait is dropped and counted"
            );
        }
    }

    /// The collector took `items`, or all but the rejected ones: one line when it was down before, one per complaint.
    pub(super) fn up(&self, items: u64, partial: &Partial) {
        let rejected = partial.rejected.min(items);
        {
            let mut counts = self.counts();
            counts.exported += items - rejected;
            counts.rejected += rejected;
        }
        if self.collector.swap(UP, Ordering::Relaxed) == DOWN {
            tracing::warn!(
                target: "telemetry::export",
                signal = self.signal,
                endpoint = self.endpoint,
                failed = self.outcome().failed,
                dropped = self.dropped.get(),
                "collector is up again"
            );
        }
        if *partial != Partial::default() && self.is_new(&partial.message) {
            tracing::warn!(
                target: "telemetry::export",
                signal = self.signal,
                endpoint = self.endpoint,
                rejected,
                reason = partial.message,
                "collector complains: what it rejected is counted"
            );
        }
    }

    /// Whether the last attempt reached the collector; `None` before the first.
    pub(super) fn is_up(&self) -> Option<bool> {
        match self.collector.load(Ordering::Relaxed) {
            UNKNOWN => None,
            state => Some(state == UP),
        }
    }

    /// Complaints that differ in their numbers only are the same.
    fn is_new(&self, complaint: &str) -> bool {
        let complaint: String = complaint.chars().filter(|c| !c.is_ascii_digit()).collect();
        let mut known = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        known.len() < MAX_COMPLAINTS && known.insert(complaint)
    }
}

/// An endpoint may carry credentials.
fn shown(endpoint: &str) -> String {
    endpoint.parse().map_or_else(|_| String::new(), |url| crate::redact::url(&url, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> ExportState {
        ExportState::new("traces", "span", "http://user:pass@collector/v1/traces")
    }

    #[tokio::test]
    async fn each_change_of_the_collector_is_logged_once() {
        let capture = crate::testing::capture();
        let state = state();
        capture
            .run(async {
                state.up(1, &Partial::default());
                state.down("refused");
                state.down("refused");
                state.up(4, &Partial::default());
                state.up(5, &Partial::default());
            })
            .await;
        let logs = capture.logs();
        assert_eq!(logs.len(), 2, "{logs:#?}");
        assert!(logs[0].contains("collector is down") && logs[1].contains("collector is up again"), "{logs:#?}");
        assert!(logs.iter().all(|line| line.contains("\"http://collector/v1/traces\"")), "{logs:#?}");
        assert_eq!(state.outcome(), Outcome { exported: 10, ..Outcome::default() });
    }

    #[tokio::test]
    async fn refusal_is_no_outage() {
        let capture = crate::testing::capture();
        let state = state();
        capture
            .run(async {
                for size in 0..50 {
                    state.up(1, &Partial::default());
                    state.refused(1, &format!("400 Bad Request: {size} bytes"));
                }
            })
            .await;
        let logs = capture.logs();
        assert!(logs.len() == 1 && logs[0].contains("collector refuses"), "{logs:#?}");
        assert_eq!((state.outcome().failed, state.is_up()), (50, Some(true)));
    }

    #[tokio::test]
    async fn each_complaint_of_the_collector_is_logged_once() {
        let capture = crate::testing::capture();
        let state = state();
        capture
            .run(async {
                for rejected in [1, 2, 9] {
                    state.up(4, &Partial { rejected, message: format!("{rejected} spans are too old") });
                }
                for n in 0..100 {
                    state.up(1, &Partial { rejected: 0, message: "ab".repeat(n) });
                }
            })
            .await;
        assert_eq!(capture.logs().len(), MAX_COMPLAINTS);
        // A collector cannot reject more than it was sent.
        assert_eq!(state.outcome(), Outcome { exported: 3 + 2 + 100, failed: 0, rejected: 1 + 2 + 4 });
    }
}
