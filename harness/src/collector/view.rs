//! A consistent, read-only look into a store.

use std::sync::Arc;

use super::ids::{SpanId, TraceId};
use super::metrics::MetricSeries;
use super::model::{LogRecord, Span};
use super::stats::StoreStats;
use super::store::{Inner, Key};

/// A consistent, read-only look into a [`Store`](super::Store). Looking something up by an id or key that is not there
/// yields nothing.
#[derive(Debug)]
pub struct View<'a> {
    inner: &'a Inner,
}

impl<'a> View<'a> {
    pub(crate) fn new(inner: &'a Inner) -> Self {
        Self { inner }
    }

    /// The spans of a trace, in order of arrival.
    pub fn trace(&self, trace_id: TraceId) -> &'a [Arc<Span>] {
        self.inner.traces.get(&trace_id).map_or(&[], |entry| &entry.spans)
    }

    /// The log records written in a trace, in order of arrival.
    pub fn logs_of(&self, trace_id: TraceId) -> &'a [Arc<LogRecord>] {
        self.inner.traces.get(&trace_id).map_or(&[], |entry| &entry.logs)
    }

    /// One span.
    pub fn span(&self, trace_id: TraceId, span_id: SpanId) -> Option<&'a Arc<Span>> {
        self.inner.spans.get(&(trace_id, span_id))
    }

    /// Traces with a span that carries this correlation id.
    pub fn traces_of_correlation(&self, correlation_id: &str) -> &'a [TraceId] {
        self.by_key(&Key::Correlation(correlation_id.into()))
    }

    /// Traces with a span that sent or handled this message.
    pub fn traces_of_message(&self, message_id: &str) -> &'a [TraceId] {
        self.by_key(&Key::Message(message_id.into()))
    }

    /// Traces with a span that links to a span of this trace.
    pub fn traces_linking_to(&self, trace_id: TraceId) -> &'a [TraceId] {
        self.by_key(&Key::LinkTo(trace_id))
    }

    /// Every trace, in no particular order.
    pub fn traces(&self) -> impl Iterator<Item = TraceId> {
        self.inner.traces.keys().copied()
    }

    /// Every span, service by service in order of arrival.
    pub fn spans(&self) -> impl Iterator<Item = &'a Arc<Span>> {
        self.inner.spans_in_order()
    }

    /// Every log record, service by service in order of arrival.
    pub fn logs(&self) -> impl Iterator<Item = &'a Arc<LogRecord>> {
        self.inner.logs()
    }

    /// Every metric series.
    pub fn series(&self) -> &'a [MetricSeries] {
        self.inner.series.all()
    }

    /// The newest totals of a metric of one service, summed over its series that carry all given attributes; none when
    /// there is no such series. A distribution counts its measurements.
    pub fn metric_total(&self, service: &str, metric: &str, attributes: &[(&str, &str)]) -> Option<f64> {
        let matching = self.series().iter().filter(|series| {
            *series.resource.service == *service
                && *series.name == *metric
                && attributes
                    .iter()
                    .all(|(key, value)| series.attributes.get(key).is_some_and(|held| held.to_string() == *value))
        });
        matching
            .filter_map(|series| series.points.back())
            .map(|point| point.value.total())
            .fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// What is held, refused and given up.
    pub fn stats(&self) -> StoreStats {
        self.inner.stats()
    }

    fn by_key(&self, key: &Key) -> &'a [TraceId] {
        self.inner.by_key.get(key).map_or(&[], Vec::as_slice)
    }
}
