//! What is compared: one stack per file, each with what its own documentation tells its users to set up.
//!
//! A stack owns what is global in a process (subscriber, providers), so each runs in a process of its own.

mod axum_tracing_opentelemetry;
mod bare;
mod full;
mod instrumentation_tower;
mod lines;
mod requests;
mod sdk;
mod telemetry;
mod tower_http;
mod tracing_subscriber;

pub use full::environment;
pub use lines::Lines;
pub use requests::Requests;

/// Spans of one round must fit into the queue, or dropping would be measured instead of recording.
pub const ROUND: u64 = 2_000;
/// Most spans that wait, in every stack: of two rounds, or of one in which each request makes two.
const QUEUE: usize = 4_096;
/// A full batch wakes the exporter. At full speed that would be in the middle of a round, on the sibling of the same core; at
/// rates that services see it hardly ever meets a request. So batches are as large as the queue, and what a round leaves to
/// the exporter is counted as processor time after the round.
const BATCH: usize = QUEUE;
/// When the exporter wakes instead.
const DELAY: std::time::Duration = std::time::Duration::from_millis(100);

/// What a stack does again and again.
pub enum Subject {
    /// Answers requests.
    Requests(Box<Requests>),
    /// Writes log lines.
    Lines(Lines),
}

/// Whether the caller's trace is sampled: the same for all stacks, as it comes with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// `traceparent` ends in 01.
    Sampled,
    /// `traceparent` ends in 00.
    Unsampled,
}

/// A stack that can be built, once in a process.
pub struct Stack {
    /// Unique, and usable as an argument.
    pub id: &'static str,
    /// Spans that it makes of a sampled request.
    pub spans: u64,
    /// Builds it; spans and metrics go to this OTLP/HTTP endpoint, or nowhere.
    pub build: fn(endpoint: Option<&str>) -> Subject,
}

/// Every stack.
pub const STACKS: [Stack; 14] = [
    Stack { id: "bare", spans: 0, build: bare::build },
    Stack { id: "bare-with-layer", spans: 0, build: bare::with_layer },
    Stack { id: "telemetry", spans: 1, build: telemetry::without_lines },
    Stack { id: "telemetry-full", spans: 1, build: telemetry::full },
    Stack { id: "telemetry-line", spans: 0, build: telemetry::line },
    Stack { id: "axum-tracing-opentelemetry", spans: 1, build: axum_tracing_opentelemetry::build },
    Stack { id: "opentelemetry-instrumentation-tower", spans: 1, build: instrumentation_tower::build },
    Stack { id: "both", spans: 1, build: full::without_lines },
    Stack { id: "tower-http", spans: 0, build: tower_http::build },
    Stack { id: "tower-http-instrumentation-tower", spans: 1, build: full::cheapest },
    Stack { id: "tower-http-axum-tracing-instrumentation-tower", spans: 2, build: full::by_hand },
    Stack { id: "init-tracing-opentelemetry-full", spans: 2, build: full::by_init },
    Stack { id: "tracing-subscriber-json", spans: 0, build: tracing_subscriber::json },
    Stack { id: "tracing-subscriber-json-flat", spans: 0, build: tracing_subscriber::json_flat },
];

/// One line of the table: what is measured, for whom.
pub struct Row {
    /// Name in the table.
    pub name: &'static str,
    /// What comes in.
    pub trace: Trace,
    /// Whether spans and metrics are exported.
    pub exported: bool,
    /// What costs nothing; `None` when the cost is absolute.
    pub base: Option<&'static str>,
    /// Our stack.
    pub ours: &'static str,
    /// Our peers' stacks, and how the table calls them.
    pub peers: &'static [(&'static str, &'static str)],
}

/// What axum charges for any layer; no peer, but the least that all of them can cost.
pub const FLOOR: &str = "bare-with-layer";

const SPANS_AND_METRICS: &[(&str, &str)] = &[
    ("axum-tracing-opentelemetry (spans only)", "axum-tracing-opentelemetry"),
    ("opentelemetry-instrumentation-tower", "opentelemetry-instrumentation-tower"),
    ("axum-tracing-opentelemetry + opentelemetry-instrumentation-tower", "both"),
];

const WHOLE: &[(&str, &str)] = &[
    ("tower-http TraceLayer + tracing-subscriber JSON (line only)", "tower-http"),
    ("tower-http + opentelemetry-instrumentation-tower (line without ids)", "tower-http-instrumentation-tower"),
    (
        "tower-http + axum-tracing-opentelemetry + opentelemetry-instrumentation-tower",
        "tower-http-axum-tracing-instrumentation-tower",
    ),
    ("the same set up by init-tracing-opentelemetry (line with trace id)", "init-tracing-opentelemetry-full"),
];

/// Every line of the table.
pub const ROWS: [Row; 6] = [
    Row {
        name: "request_sampled",
        trace: Trace::Sampled,
        exported: true,
        base: Some("bare"),
        ours: "telemetry",
        peers: SPANS_AND_METRICS,
    },
    Row {
        name: "request_unsampled",
        trace: Trace::Unsampled,
        exported: true,
        base: Some("bare"),
        ours: "telemetry",
        peers: SPANS_AND_METRICS,
    },
    Row {
        name: "request_full",
        trace: Trace::Sampled,
        exported: true,
        base: Some("bare"),
        ours: "telemetry-full",
        peers: WHOLE,
    },
    Row {
        name: "request_full_unsampled",
        trace: Trace::Unsampled,
        exported: true,
        base: Some("bare"),
        ours: "telemetry-full",
        peers: WHOLE,
    },
    Row {
        name: "request_sampled_not_exported",
        trace: Trace::Sampled,
        exported: false,
        base: Some("bare"),
        ours: "telemetry",
        peers: SPANS_AND_METRICS,
    },
    Row {
        name: "log_line_two_spans",
        trace: Trace::Sampled,
        exported: false,
        base: None,
        ours: "telemetry-line",
        peers: &[
            ("tracing-subscriber JSON", "tracing-subscriber-json"),
            ("tracing-subscriber JSON, flattened", "tracing-subscriber-json-flat"),
        ],
    },
];

impl Row {
    /// Everyone in it: what costs nothing, the least, ourselves; and the peers if wanted.
    pub fn stacks(&self, peers: bool) -> impl Iterator<Item = &'static str> {
        let floor = self.base.map(|_| FLOOR);
        let peers = self.peers.iter().filter(move |_| peers).map(|(_, id)| *id);
        self.base.into_iter().chain(floor).chain([self.ours]).chain(peers)
    }
}

impl Stack {
    /// The stack of this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        STACKS.iter().find(|stack| stack.id == id)
    }
}

impl Subject {
    /// Does what it does, `times` times, on this thread.
    pub fn run(&mut self, trace: Trace, times: u64) {
        match self {
            Self::Requests(requests) => requests.run(trace, times),
            Self::Lines(lines) => (lines.run)(times),
        }
    }

    /// Ends it; a sentence for whoever lost something, which would make its figures worthless.
    pub fn finish(self) -> Result<(), String> {
        match self {
            Self::Requests(requests) => (requests.finish)(),
            Self::Lines(lines) => (lines.finish)(),
        }
    }
}
