//! Metric series and their points.

use std::collections::{HashMap, HashSet, VecDeque};
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

/// An instance that has reported nothing for so long gives up its series when its service needs the room: nanoseconds.
/// Several times the interval at which instances export, so that those which live side by side keep theirs.
const GONE_AFTER_NS: u64 = 30_000_000_000;

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It was added, and so many older points were given up for it.
    Added {
        /// Of its own series, or of instances of its service that are gone.
        evicted: usize,
    },
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
    per_service: HashMap<Arc<str>, Instances>,
}

/// What the instances of one service hold. A service that is started again and again is a new instance each time.
#[derive(Debug, Default)]
struct Instances {
    series: usize,
    last_ns: HashMap<Box<str>, u64>,
}

impl Instances {
    /// Takes out those that have not reported since long before `now_ns`.
    fn take_gone(&mut self, now_ns: u64) -> HashSet<Box<str>> {
        let gone = self.last_ns.extract_if(|_, last_ns| now_ns.saturating_sub(*last_ns) > GONE_AFTER_NS);
        gone.map(|(instance, _)| instance).collect()
    }
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
        let mut evicted = 0;
        if !self.by_key.contains_key(key.as_str()) {
            if self.used(&sample.resource.service) >= self.max_series_per_service {
                evicted = self.evict_gone(&sample.resource.service, sample.point.time_ns);
            }
            if self.used(&sample.resource.service) >= self.max_series_per_service {
                return Kept::Refused;
            }
        }
        let instances = self.per_service.entry(Arc::clone(&sample.resource.service)).or_default();
        let last_ns = instances.last_ns.entry(instance(&sample.resource).into()).or_default();
        *last_ns = sample.point.time_ns.max(*last_ns);
        let index = *self.by_key.entry(key.into()).or_insert_with(|| {
            instances.series += 1;
            self.series.push(MetricSeries {
                resource: sample.resource,
                scope: sample.scope,
                name: sample.name,
                unit: sample.unit,
                aggregation: sample.aggregation,
                attributes: sample.attributes,
                points: VecDeque::new(),
            });
            self.series.len() - 1
        });
        let points = &mut self.series[index].points;
        points.push_back(sample.point);
        if points.len() > self.max_points {
            points.pop_front();
            evicted += 1;
        }
        Kept::Added { evicted }
    }

    fn used(&self, service: &str) -> usize {
        self.per_service.get(service).map_or(0, |instances| instances.series)
    }

    /// Gives up all series of a service's instances that are gone, and returns how many points those had.
    fn evict_gone(&mut self, service: &str, now_ns: u64) -> usize {
        let Some(instances) = self.per_service.get_mut(service) else { return 0 };
        let gone = instances.take_gone(now_ns);
        if gone.is_empty() {
            return 0;
        }
        let is_gone = |series: &MetricSeries| {
            series.resource.service.as_ref() == service && gone.contains(instance(&series.resource))
        };
        let held = self.series.len();
        let mut moved_to = Vec::with_capacity(held);
        let mut points = 0;
        self.series.retain(|series| {
            let keep = !is_gone(series);
            moved_to.push(keep);
            points += if keep { 0 } else { series.points.len() };
            keep
        });
        instances.series -= held - self.series.len();
        let mut next = 0;
        let moved_to: Vec<Option<usize>> = moved_to
            .into_iter()
            .map(|keep| {
                keep.then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        self.by_key.retain(|_, index| match moved_to[*index] {
            Some(moved) => {
                *index = moved;
                true
            }
            None => false,
        });
        points
    }

    pub(crate) fn all(&self) -> &[MetricSeries] {
        &self.series
    }
}

/// Which of the processes of a service measures; empty when it does not say.
fn instance(resource: &Resource) -> &str {
    resource.attributes.text("service.instance.id").unwrap_or_default()
}

/// A text that is the same for samples of the same series and differs for all others.
fn key(sample: &Sample) -> String {
    let (service, instance) = (&sample.resource.service, instance(&sample.resource));
    let mut key = format!("{service}\0{instance}\0{}\0{:?}\0", sample.name, sample.aggregation);
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

    const ADDED: Kept = Kept::Added { evicted: 0 };

    #[test]
    fn series_are_told_apart_by_service_and_attributes_and_bounded() {
        let mut table = SeriesTable::new(2, 2);
        assert_eq!(table.add(sample("a", "/x", 1)), ADDED);
        assert_eq!(table.add(sample("a", "/x", 2)), ADDED);
        assert_eq!(table.add(sample("a", "/x", 3)), Kept::Added { evicted: 1 });
        assert_eq!(table.add(sample("a", "/y", 1)), ADDED);
        assert_eq!(table.add(sample("a", "/z", 1)), Kept::Refused, "one service cannot fill the table");
        assert_eq!(table.add(sample("b", "/z", 1)), ADDED);
        let lengths: Vec<_> = table.all().iter().map(|series| series.points.len()).collect();
        assert_eq!(lengths, [2, 1, 1]);
        assert_eq!(table.all()[0].points.back().map(|point| point.value.total()), Some(3.0));
    }

    #[test]
    fn instances_that_are_gone_make_room_for_those_that_live() {
        let of = |service: &str, id: &str, route: &str, time_ns| {
            let mut sample = sample(service, route, 1);
            let resource = Resource {
                attributes: Attributes::from([("service.instance.id", id)]),
                ..Resource::clone(&sample.resource)
            };
            sample.resource = Arc::new(resource);
            sample.point.time_ns = time_ns;
            sample
        };
        let mut table = SeriesTable::new(3, 10);
        assert_eq!(table.add(of("b", "first", "/x", 1)), ADDED);
        assert_eq!(table.add(of("a", "first", "/x", 1)), ADDED);
        assert_eq!(table.add(of("a", "first", "/x", 2)), ADDED);
        assert_eq!(table.add(of("a", "second", "/x", GONE_AFTER_NS)), ADDED);
        assert_eq!(table.add(of("a", "second", "/y", GONE_AFTER_NS)), ADDED);
        assert_eq!(table.add(of("a", "third", "/x", GONE_AFTER_NS + 2)), Kept::Refused, "the first may still live");
        assert_eq!(table.add(of("a", "third", "/x", GONE_AFTER_NS + 3)), Kept::Added { evicted: 2 });
        assert_eq!(table.add(of("a", "second", "/y", GONE_AFTER_NS + 3)), ADDED);
        assert_eq!(table.add(of("b", "first", "/x", GONE_AFTER_NS + 3)), ADDED, "other services keep theirs");
        let lengths: Vec<_> = table.all().iter().map(|series| series.points.len()).collect();
        assert_eq!(lengths, [2, 1, 2, 1]);
    }
}
