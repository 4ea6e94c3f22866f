//! Everything that can be set, each default with its reason.

use std::time::Duration;

use crate::logs::Limits;
use crate::redact::Policy;

mod check;
mod env;
mod log;
mod otlp;
mod own;
mod sampling;

pub use log::{InvalidLogFormat, LogFormat};
pub use otlp::Buckets;
pub use sampling::Sampling;

pub(crate) use otlp::{Batching, OtlpOverrides, OtlpSignal, OtlpTarget};

/// A request slower than this gets a WARN line: users notice one second.
pub(crate) const SLOW_SERVER: Duration = Duration::from_secs(1);

/// The same for calls this process makes.
pub(crate) const SLOW_CLIENT: Duration = Duration::from_secs(1);

/// One export attempt: longer would hold the export thread while its queue overflows.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// How telemetry behaves in this process. Start from [`Config::from_env`] or [`Config::new`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use telemetry::Config;
///
/// let config = Config::new("order").version("1.2.3").slow_server(Duration::from_millis(250)).allow_baggage(["tenant"]);
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) instance: String,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) disabled: bool,
    pub(crate) traces_endpoint: Option<String>,
    pub(crate) metrics_endpoint: Option<String>,
    pub(crate) logs_endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) traces: OtlpOverrides,
    pub(crate) metrics: OtlpOverrides,
    pub(crate) logs: OtlpOverrides,
    pub(crate) records: Batching,
    pub(crate) gzip: bool,
    pub(crate) buckets: Buckets,
    pub(crate) cardinality_limits: Vec<(String, usize)>,
    pub(crate) export_timeout: Duration,
    pub(crate) sampling: Sampling,
    pub(crate) sampling_cap: Option<u32>,
    pub(crate) keep_failed: bool,
    pub(crate) queue_size: usize,
    pub(crate) batch_size: usize,
    pub(crate) schedule_delay: Duration,
    pub(crate) metric_interval: Duration,
    pub(crate) log_filter: String,
    pub(crate) log_format: LogFormat,
    pub(crate) log_buffer: usize,
    pub(crate) log_colour: bool,
    pub(crate) log_limits: Limits,
    pub(crate) chain_panic_hook: bool,
    pub(crate) redaction: Policy,
    pub(crate) slow_server: Duration,
    pub(crate) slow_client: Duration,
    pub(crate) baggage: Vec<String>,
    pub(crate) internal_hosts: Vec<String>,
    /// Characters of an attribute's value.
    pub(crate) value_length: Option<usize>,
    pub(crate) access_log: bool,
    pub(crate) problems: Vec<String>,
}

impl Config {
    /// The defaults for `service`, without looking at the environment: nothing is exported, logs are JSON at `info`.
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            version: String::new(),
            instance: uuid::Uuid::now_v7().to_string(),
            resource: Vec::new(),
            disabled: false,
            traces_endpoint: None,
            metrics_endpoint: None,
            logs_endpoint: None,
            headers: Vec::new(),
            traces: OtlpOverrides::default(),
            metrics: OtlpOverrides::default(),
            logs: OtlpOverrides::default(),
            // The specification's defaults, as are those of spans below.
            records: Batching { capacity: 2048, batch: 512, delay: Duration::from_secs(1) },
            gzip: false,
            buckets: Buckets::default(),
            cardinality_limits: Vec::new(),
            export_timeout: EXPORT_TIMEOUT,
            sampling: Sampling::ParentOrAlways,
            sampling_cap: None,
            keep_failed: true,
            // The three below are the specification's own defaults.
            queue_size: 2048,
            batch_size: 512,
            schedule_delay: Duration::from_secs(5),
            metric_interval: Duration::from_secs(60),
            log_filter: "info".into(),
            log_format: LogFormat::Json,
            // A burst of some ten thousand lines, and no more memory than that when stdout stalls.
            log_buffer: 4 << 20,
            log_colour: false,
            log_limits: log::LIMITS,
            chain_panic_hook: false,
            redaction: Policy::new(),
            slow_server: SLOW_SERVER,
            slow_client: SLOW_CLIENT,
            baggage: Vec::new(),
            internal_hosts: Vec::new(),
            value_length: None,
            access_log: true,
            problems: Vec::new(),
        }
    }

    /// The defaults for `service`, changed by the environment.
    ///
    /// Reads `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SDK_DISABLED`,
    /// `OTEL_EXPORTER_OTLP[_TRACES|_METRICS|_LOGS]_` followed by `ENDPOINT`, `HEADERS`, `TIMEOUT`, `COMPRESSION` or `PROTOCOL`,
    /// `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER` and `OTEL_LOGS_EXPORTER` (`none`),
    /// `OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`,
    /// `OTEL_TRACES_SAMPLER[_ARG]`, `OTEL_BSP_*`, `OTEL_BLRP_*`, `OTEL_METRIC_EXPORT_INTERVAL`,
    /// `OTEL[_SPAN]_ATTRIBUTE_VALUE_LENGTH_LIMIT` (at most, and unless set, 16,384 characters), `RUST_LOG` or `LOG_LEVEL`, and `LOG_FORMAT`
    /// (`json`, `logfmt`, `pretty`; unset, `pretty` on a terminal, with colours unless `NO_COLOR` is set, else `json`), and of
    /// what OpenTelemetry has no variables for `TELEMETRY_SAMPLING_CAP`, `TELEMETRY_KEEP_FAILED`, `TELEMETRY_INTERNAL_HOSTS`
    /// and `TELEMETRY_ACCESS_LOG`.
    /// Without an endpoint nothing is exported. A value that cannot be understood or honoured is ignored, and
    /// [`crate::init`] logs a warning that names it.
    pub fn from_env(service: impl Into<String>) -> Self {
        Self::new(service).with_terminal().with_variables(|name| std::env::var(name).ok())
    }

    /// `service.version`; also in every log line.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// `service.instance.id` (default: a new UUID); also in every log line.
    #[must_use]
    pub fn instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = instance.into();
        self
    }

    /// Adds a resource attribute, such as `service.namespace` or `deployment.environment.name`.
    #[must_use]
    pub fn resource(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.push((key.into(), value.into()));
        self
    }

    /// The commit this was built from: the resource attribute `vcs.ref.head.revision`, shown by `/admin/build`.
    #[must_use]
    pub fn commit(self, revision: impl Into<String>) -> Self {
        self.resource(crate::admin::COMMIT, revision)
    }

    /// Turns spans, metrics and export off; logs and propagation stay.
    #[must_use]
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }

    /// Exports to an OTLP/HTTP collector: `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended to this base. What is no URL
    /// makes [`crate::init`] fail.
    ///
    /// ```
    /// let config = telemetry::Config::new("order").otlp_endpoint("http://collector:4318");
    /// ```
    #[must_use]
    pub fn otlp_endpoint(mut self, base: impl Into<String>) -> Self {
        let base = base.into();
        let base = base.trim_end_matches('/');
        self.traces_endpoint = Some(format!("{base}/v1/traces"));
        self.metrics_endpoint = Some(format!("{base}/v1/metrics"));
        self.logs_endpoint = Some(format!("{base}/v1/logs"));
        self
    }

    /// Exports spans to exactly this URL.
    #[must_use]
    pub fn traces_endpoint(mut self, url: impl Into<String>) -> Self {
        self.traces_endpoint = Some(url.into());
        self
    }

    /// Exports no spans, whatever was set before; requests are measured, and ids travel.
    ///
    /// ```
    /// // Metrics and logs only.
    /// let config = telemetry::Config::new("order").otlp_endpoint("http://collector:4318").clear_traces_endpoint();
    /// ```
    #[must_use]
    pub fn clear_traces_endpoint(mut self) -> Self {
        self.traces_endpoint = None;
        self
    }

    /// Pushes no metrics, whatever was set before; `/metrics` shows them all the same.
    #[must_use]
    pub fn clear_metrics_endpoint(mut self) -> Self {
        self.metrics_endpoint = None;
        self
    }

    /// Exports metrics to exactly this URL.
    #[must_use]
    pub fn metrics_endpoint(mut self, url: impl Into<String>) -> Self {
        self.metrics_endpoint = Some(url.into());
        self
    }

    /// Adds a header to every export, such as an access token.
    #[must_use]
    pub fn otlp_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into());
        // A signal with headers of its own from the environment gets this one, too.
        for signal in OtlpSignal::ALL {
            self.overrides(signal).headers.iter_mut().for_each(|headers| headers.push(header.clone()));
        }
        self.headers.push(header);
        self
    }

    /// Time limit of one export attempt (default 3 s, and never more).
    #[must_use]
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.export_timeout = timeout.min(EXPORT_TIMEOUT);
        self
    }

    /// Which traces are recorded (default: as the caller decided, else all).
    #[must_use]
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Most traces that this process decides to sample in one second (default: no limit).
    ///
    /// Under the samplings that follow a parent, traces whose caller decided do not count: they are sampled beyond the cap, too,
    /// because a trace that others record would have holes. [`Sampling::Always`] and [`Sampling::Ratio`] decide whatever the
    /// caller did, so each trace counts, and one that comes sampled is cut off here when there are too many.
    ///
    /// ```
    /// use telemetry::{Config, Sampling};
    ///
    /// // Half of a trickle, and of a flood no more than a hundred traces a second.
    /// let config = Config::new("order").sampling(Sampling::ParentOrRatio(0.5)).sampling_cap(100);
    /// ```
    #[must_use]
    pub fn sampling_cap(mut self, traces_per_second: u32) -> Self {
        self.sampling_cap = Some(traces_per_second);
        self
    }

    /// Whether a request whose trace is not sampled is exported nevertheless when it fails or is slow, with the spans
    /// below it in this process (default: yes). Such a span says so in `app.sampling.kept`.
    ///
    /// ```
    /// use telemetry::{Config, Sampling};
    ///
    /// // One request in a hundred, and all that go wrong.
    /// let config = Config::new("order").sampling(Sampling::ParentOrRatio(0.01)).keep_failed(true);
    /// // Nothing but what is sampled.
    /// let config = config.keep_failed(false);
    /// ```
    #[must_use]
    pub fn keep_failed(mut self, keep: bool) -> Self {
        self.keep_failed = keep;
        self
    }

    /// Most spans that wait for export (default 2048, at least 1); further ones are dropped and counted.
    #[must_use]
    pub fn span_queue(mut self, spans: usize) -> Self {
        self.queue_size = spans.max(1);
        self
    }

    /// Most spans in one export (default 512, at least 1).
    #[must_use]
    pub fn span_batch(mut self, spans: usize) -> Self {
        self.batch_size = spans.max(1);
        self
    }

    /// Longest time a span waits for its batch to fill (default 5 s, at least 10 ms).
    #[must_use]
    pub fn span_delay(mut self, delay: Duration) -> Self {
        self.schedule_delay = delay;
        self
    }

    /// Time between two exports of metrics (default 60 s).
    #[must_use]
    pub fn metric_interval(mut self, interval: Duration) -> Self {
        self.metric_interval = interval;
        self
    }

    /// Which log lines are written, in `RUST_LOG` syntax (default: `info`). Spans do not depend on it.
    #[must_use]
    pub fn log_filter(mut self, directives: impl Into<String>) -> Self {
        self.log_filter = directives.into();
        self
    }

    /// How log lines look (default: [`LogFormat::Json`]).
    #[must_use]
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.log_format = format;
        self
    }

    /// Bytes of log lines that may wait for stdout (default 4 MiB); further lines are dropped and counted.
    #[must_use]
    pub fn log_buffer(mut self, bytes: usize) -> Self {
        self.log_buffer = bytes.max(4096);
        self
    }

    /// Whether a panic, once it is logged, goes on to the hook that was there before [`crate::init`] (default: no). Rust's own
    /// prints the message on stderr as it is, whatever it holds; the log line is redacted.
    #[must_use]
    pub fn chain_panic_hook(mut self, chain: bool) -> Self {
        self.chain_panic_hook = chain;
        self
    }

    /// Requests that take this long get a WARN access-log line (default 1 s).
    #[must_use]
    pub fn slow_server(mut self, threshold: Duration) -> Self {
        self.slow_server = threshold;
        self
    }

    /// Calls that take this long get a WARN line (default 1 s).
    #[must_use]
    pub fn slow_client(mut self, threshold: Duration) -> Self {
        self.slow_client = threshold;
        self
    }

    /// Baggage keys that are accepted from, and sent to, other processes (default: none).
    #[must_use]
    pub fn allow_baggage<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.baggage.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Hosts that calls tell the correlation id and baggage, with all names below them (default: none).
    ///
    /// Without being named, so are loopback, private and link-local addresses, names without a dot, and those that end
    /// in `.localhost`, `.local`, `.internal` or `.svc`. Trace context is sent to every host.
    ///
    /// ```
    /// // Also `gig.shop.example`.
    /// let config = telemetry::Config::new("order").internal_hosts(["shop.example"]);
    /// ```
    #[must_use]
    pub fn internal_hosts<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.internal_hosts.extend(hosts.into_iter().map(|host| crate::http::normalised_host(host.as_ref())));
        self
    }
}
