//! In-memory telemetry for tests: what the code under test emitted, and only that.
//!
//! The process has one telemetry, shared by all tests in it; each test has a correlation id of its own and sees what carries
//! it. So tests may run in parallel. Metrics have no correlation id: a test asks for those with attributes only it produces.
//!
//! Whatever is expected and not found fails with the whole flow in the message: every span as a tree, every log line.
//!
//! # Examples
//!
//! ```
//! use telemetry::span::Observe;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let capture = telemetry::testing::capture();
//! let work = async { tracing::info!(gigs = 3, "found") };
//! capture.run(Observe::internal("search").attribute("app.term", "rust").run(work)).await;
//!
//! assert_eq!(capture.tree(), "internal search\n");
//! assert_eq!(capture.expect_span("internal search").attribute("app.term"), "rust");
//! assert_eq!(capture.expect_log("found").field("gigs"), "3");
//! # }
//! ```

use std::fmt::Write;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry::Context;

use crate::correlation::{self, CorrelationId};
use crate::init::{Telemetry, install};
use crate::logs::Sink;
use crate::settings::Config;

mod flow;
mod log_line;
mod point;
mod span;
mod store;
mod tee;
mod tree;

pub use flow::Flow;
pub use log_line::LogLine;
pub use point::{Point, metric};
pub use span::Span;

pub(crate) use tee::tee;

use store::Store;

/// Longest time anything is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

static MEMORY: OnceLock<(Store, Telemetry)> = OnceLock::new();

/// What one test sees.
#[derive(Debug, Clone)]
pub struct Capture {
    id: CorrelationId,
    /// All metrics as they were when the test began.
    before: Arc<[Point]>,
}

/// Everything this process has emitted since its first [`capture`], whichever test it belongs to.
///
/// For checks that hold for all telemetry, such as that every name is declared somewhere.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Emitted {
    /// Finished spans (the last 65,536) in the order they ended.
    pub spans: Vec<Span>,
    /// Log lines (the last 65,536) in the order they were written.
    pub logs: Vec<LogLine>,
    /// All points of all metrics, as they are now.
    pub metrics: Vec<Point>,
}

/// Makes the process's telemetry an in-memory one (once) and opens a view with a new correlation id.
///
/// # Panics
///
/// When the process has another telemetry or `tracing` subscriber already: a test cannot see what goes there.
#[must_use]
pub fn capture() -> Capture {
    capture_with(|config| config)
}

/// [`capture`] under a configuration of one's own, such as allowed baggage or a collector to export to.
///
/// The first call in the process decides: tests that need different configurations go into different test binaries.
///
/// # Panics
///
/// As [`capture`].
///
/// # Examples
///
/// ```
/// let capture = telemetry::testing::capture_with(|config| config.allow_baggage(["tenant"]));
/// assert_eq!(capture.tree(), "");
/// ```
#[must_use]
pub fn capture_with(change: impl FnOnce(Config) -> Config) -> Capture {
    MEMORY.get_or_init(|| {
        let store = Store::default();
        let config = change(Config::new("test").version("0.0.0").instance("test-1").log_filter("trace"));
        let telemetry = install(&config, Sink::Memory, Some(Arc::new(store.clone())))
            .expect("a test process has no other telemetry");
        (store, telemetry)
    });
    Capture { id: CorrelationId::generate(), before: point::collect().into() }
}

/// Everything emitted by this process so far; nothing before the first [`capture`].
#[must_use]
pub fn emitted() -> Emitted {
    Emitted {
        spans: all_spans(),
        logs: all_lines().iter().map(|line| LogLine::parse(line)).collect(),
        metrics: point::collect(),
    }
}

fn all_spans() -> Vec<Span> {
    MEMORY.get().map(|(store, _)| store.spans()).unwrap_or_default()
}

fn all_lines() -> Vec<String> {
    MEMORY.get().map(|(_, telemetry)| telemetry.logs.writer.lines()).unwrap_or_default()
}

/// Changes whenever there is something new to look at.
fn version() -> (u64, u64) {
    MEMORY.get().map(|(store, telemetry)| (store.version(), telemetry.logs.writer.stats().written)).unwrap_or_default()
}

// === impl Capture ===

impl Capture {
    /// The id that marks what belongs to this test; send it as `x-correlation-id` to a server under test.
    #[must_use]
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.id
    }

    /// A context with nothing in it but the id.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::new().with_value(self.id.clone())
    }

    /// Runs `future` on behalf of this test.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        correlation::scope(self.id.clone(), future).await
    }

    /// The finished spans that carry the id, and those in the same traces, in the order they ended.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        flow::same_traces(all_spans(), &self.id)
    }

    /// The finished spans that carry the id, and all that is connected to them by traces and links, in either direction.
    #[must_use]
    pub fn flow(&self) -> Flow {
        Flow::around(all_spans(), &self.id)
    }

    /// The log lines that carry the id, as JSON, in order.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        let marker = format!("\"correlation_id\":\"{}\"", self.id);
        all_lines().into_iter().filter(|line| line.contains(&marker)).collect()
    }

    /// The log lines that carry the id, parsed, in order.
    #[must_use]
    pub fn log_lines(&self) -> Vec<LogLine> {
        self.logs().iter().map(|line| LogLine::parse(line)).collect()
    }

    /// The spans as text: children below their parents, roots and siblings by start; links as `~> name of the linked span`.
    #[must_use]
    pub fn tree(&self) -> String {
        tree::render(&self.spans(), &[])
    }

    /// The same with the values of some attributes behind each name: `server GET /gigs {http.response.status_code=200}`.
    #[must_use]
    pub fn tree_with(&self, attributes: &[&str]) -> String {
        tree::render(&self.spans(), attributes)
    }

    /// How much `metric` has grown since this capture began, over all points with at least these attributes: the sum, of a
    /// histogram the count, of a gauge the difference.
    ///
    /// Other tests measure too: name an attribute that only this one produces.
    #[must_use]
    pub fn metric_delta(&self, metric: &str, attributes: &[(&str, &str)]) -> f64 {
        point::sum(&point::collect(), metric, attributes) - point::sum(&self.before, metric, attributes)
    }

    /// The first span of this test that is written as `{kind} {name}`, such as `server GET /gigs/{id}`.
    ///
    /// # Panics
    ///
    /// When there is none; shows what there is.
    #[must_use]
    #[track_caller]
    pub fn expect_span(&self, span: &str) -> Span {
        match self.spans().into_iter().find(|found| found.is(span)) {
            Some(found) => found,
            None => panic!("no span `{span}`; {}", self.seen()),
        }
    }

    /// The first log line of this test whose message contains `text`.
    ///
    /// # Panics
    ///
    /// When there is none; shows what there is.
    #[must_use]
    #[track_caller]
    pub fn expect_log(&self, text: &str) -> LogLine {
        match self.log_lines().into_iter().find(|line| line.message().contains(text)) {
            Some(found) => found,
            None => panic!("no log line with `{text}`; {}", self.seen()),
        }
    }

    /// Asserts that [`Capture::metric_delta`] is `expected`.
    ///
    /// # Panics
    ///
    /// When it is not; shows every point of the metric.
    #[track_caller]
    pub fn expect_metric(&self, metric: &str, attributes: &[(&str, &str)], expected: f64) {
        let delta = self.metric_delta(metric, attributes);
        if (delta - expected).abs() <= f64::EPSILON * expected.abs() {
            return;
        }
        let mut points = String::new();
        for point in point::collect().iter().filter(|point| point.metric == metric) {
            let _ = writeln!(points, "  {point}");
        }
        panic!("`{metric}` with {attributes:?} grew by {delta}, expected {expected}; its points are\n{points}");
    }

    /// Waits, at most ten seconds, until `condition` holds for this test's spans; returns them either way.
    pub async fn wait_for(&self, condition: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let held = until(|| Some(self.spans()).filter(|spans| condition(spans))).await;
        held.unwrap_or_else(|| self.spans())
    }

    /// Waits, at most ten seconds, for a span as [`Capture::expect_span`] finds it.
    ///
    /// # Panics
    ///
    /// When it does not come; shows what came.
    pub async fn wait_for_span(&self, span: &str) -> Span {
        match until(|| self.spans().into_iter().find(|found| found.is(span))).await {
            Some(found) => found,
            None => panic!("no span `{span}` within {PATIENCE:?}; {}", self.seen()),
        }
    }

    /// Waits, at most ten seconds, for a log line as [`Capture::expect_log`] finds it.
    ///
    /// # Panics
    ///
    /// When it does not come; shows what came.
    pub async fn wait_for_log(&self, text: &str) -> LogLine {
        match until(|| self.log_lines().into_iter().find(|line| line.message().contains(text))).await {
            Some(found) => found,
            None => panic!("no log line with `{text}` within {PATIENCE:?}; {}", self.seen()),
        }
    }

    /// Everything this test sees, for the message of a failure.
    fn seen(&self) -> String {
        let mut out = String::from("its spans are\n");
        for line in self.flow().tree().lines() {
            let _ = writeln!(out, "  {line}");
        }
        out.push_str("its log lines are\n");
        for line in self.log_lines() {
            let _ = writeln!(out, "  {line}");
        }
        out
    }
}

/// What `look` finds, as soon as it finds something; `None` when patience ends. Needs no timer of the runtime.
async fn until<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = None;
    loop {
        // Looking again is only worth it when something was added.
        let now = Some(version());
        if seen != now {
            seen = now;
            if let Some(found) = look() {
                return Some(found);
            }
        }
        if Instant::now() >= deadline {
            return None;
        }
        // Other tasks, and the server's threads, get their turn.
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
}
