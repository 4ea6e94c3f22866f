//! Histograms whose measurements can be traced: each bucket shows a span that fell into it.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use opentelemetry::metrics::Meter;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::exemplars::{Exemplars, Reservoir};
use super::instruments::DURATION_BOUNDS;
use super::limits;

/// What the SDK uses when nobody says otherwise.
const DEFAULT_BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

/// Names of the histograms that shall have exponential buckets whatever the configuration says; the view asks.
static EXPONENTIAL: RwLock<BTreeSet<&'static str>> = RwLock::new(BTreeSet::new());

/// A distribution of values, with exemplars: measurements made inside a sampled span are kept, one per bucket, and exported
/// with their trace and span ids over OTLP and in OpenMetrics text.
///
/// Cloning gives another handle of the same instrument. Made by [`histogram`].
#[derive(Debug, Clone)]
pub struct Histogram {
    inner: opentelemetry::metrics::Histogram<f64>,
    exemplars: Arc<Exemplars>,
}

/// A [`Histogram`] with its attributes fixed, several times cheaper per measurement. Made by [`Histogram::bind`].
#[derive(Debug, Clone)]
#[must_use = "keep it: binding is what costs, recording is cheap"]
pub struct BoundHistogram {
    inner: opentelemetry::metrics::BoundHistogram<f64>,
    exemplars: Arc<Exemplars>,
    /// `None` beyond the cardinality limit.
    reservoir: Option<Arc<Reservoir>>,
}

/// Describes a histogram; see [`histogram`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct HistogramBuilder {
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    bounds: Option<Vec<f64>>,
    exponential: bool,
}

/// A histogram of the application's own, named by OpenTelemetry's rules, with its unit in UCUM notation (`s`, `By`, `{item}`).
///
/// Build it after [`crate::init`], once, and keep it: what is made before measures nothing.
///
/// ```
/// use opentelemetry::KeyValue;
///
/// let wait = telemetry::metrics::histogram("app.pool.wait", "s", "Time until a connection was free").build();
/// wait.record(0.004, &[KeyValue::new("pool", "orders")]);
///
/// let sizes = telemetry::metrics::histogram("app.cart.items", "{item}", "Items of an order").bounds([1.0, 2.0, 5.0, 10.0]).build();
/// let guests = sizes.bind(&[KeyValue::new("customer", "guest")]);
/// guests.record(3.0);
/// ```
pub fn histogram(name: &'static str, unit: &'static str, description: &'static str) -> HistogramBuilder {
    HistogramBuilder { name, unit, description, bounds: None, exponential: false }
}

/// Whether a builder asked for it.
pub(super) fn is_exponential(name: &str) -> bool {
    EXPONENTIAL.read().unwrap_or_else(PoisonError::into_inner).contains(name)
}

// === impl HistogramBuilder ===

impl HistogramBuilder {
    /// Upper bounds of the buckets, increasing and finite (default: [`super::duration_bounds`] for the unit `s`, else the
    /// SDK's, 0 to 10,000). With other bounds the histogram measures nothing.
    pub fn bounds(mut self, bounds: impl Into<Vec<f64>>) -> Self {
        self.bounds = Some(bounds.into());
        self
    }

    /// Base-2 exponential buckets that adapt to what is measured, whatever [`crate::Config::buckets`] says; see
    /// [`crate::Buckets::Exponential`].
    pub fn exponential(mut self) -> Self {
        self.exponential = true;
        self
    }

    /// Registers the instrument.
    #[must_use]
    pub fn build(self) -> Histogram {
        self.build_on(&crate::core::core().meter)
    }

    pub(crate) fn build_on(self, meter: &Meter) -> Histogram {
        let default = || if self.unit == "s" { DURATION_BOUNDS.to_vec() } else { DEFAULT_BOUNDS.to_vec() };
        let bounds = self.bounds.unwrap_or_else(default);
        if self.exponential {
            EXPONENTIAL.write().unwrap_or_else(PoisonError::into_inner).insert(self.name);
        }
        let exemplars = Exemplars::of(self.name.into(), &bounds, limits::RECORDED);
        let inner = meter
            .f64_histogram(self.name)
            .with_unit(self.unit)
            .with_description(self.description)
            .with_boundaries(bounds)
            .build();
        Histogram { inner, exemplars }
    }
}

// === impl Histogram ===

impl Histogram {
    /// Adds `value`, made inside the current span. A value that is not finite is ignored.
    pub fn record(&self, value: f64, attributes: &[KeyValue]) {
        self.inner.record(value, attributes);
        in_current_span(|span| self.exemplars.offer(value, attributes, span, SystemTime::now));
    }

    /// Adds `value`, made inside `span`: for callers that know it, which is cheaper than asking for the current one.
    pub fn record_in(&self, value: f64, attributes: &[KeyValue], span: &SpanContext) {
        self.inner.record(value, attributes);
        self.exemplars.offer(value, attributes, span, SystemTime::now);
    }

    /// Fixes the attributes: worth it for sets that are few and used often.
    ///
    /// A set beyond the instrument's cardinality limit counts in its overflow series for as long as this handle lives.
    pub fn bind(&self, attributes: &[KeyValue]) -> BoundHistogram {
        BoundHistogram {
            inner: self.inner.bind(attributes),
            exemplars: Arc::clone(&self.exemplars),
            reservoir: self.exemplars.reservoir(attributes),
        }
    }
}

// === impl BoundHistogram ===

impl BoundHistogram {
    /// Adds `value`, made inside the current span. A value that is not finite is ignored.
    pub fn record(&self, value: f64) {
        self.inner.record(value);
        in_current_span(|span| self.offer(value, span, SystemTime::now));
    }

    /// Adds `value`, made inside `span`.
    pub fn record_in(&self, value: f64, span: &SpanContext) {
        self.inner.record(value);
        self.offer(value, span, SystemTime::now);
    }

    fn offer(&self, value: f64, span: &SpanContext, at: impl FnOnce() -> SystemTime) {
        if let Some(reservoir) = &self.reservoir {
            self.exemplars.keep(reservoir, value, span, at);
        }
    }
}

fn in_current_span(offer: impl FnOnce(&SpanContext)) {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        if span.is_sampled() {
            offer(span);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::exemplars;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::metrics::SdkMeterProvider;

    fn meter() -> (SdkMeterProvider, Meter) {
        let provider = SdkMeterProvider::builder().build();
        let meter = provider.meter("test");
        (provider, meter)
    }

    fn sampled() -> SpanContext {
        SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, false, TraceState::NONE)
    }

    #[test]
    fn bound_and_unbound_measurements_share_a_series() {
        let (_provider, meter) = meter();
        let histogram = histogram("histogram.shared", "s", "").bounds([1.0]).build_on(&meter);
        let attributes = [KeyValue::new("k", "v")];
        histogram.bind(&attributes).record_in(0.5, &sampled());
        histogram.record_in(2.0, &attributes, &sampled());
        let kept = exemplars::find("histogram.shared").unwrap().read(attributes.iter());
        assert_eq!(kept.iter().map(|kept| kept.value).collect::<Vec<_>>(), [0.5, 2.0]);
        assert!(kept.iter().all(|kept| kept.trace_id == TraceId::from(1) && kept.span_id == SpanId::from(2)));
    }

    #[test]
    fn current_span_is_taken_unless_one_is_given() {
        let (_provider, meter) = meter();
        let histogram = histogram("histogram.current", "{item}", "").build_on(&meter);
        histogram.record(3.0, &[]);
        let _guard = Context::new().with_remote_span_context(sampled()).attach();
        histogram.record(30.0, &[]);
        let kept = exemplars::find("histogram.current").unwrap().read([].iter());
        assert_eq!(kept.iter().map(|kept| kept.value).collect::<Vec<_>>(), [30.0]);
    }
}
