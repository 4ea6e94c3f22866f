//! Ending: everything that was recorded goes out, within one deadline.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::export::Signal;
use crate::init::Telemetry;

/// No process waits longer for its end; what is added to a clock must not overflow it.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What became of one signal over the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportOutcome {
    /// Items the collector took.
    pub exported: u64,
    /// Items in requests that the collector refused, or that were given up after retries.
    pub failed: u64,
    /// Items the collector refused while it took the rest of their request.
    pub rejected: u64,
    /// Items that were dropped because their queue was full.
    pub dropped: u64,
    /// Items that still waited, or were under way, when the deadline passed or nothing more could be hoped for.
    pub unsent: u64,
    /// Whether the last flush ended before the deadline. `true` when nothing was to be exported.
    pub flushed: bool,
}

/// What [`Telemetry::shutdown`] achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Spans.
    pub spans: ExportOutcome,
    /// Data points of metrics, each time they were exported. Points are cumulative: a later export makes up for a failed one.
    pub metrics: ExportOutcome,
    /// Log lines; `exported` are lines written to stdout.
    pub logs: ExportOutcome,
    /// Log records exported over OTLP.
    pub log_records: ExportOutcome,
    /// How long the shutdown took.
    pub took: Duration,
}

// === impl ExportOutcome ===

impl ExportOutcome {
    /// Whether nothing was lost, neither at the end nor before.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.flushed && self.failed + self.rejected + self.dropped + self.unsent == 0
    }

    fn of(signal: Option<&Arc<dyn Signal>>, ended: bool) -> Self {
        let Some(signal) = signal else { return Self { flushed: true, ..Self::default() } };
        let (unsent, outcome) = signal.balance();
        Self {
            exported: outcome.exported,
            failed: outcome.failed,
            rejected: outcome.rejected,
            dropped: signal.state().dropped.get(),
            unsent,
            flushed: ended && unsent == 0,
        }
    }
}

// === impl ShutdownReport ===

impl ShutdownReport {
    /// Whether nothing was lost, neither at the end nor before.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let telemetry = telemetry::init(telemetry::Config::from_env("order"))?;
    /// let report = telemetry.shutdown(std::time::Duration::from_secs(5));
    /// if !report.is_complete() {
    ///     // Log lines are flushed by then: what is said now goes to stderr.
    ///     eprintln!("{} spans were lost", report.spans.dropped + report.spans.failed + report.spans.unsent);
    /// }
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_complete(&self) -> bool {
        [self.spans, self.metrics, self.logs, self.log_records].iter().all(ExportOutcome::is_complete)
    }
}

// === impl Telemetry ===

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
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
    /// The signals go out in parallel, so one that hangs does not cost the others their chance; log lines last, so that
    /// nothing that happens on the way goes unsaid. A collector that is known to be down is tried once more, twice at most:
    /// waiting for it would only delay the end. Blocks the thread: use [`Telemetry::shutdown_async`] inside a runtime.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use telemetry::Config;
    ///
    /// # fn main() -> Result<(), telemetry::InitError> {
    /// let telemetry = telemetry::init(Config::from_env("import"))?;
    /// tracing::info!("imported");
    /// let report = telemetry.shutdown(Duration::from_secs(5));
    /// assert!(report.took < Duration::from_secs(6));
    /// # Ok(()) }
    /// ```
    pub fn shutdown(self, deadline: Duration) -> ShutdownReport {
        let started = Instant::now();
        let deadline = deadline.min(LONGEST);
        let ends = started + deadline;
        // Some time is kept for the lines that tell of a collector that did not answer.
        let exports_end = ends - (deadline / 10).min(Duration::from_millis(200));
        let signals = [&self.spans, &self.metrics, &self.records].map(Option::as_ref);
        signals.iter().flatten().for_each(|signal| signal.end(exports_end));
        let [spans, metrics, log_records] = signals.map(|signal| {
            let ended = signal.is_none_or(|signal| signal.ended(exports_end));
            ExportOutcome::of(signal, ended)
        });
        // Waits for nothing: the exporters are our own, and have ended or never will.
        let _ = self.tracers.shutdown();
        self.end_meters(exports_end);
        let flushed = self.logs.flush(ends.saturating_duration_since(Instant::now()));
        let lines = self.logs.writer.stats();
        let logs = ExportOutcome {
            exported: lines.written,
            failed: lines.failed,
            rejected: 0,
            dropped: lines.dropped,
            unsent: lines.waiting,
            flushed,
        };
        ShutdownReport { spans, metrics, logs, log_records, took: started.elapsed() }
    }

    /// Ends the meters, on a thread that is left behind when somebody who collects holds their lock beyond `until`.
    fn end_meters(&self, until: Instant) {
        let meters = self.meters.clone();
        let (done, ended) = std::sync::mpsc::sync_channel(1);
        let spawned = std::thread::Builder::new().name("telemetry-shutdown".into()).spawn(move || {
            let _ = meters.shutdown();
            let _ = done.send(());
        });
        if spawned.is_ok() {
            let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }

    /// [`Telemetry::shutdown`] without blocking the runtime, whichever it is.
    ///
    /// Dropped before it is ready, it goes on in a thread of its own, and nobody gets the report. When no thread can be started
    /// nothing is flushed, and the report says so.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), telemetry::InitError> {
    /// use std::time::Duration;
    ///
    /// let telemetry = telemetry::init(telemetry::Config::from_env("order"))?;
    /// // Serve until the process is told to stop, then:
    /// let report = telemetry.shutdown_async(Duration::from_secs(5)).await;
    /// if !report.spans.flushed {
    ///     eprintln!("the collector did not take {} spans in time", report.spans.unsent);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn shutdown_async(self, deadline: Duration) -> ShutdownReport {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let nothing = ExportOutcome::default();
        let spawned = std::thread::Builder::new().name("telemetry-shutdown".into()).spawn(move || {
            let _ = sender.send(self.shutdown(deadline));
        });
        let report = match spawned {
            Ok(_) => receiver.await.ok(),
            Err(_) => None,
        };
        report.unwrap_or(ShutdownReport {
            spans: nothing,
            metrics: nothing,
            logs: nothing,
            log_records: nothing,
            took: Duration::ZERO,
        })
    }
}
