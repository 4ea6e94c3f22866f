//! In-memory telemetry for tests: what the code under test emitted, and only that.
//!
//! The process has one telemetry, shared by all tests in it; each test has a correlation id of its own and sees what carries
//! it. So tests may run in parallel. Metrics have no correlation id: a test asks for those with attributes only it produces.
//!
//! # Examples
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let capture = telemetry::testing::capture();
//! capture.run(async { tracing::info!("at work") }).await;
//! assert!(capture.logs()[0].contains("at work"));
//! # }
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::trace::SpanData;

use crate::core::core;
use crate::correlation::{self, CorrelationId};
use crate::init::{Telemetry, install};
use crate::logs::Sink;
use crate::redact;
use crate::settings::Config;
use crate::trace::{Finished, SpanSink};

/// Spans kept; the oldest go first.
const MAX_SPANS: usize = 65_536;

/// Longest time [`Capture::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(10);

static MEMORY: OnceLock<(Store, Telemetry)> = OnceLock::new();

/// What one test sees.
#[derive(Debug, Clone)]
pub struct Capture {
    id: CorrelationId,
}

/// A finished span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Name.
    pub name: String,
    /// `server`, `client`, `producer`, `consumer` or `internal`.
    pub kind: &'static str,
    /// Trace, in hexadecimal.
    pub trace_id: String,
    /// Span, in hexadecimal.
    pub span_id: String,
    /// Parent, in hexadecimal; `None` for a root.
    pub parent_id: Option<String>,
    /// Trace and span of each link.
    pub links: Vec<(String, String)>,
    /// Attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether its status is an error.
    pub failed: bool,
}

/// Makes the process's telemetry an in-memory one (once) and opens a view with a new correlation id.
///
/// # Panics
///
/// When the process has another telemetry or `tracing` subscriber already: a test cannot see what goes there.
#[must_use]
pub fn capture() -> Capture {
    MEMORY.get_or_init(|| {
        let store = Store::default();
        let config = Config::new("test").version("0.0.0").instance("test-1").log_filter("trace");
        let telemetry = install(&config, Sink::Memory, Some(Arc::new(store.clone())))
            .expect("a test process has no other telemetry");
        (store, telemetry)
    });
    Capture { id: CorrelationId::generate() }
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
        let Some((store, _)) = MEMORY.get() else { return Vec::new() };
        let spans = store.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = |span: &SpanData| {
            span.attributes
                .iter()
                .any(|a| a.key.as_str() == correlation::ATTRIBUTE && *a.value.as_str() == *self.id.as_str())
        };
        let traces: BTreeSet<_> =
            spans.iter().filter(|span| mine(span)).map(|span| span.span_context.trace_id().to_bytes()).collect();
        spans.iter().filter(|span| traces.contains(&span.span_context.trace_id().to_bytes())).map(Span::from).collect()
    }

    /// The log lines that carry the id, as JSON, in order.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        let marker = format!("\"correlation_id\":\"{}\"", self.id);
        let Some((_, telemetry)) = MEMORY.get() else { return Vec::new() };
        telemetry.logs.writer.lines().into_iter().filter(|line| line.contains(&marker)).collect()
    }

    /// Waits, at most ten seconds, until `condition` holds for this test's spans; returns them either way.
    pub async fn wait_for(&self, condition: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans = self.spans();
            if condition(&spans) || Instant::now() >= deadline {
                return spans;
            }
            // Other tasks, and the server's threads, get their turn.
            tokio::task::yield_now().await;
        }
    }

    /// The spans as text: children below their parents, roots and siblings by start; links as `~> name of the linked span`.
    #[must_use]
    pub fn tree(&self) -> String {
        tree(&self.spans())
    }
}

/// The sum (of a histogram: the count) of all points of `metric` that have at least these attributes; 0 without any.
#[must_use]
pub fn metric(metric: &str, attributes: &[(&str, &str)]) -> f64 {
    fn matches<'a>(given: impl Iterator<Item = &'a KeyValue>, wanted: &[(&str, &str)]) -> bool {
        let given: Vec<&KeyValue> = given.collect();
        wanted.iter().all(|(key, value)| given.iter().any(|a| a.key.as_str() == *key && a.value.as_str() == *value))
    }
    fn sum<T: Copy>(data: &MetricData<T>, wanted: &[(&str, &str)], to_f64: impl Fn(T) -> f64) -> f64 {
        match data {
            MetricData::Gauge(gauge) => gauge
                .data_points()
                .filter(|point| matches(point.attributes(), wanted))
                .map(|point| to_f64(point.value()))
                .sum(),
            MetricData::Sum(sum) => sum
                .data_points()
                .filter(|point| matches(point.attributes(), wanted))
                .map(|point| to_f64(point.value()))
                .sum(),
            MetricData::Histogram(histogram) => histogram
                .data_points()
                .filter(|point| matches(point.attributes(), wanted))
                .map(|point| point.count() as f64)
                .sum(),
            MetricData::ExponentialHistogram(histogram) => histogram
                .data_points()
                .filter(|point| matches(point.attributes(), wanted))
                .map(|point| point.count() as f64)
                .sum(),
        }
    }
    let Some(scrape) = &core().scrape else { return 0.0 };
    let collected = scrape.collect();
    let named = collected.scope_metrics().flat_map(|scope| scope.metrics()).filter(|found| found.name() == metric);
    named
        .map(|found| match found.data() {
            AggregatedMetrics::F64(data) => sum(data, attributes, |value| value),
            AggregatedMetrics::U64(data) => sum(data, attributes, |value| value as f64),
            AggregatedMetrics::I64(data) => sum(data, attributes, |value| value as f64),
        })
        .sum()
}

// === impl Span ===

impl From<&SpanData> for Span {
    fn from(data: &SpanData) -> Self {
        let id = |span: SpanId| span.to_string();
        Self {
            name: data.name.clone().into_owned(),
            kind: match data.span_kind {
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                SpanKind::Producer => "producer",
                SpanKind::Consumer => "consumer",
                SpanKind::Internal => "internal",
            },
            trace_id: data.span_context.trace_id().to_string(),
            span_id: id(data.span_context.span_id()),
            parent_id: (data.parent_span_id != SpanId::INVALID).then(|| id(data.parent_span_id)),
            links: data
                .links
                .links
                .iter()
                .map(|link| (link.span_context.trace_id().to_string(), id(link.span_context.span_id())))
                .collect(),
            attributes: data
                .attributes
                .iter()
                .map(|attribute| (attribute.key.to_string(), attribute.value.as_str().into_owned()))
                .collect(),
            failed: matches!(data.status, Status::Error { .. }),
        }
    }
}

impl Span {
    /// One attribute, or an empty text.
    #[must_use]
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// The tree of `spans` as text.
fn tree(spans: &[Span]) -> String {
    fn node(span: &Span, depth: usize, spans: &[Span], out: &mut String) {
        let _ = write!(out, "{}{} {}", "  ".repeat(depth), span.kind, span.name);
        if span.failed {
            let _ = write!(out, " !{}", span.attribute("error.type"));
        }
        for (_, linked) in &span.links {
            let name = spans.iter().find(|other| other.span_id == *linked).map_or("outside", |other| &other.name);
            let _ = write!(out, " ~> {name}");
        }
        out.push('\n');
        for child in spans.iter().filter(|other| other.parent_id.as_ref() == Some(&span.span_id)) {
            node(child, depth + 1, spans, out);
        }
    }
    let mut out = String::new();
    for span in spans {
        let rooted = span.parent_id.as_ref().is_some_and(|parent| spans.iter().any(|other| other.span_id == *parent));
        if !rooted {
            node(span, 0, spans, &mut out);
        }
    }
    out
}

/// Keeps finished spans.
#[derive(Debug, Clone, Default)]
struct Store(Arc<Mutex<VecDeque<SpanData>>>);

impl SpanSink for Store {
    fn push(&self, span: Finished) {
        let mut span = SpanData::from(span);
        redact::span(&mut span);
        let mut spans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() == MAX_SPANS {
            spans.pop_front();
        }
        spans.push_back(span);
    }
}
