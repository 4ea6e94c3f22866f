//! What became of one signal's items, and whether its collector answers.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use opentelemetry_sdk::error::OTelSdkResult;

const UNKNOWN: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

/// Counters of one signal; shared by whoever queues, exports and reports.
#[derive(Debug)]
pub(crate) struct ExportState {
    signal: &'static str,
    endpoint: String,
    offered: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    collector: AtomicU8,
}

impl ExportState {
    pub(crate) fn new(signal: &'static str, endpoint: &str) -> Self {
        Self {
            signal,
            endpoint: endpoint.to_owned(),
            offered: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            collector: AtomicU8::new(UNKNOWN),
        }
    }

    /// Takes one more item, unless `capacity` items already wait; then it counts as dropped.
    pub(crate) fn admit(&self, capacity: u64) -> bool {
        if self.waiting() >= capacity {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.offered.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Counts an export of `items` and logs when the collector came up or went down, once per change.
    pub(crate) fn done(&self, items: u64, result: &OTelSdkResult) {
        let (counter, now) = match result {
            Ok(()) => (&self.exported, UP),
            Err(_) => (&self.failed, DOWN),
        };
        counter.fetch_add(items, Ordering::Relaxed);
        let before = self.collector.swap(now, Ordering::Relaxed);
        match (before, result) {
            (UNKNOWN | UP, Err(error)) => tracing::warn!(
                target: "telemetry::export",
                signal = self.signal,
                endpoint = self.endpoint,
                error = %error,
                "collector is down: what cannot wait is dropped and counted"
            ),
            (DOWN, Ok(())) => tracing::warn!(
                target: "telemetry::export",
                signal = self.signal,
                endpoint = self.endpoint,
                failed = self.failed(),
                dropped = self.dropped(),
                "collector is up again"
            ),
            _ => {}
        }
    }

    /// Items that were taken and are neither exported nor lost yet.
    pub(crate) fn waiting(&self) -> u64 {
        self.offered.load(Ordering::Relaxed).saturating_sub(self.exported() + self.failed())
    }

    pub(crate) fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_sdk::error::OTelSdkError;

    #[tokio::test]
    async fn each_change_of_the_collector_is_logged_once() {
        let capture = crate::testing::capture();
        let state = ExportState::new("traces", "http://collector");
        capture
            .run(async {
                state.done(1, &Ok(()));
                state.done(2, &Err(OTelSdkError::AlreadyShutdown));
                state.done(3, &Err(OTelSdkError::AlreadyShutdown));
                state.done(4, &Ok(()));
                state.done(5, &Ok(()));
            })
            .await;
        let logs = capture.logs();
        assert_eq!(logs.len(), 2, "{logs:#?}");
        assert!(logs[0].contains("collector is down") && logs[1].contains("collector is up again"), "{logs:#?}");
        assert_eq!((state.exported(), state.failed()), (10, 5));
    }

    #[test]
    fn admission_stops_at_its_capacity_and_resumes_when_items_leave() {
        let state = ExportState::new("traces", "http://collector");
        assert!(state.admit(2) && state.admit(2) && !state.admit(2));
        assert_eq!((state.waiting(), state.dropped()), (2, 1));
        state.done(1, &Ok(()));
        assert!(state.admit(2));
        assert_eq!((state.waiting(), state.dropped()), (2, 1));
    }
}
