//! Metrics, as a test looks at them.

use std::collections::BTreeMap;
use std::fmt;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData};

use super::span::{texts, types};
use crate::core::core;

/// One point of a metric: what was measured under one set of attributes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// The metric it belongs to.
    pub metric: String,
    /// `counter`, `updowncounter`, `gauge` or `histogram`.
    pub instrument: &'static str,
    /// Unit in UCUM's notation.
    pub unit: String,
    /// Attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// The value; of a histogram the number of measurements.
    pub value: f64,
    types: BTreeMap<String, &'static str>,
}

/// The sum (of a histogram: the count) of all points of `metric` that have at least these attributes; 0 without any.
#[must_use]
pub fn metric(metric: &str, attributes: &[(&str, &str)]) -> f64 {
    sum(&collect(), metric, attributes)
}

pub(super) fn sum(points: &[Point], metric: &str, attributes: &[(&str, &str)]) -> f64 {
    points.iter().filter(|point| point.metric == metric && point.has(attributes)).map(|point| point.value).sum()
}

/// All points of this process.
pub(super) fn collect() -> Vec<Point> {
    let Some(scrape) = &core().scrape else { return Vec::new() };
    let mut points = Vec::new();
    for metric in scrape.collect().scope_metrics().flat_map(|scope| scope.metrics()) {
        match metric.data() {
            AggregatedMetrics::F64(data) => read(metric, data, |value| value, &mut points),
            AggregatedMetrics::U64(data) => read(metric, data, |value| value as f64, &mut points),
            AggregatedMetrics::I64(data) => read(metric, data, |value| value as f64, &mut points),
        }
    }
    points
}

fn read<T: Copy>(metric: &Metric, data: &MetricData<T>, to_f64: impl Fn(T) -> f64, points: &mut Vec<Point>) {
    let mut push = |instrument: &'static str, attributes: Vec<&KeyValue>, value: f64| {
        points.push(Point {
            metric: metric.name().to_owned(),
            instrument,
            unit: metric.unit().to_owned(),
            attributes: texts(attributes.iter().copied()),
            types: types(attributes),
            value,
        });
    };
    match data {
        MetricData::Gauge(gauge) => {
            gauge.data_points().for_each(|p| push("gauge", p.attributes().collect(), to_f64(p.value())));
        }
        MetricData::Sum(sum) => {
            let instrument = if sum.is_monotonic() { "counter" } else { "updowncounter" };
            sum.data_points().for_each(|p| push(instrument, p.attributes().collect(), to_f64(p.value())));
        }
        MetricData::Histogram(histogram) => {
            histogram.data_points().for_each(|p| push("histogram", p.attributes().collect(), p.count() as f64));
        }
        MetricData::ExponentialHistogram(histogram) => {
            histogram.data_points().for_each(|p| push("histogram", p.attributes().collect(), p.count() as f64));
        }
    }
}

// === impl Point ===

impl Point {
    /// Whether it has at least these attributes.
    #[must_use]
    pub fn has(&self, attributes: &[(&str, &str)]) -> bool {
        attributes.iter().all(|(key, value)| self.attributes.get(*key).is_some_and(|found| found == value))
    }

    /// The type of one attribute: `string`, `int`, `double`, `boolean`, or one of these with `[]` behind it.
    #[must_use]
    pub fn attribute_type(&self, key: &str) -> Option<&'static str> {
        self.types.get(key).copied()
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes: Vec<String> = self.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "{}{{{}}} {}", self.metric, attributes.join(", "), self.value)
    }
}
