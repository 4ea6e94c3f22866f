//! Metric series and their points.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;

use super::ids::{SpanId, TraceId};
use super::model::Resource;
use super::value::Attributes;

/// Whether points are running totals or what was added since the point before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Not said.
    #[default]
    Unspecified,
    /// What was added since the point before.
    Delta,
    /// Total since the process started.
    Cumulative,
}

/// What the points of a series mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aggregation {
    /// The present value of something.
    Gauge,
    /// A sum.
    Sum {
        /// Whether it only grows.
        monotonic: bool,
        /// Meaning of its points.
        temporality: Temporality,
    },
    /// A distribution over explicit buckets.
    Histogram(Temporality),
    /// A distribution over exponential buckets; kept as count and sum.
    ExponentialHistogram(Temporality),
    /// A pre-computed distribution; kept as count and sum.
    Summary,
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum PointValue {
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A distribution.
    Histogram {
        /// Measurements.
        count: u64,
        /// Their sum, where it means something.
        sum: Option<f64>,
        /// Upper bounds of all buckets but the last.
        bounds: Arc<[f64]>,
        /// Measurements in each bucket.
        buckets: Box<[u64]>,
    },
}

impl PointValue {
    /// The number, or for a distribution the count of measurements.
    pub fn total(&self) -> f64 {
        match self {
            Self::Int(number) => *number as f64,
            Self::Double(number) => *number,
            Self::Histogram { count, .. } => *count as f64,
        }
    }
}

/// A measurement that names the span during which it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Trace of the span.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// What was measured.
    pub value: f64,
    /// When, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
}

/// One point of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Start of the interval that the point covers, in nanoseconds since the Unix epoch; zero when unknown.
    pub start_ns: u64,
    /// When it was taken, in nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Its value.
    pub value: PointValue,
    /// Example measurements.
    pub exemplars: Box<[Exemplar]>,
}

/// One metric of one process with one set of attributes, over time.
#[derive(Clone, Debug)]
pub struct MetricSeries {
    /// Who measures.
    pub resource: Arc<Resource>,
    /// Name of the instrumentation scope.
    pub scope: Arc<str>,
    /// Name of the metric.
    pub name: Arc<str>,
    /// Unit.
    pub unit: Arc<str>,
    /// What its points mean.
    pub aggregation: Aggregation,
    /// What tells it apart from other series of the metric.
    pub attributes: Attributes,
    /// Its points, oldest first.
    pub points: VecDeque<Point>,
}

/// A decoded point with what identifies its series.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) unit: Arc<str>,
    pub(crate) aggregation: Aggregation,
    pub(crate) attributes: Attributes,
    pub(crate) point: Point,
}

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It was added.
    Added,
    /// It was added and the oldest point of its series was given up.
    Replaced,
    /// There was no room for another series.
    Refused,
}

/// All series, bounded in number and length.
#[derive(Debug)]
pub(crate) struct SeriesTable {
    max_series_per_service: usize,
    max_points: usize,
    series: Vec<MetricSeries>,
    by_key: HashMap<Box<str>, usize>,
    per_service: HashMap<Arc<str>, usize>,
}

impl SeriesTable {
    pub(crate) fn new(max_series_per_service: usize, max_points: usize) -> Self {
        Self {
            max_series_per_service,
            max_points: max_points.max(1),
            series: Vec::new(),
            by_key: HashMap::new(),
            per_service: HashMap::new(),
        }
    }

    pub(crate) fn add(&mut self, sample: Sample) -> Kept {
        let key = key(&sample);
        let index = match self.by_key.get(key.as_str()) {
            Some(index) => *index,
            None => {
                let used = self.per_service.entry(Arc::clone(&sample.resource.service)).or_default();
                if *used >= self.max_series_per_service {
                    return Kept::Refused;
                }
                *used += 1;
                self.series.push(MetricSeries {
                    resource: sample.resource,
                    scope: sample.scope,
                    name: sample.name,
                    unit: sample.unit,
                    aggregation: sample.aggregation,
                    attributes: sample.attributes,
                    points: VecDeque::new(),
                });
                self.by_key.insert(key.into(), self.series.len() - 1);
                self.series.len() - 1
            }
        };
        let points = &mut self.series[index].points;
        points.push_back(sample.point);
        if points.len() > self.max_points {
            points.pop_front();
            return Kept::Replaced;
        }
        Kept::Added
    }

    pub(crate) fn all(&self) -> &[MetricSeries] {
        &self.series
    }
}

/// A text that is the same for samples of the same series and differs for all others.
fn key(sample: &Sample) -> String {
    let instance = sample.resource.attributes.text("service.instance.id").unwrap_or_default();
    let mut key = format!("{}\0{instance}\0{}\0{:?}\0", sample.resource.service, sample.name, sample.aggregation);
    let mut pairs: Vec<_> = sample.attributes.iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    for (name, value) in pairs {
        // Writing to a string cannot fail.
        let _ = write!(key, "{name}={value}\0");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(service: &str, route: &str, value: i64) -> Sample {
        Sample {
            resource: Resource::named(service),
            scope: "".into(),
            name: "requests".into(),
            unit: "1".into(),
            aggregation: Aggregation::Sum { monotonic: true, temporality: Temporality::Cumulative },
            attributes: Attributes::from([("http.route", route)]),
            point: Point { start_ns: 0, time_ns: 1, value: PointValue::Int(value), exemplars: Box::default() },
        }
    }

    #[test]
    fn series_are_told_apart_by_service_and_attributes_and_bounded() {
        let mut table = SeriesTable::new(2, 2);
        assert_eq!(table.add(sample("a", "/x", 1)), Kept::Added);
        assert_eq!(table.add(sample("a", "/x", 2)), Kept::Added);
        assert_eq!(table.add(sample("a", "/x", 3)), Kept::Replaced);
        assert_eq!(table.add(sample("a", "/y", 1)), Kept::Added);
        assert_eq!(table.add(sample("a", "/z", 1)), Kept::Refused, "one service cannot fill the table");
        assert_eq!(table.add(sample("b", "/z", 1)), Kept::Added);
        let lengths: Vec<_> = table.all().iter().map(|series| series.points.len()).collect();
        assert_eq!(lengths, [2, 1, 1]);
        assert_eq!(table.all()[0].points.back().map(|point| point.value.total()), Some(3.0));
    }
}
