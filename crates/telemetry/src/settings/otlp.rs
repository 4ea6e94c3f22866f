//! Where each signal is exported to, and how.

use std::time::Duration;

use super::{Config, EXPORT_TIMEOUT};

/// The signals of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtlpSignal {
    Traces,
    Metrics,
    Logs,
}

/// What is set for one signal alone; it wins over what is set for all.
#[derive(Debug, Clone, Default)]
pub(crate) struct OtlpOverrides {
    pub(crate) headers: Option<Vec<(String, String)>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: Option<bool>,
}

/// Everything one signal's exporter needs to know.
#[derive(Debug, Clone)]
pub(crate) struct OtlpTarget {
    pub(crate) endpoint: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
}

/// How items queue for export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batching {
    pub(crate) capacity: usize,
    pub(crate) batch: usize,
    pub(crate) delay: Duration,
}

/// How histograms sort what they measure, where neither code nor a builder says so for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Buckets {
    /// Fixed bounds: those of the semantic conventions for durations. What Prometheus expects.
    #[default]
    Explicit,
    /// Base-2 exponential buckets, at most 160, that adapt to what is measured: quantiles within a few percent, for backends
    /// that know native histograms. Prometheus' text gets classic buckets derived from them.
    Exponential,
}

impl Config {
    /// Exports log records to exactly this URL, beside the lines on stdout.
    #[must_use]
    pub fn logs_endpoint(mut self, url: impl Into<String>) -> Self {
        self.logs_endpoint = Some(url.into());
        self
    }

    /// Exports no log records, whatever was set before; lines are written on stdout as ever.
    ///
    /// ```
    /// // Spans and metrics; stdout is collected by somebody else.
    /// let config = telemetry::Config::new("order").otlp_endpoint("http://collector:4318").clear_logs_endpoint();
    /// ```
    #[must_use]
    pub fn clear_logs_endpoint(mut self) -> Self {
        self.logs_endpoint = None;
        self
    }

    /// Most log records that wait for export (default 2048, at least 1); further ones are dropped and counted.
    #[must_use]
    pub fn log_queue(mut self, records: usize) -> Self {
        self.records.capacity = records.max(1);
        self
    }

    /// Most log records in one export (default 512, at least 1).
    #[must_use]
    pub fn log_batch(mut self, records: usize) -> Self {
        self.records.batch = records.max(1);
        self
    }

    /// Longest time a log record waits for its batch to fill (default 1 s, at least 10 ms).
    #[must_use]
    pub fn log_delay(mut self, delay: Duration) -> Self {
        self.records.delay = delay;
        self
    }

    /// Compresses what is exported with gzip: a tenth of the bytes for some CPU time of the export threads.
    #[must_use]
    pub fn otlp_gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// How histograms sort what they measure (default: [`Buckets::Explicit`]).
    #[must_use]
    pub fn buckets(mut self, buckets: Buckets) -> Self {
        self.buckets = buckets;
        self
    }

    /// Most attribute sets of the instrument `name`; what exceeds them is counted in one series marked
    /// `otel.metric.overflow`. Memory is set aside for as many, so keep it near what is expected (default: 1000 for
    /// counters and histograms of this crate, 256 for its levels, 2000 for the application's own).
    ///
    /// ```
    /// let config = telemetry::Config::new("order").cardinality_limit("app.orders.created", 50);
    /// ```
    #[must_use]
    pub fn cardinality_limit(mut self, name: impl Into<String>, sets: usize) -> Self {
        // The SDK refuses 0 and what it could not set aside.
        self.cardinality_limits.push((name.into(), sets.clamp(1, 1 << 20)));
        self
    }

    pub(crate) fn overrides(&mut self, signal: OtlpSignal) -> &mut OtlpOverrides {
        match signal {
            OtlpSignal::Traces => &mut self.traces,
            OtlpSignal::Metrics => &mut self.metrics,
            OtlpSignal::Logs => &mut self.logs,
        }
    }

    /// `None` when the signal is not exported.
    pub(crate) fn target(&self, signal: OtlpSignal) -> Option<OtlpTarget> {
        let (endpoint, overrides) = match signal {
            OtlpSignal::Traces => (&self.traces_endpoint, &self.traces),
            OtlpSignal::Metrics => (&self.metrics_endpoint, &self.metrics),
            OtlpSignal::Logs => (&self.logs_endpoint, &self.logs),
        };
        let endpoint = endpoint.clone().filter(|_| !self.disabled)?;
        Some(OtlpTarget {
            endpoint,
            headers: overrides.headers.as_ref().unwrap_or(&self.headers).clone(),
            timeout: overrides.timeout.unwrap_or(self.export_timeout).min(EXPORT_TIMEOUT),
            gzip: overrides.gzip.unwrap_or(self.gzip),
        })
    }

    pub(crate) fn batching(&self) -> Batching {
        Batching { capacity: self.queue_size, batch: self.batch_size, delay: self.schedule_delay }
    }
}

// === impl OtlpSignal ===

impl OtlpSignal {
    pub(crate) const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// As in names of variables.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }
}
