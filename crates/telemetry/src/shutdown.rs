//! Ending: everything that was recorded goes out, within one deadline.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::export::ExportState;
use crate::init::Telemetry;

/// What became of one signal over the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportOutcome {
    /// Items the collector took.
    pub exported: u64,
    /// Items the collector refused, or that never reached it.
    pub failed: u64,
    /// Items that were dropped because their queue was full.
    pub dropped: u64,
    /// Items that still waited when the deadline passed.
    pub unsent: u64,
    /// Whether the last flush ended before the deadline. `true` when nothing was to be exported.
    pub flushed: bool,
}

/// What [`Telemetry::shutdown`] achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Spans.
    pub spans: ExportOutcome,
    /// Metric exports (one item is one export of all metrics).
    pub metrics: ExportOutcome,
    /// Log lines; `exported` are lines written to stdout.
    pub logs: ExportOutcome,
    /// How long the shutdown took.
    pub took: Duration,
}

impl ShutdownReport {
    /// Whether nothing was lost, neither at the end nor before.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        [self.spans, self.metrics, self.logs]
            .iter()
            .all(|signal| signal.flushed && signal.failed == 0 && signal.dropped == 0 && signal.unsent == 0)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("spans", &self.spans).field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

/// A process that ends without a shutdown loses spans, but it can still say why.
impl Drop for Telemetry {
    fn drop(&mut self) {
        self.logs.flush(Duration::from_millis(250));
    }
}

impl Telemetry {
    /// Flushes and ends everything, waiting at most until `deadline` has passed.
    ///
    /// Spans and metrics go out in parallel, so one that hangs does not cost the other its chance; log lines last, so that
    /// nothing that happens on the way goes unsaid. The report tells what the exporters really achieved, not what the SDK
    /// claims. Blocks the thread: use [`Telemetry::shutdown_async`] inside a runtime.
    pub fn shutdown(self, deadline: Duration) -> ShutdownReport {
        let started = Instant::now();
        let ends = started + deadline;
        // Some time is kept for the lines that tell of a collector that did not answer.
        let exports_end = ends - (deadline / 10).min(Duration::from_millis(200));
        let (tracers, meters) = (self.tracers.clone(), self.meters.clone());
        let patience = exports_end.saturating_duration_since(started);
        let spans = in_thread(move || tracers.shutdown_with_timeout(patience).is_ok());
        // Ignores its time limit, which is why nobody waits for the thread.
        let metrics = in_thread(move || meters.shutdown_with_timeout(patience).is_ok());
        let ended = |done: mpsc::Receiver<bool>| {
            done.recv_timeout(exports_end.saturating_duration_since(Instant::now())).is_ok()
        };
        let spans = outcome(self.spans.as_ref(), ended(spans));
        let metrics = outcome(self.metrics.as_ref(), ended(metrics));
        let flushed = self.logs.flush(ends.saturating_duration_since(Instant::now()));
        let lines = self.logs.writer.stats();
        let logs = ExportOutcome {
            exported: lines.written,
            failed: lines.failed,
            dropped: lines.dropped,
            unsent: lines.waiting,
            flushed,
        };
        ShutdownReport { spans, metrics, logs, took: started.elapsed() }
    }

    /// [`Telemetry::shutdown`] without blocking the runtime, whichever it is.
    pub async fn shutdown_async(self, deadline: Duration) -> ShutdownReport {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let unsent = ExportOutcome::default();
        let spawned = std::thread::Builder::new().name("telemetry-shutdown".into()).spawn(move || {
            let _ = sender.send(self.shutdown(deadline));
        });
        let report = match spawned {
            Ok(_) => receiver.await.ok(),
            Err(_) => None,
        };
        report.unwrap_or(ShutdownReport { spans: unsent, metrics: unsent, logs: unsent, took: Duration::ZERO })
    }
}

/// Runs `work` on a thread that is left behind if it does not come back.
fn in_thread(work: impl FnOnce() -> bool + Send + 'static) -> mpsc::Receiver<bool> {
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let _ = sender.send(work());
    };
    // Without a thread the channel closes at once, which reads as not flushed.
    let _ = std::thread::Builder::new().name("telemetry-shutdown".into()).spawn(work);
    receiver
}

fn outcome(state: Option<&Arc<ExportState>>, ended: bool) -> ExportOutcome {
    match state {
        None => ExportOutcome { flushed: true, ..ExportOutcome::default() },
        Some(state) => ExportOutcome {
            exported: state.exported(),
            failed: state.failed(),
            dropped: state.dropped(),
            unsent: state.waiting(),
            // The SDK says so even when it gave up; nothing may be left waiting.
            flushed: ended && state.waiting() == 0,
        },
    }
}
