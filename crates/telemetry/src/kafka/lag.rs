//! Consumer lag, from the statistics librdkafka gives of itself.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::KeyValue;
use rdkafka::client::ClientContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::statistics::Statistics;

use super::SYSTEM;
use crate::messaging::lag_readings;
use crate::readings::{Observe, Reading};

/// Most partitions reported of one consumer.
const MAX_PARTITIONS: usize = 256;

/// Attributes and value of each partition.
type Partitions = Vec<([KeyValue; 4], f64)>;

/// The lag of one consumer: gauge `app.messaging.consumer.lag`, `{message}`, by topic and partition; make it after
/// [`crate::init`]. Dropped, it is not reported any more.
///
/// For a client context of your own; [`LagContext`] is a ready one.
pub struct Lag {
    latest: Arc<Mutex<Partitions>>,
    group: Arc<str>,
    _reading: Arc<Reading>,
}

impl Lag {
    /// Nothing is known of the lag of `group` yet.
    #[must_use]
    pub fn new(group: &str) -> Self {
        let latest: Arc<Mutex<Partitions>> = Arc::default();
        let shown = Arc::clone(&latest);
        let reading: Arc<Reading> = Arc::new(move |observe: Observe<'_>| {
            for (attributes, lag) in shown.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                observe(*lag, attributes);
            }
        });
        lag_readings().add(&reading);
        Self { latest, group: group.into(), _reading: reading }
    }

    /// Takes the lag of each partition from `statistics`. A partition that is not assigned any more is no longer reported.
    pub fn update(&self, statistics: &Statistics) {
        let known = statistics.topics.iter().flat_map(|(topic, of_topic)| {
            let topic: Arc<str> = topic.as_str().into();
            of_topic.partitions.iter().filter_map(move |(partition, of_partition)| {
                // -1 while it is unknown, and for the partitions of others.
                let lag = u64::try_from(of_partition.consumer_lag).ok()?;
                Some((Arc::clone(&topic), *partition, lag as f64))
            })
        });
        let rows = known.take(MAX_PARTITIONS).map(|(topic, partition, lag)| {
            let attributes = [
                KeyValue::new("messaging.system", SYSTEM),
                KeyValue::new("messaging.destination.name", topic),
                KeyValue::new("messaging.destination.partition.id", partition.to_string()),
                KeyValue::new("messaging.consumer.group.name", Arc::clone(&self.group)),
            ];
            (attributes, lag)
        });
        let rows = rows.collect();
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }
}

impl fmt::Debug for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lag").field("group", &self.group).finish_non_exhaustive()
    }
}

/// A context for consumers that reports their lag, every `statistics.interval.ms` of their configuration.
///
/// # Examples
///
/// ```no_run
/// use rdkafka::ClientConfig;
/// use rdkafka::consumer::StreamConsumer;
/// use telemetry::kafka::LagContext;
///
/// let consumer: StreamConsumer<LagContext> = ClientConfig::new()
///     .set("bootstrap.servers", "kafka:9092")
///     .set("group.id", "users")
///     .set("statistics.interval.ms", "5000")
///     .create_with_context(LagContext::new("users"))?;
/// # Ok::<(), rdkafka::error::KafkaError>(())
/// ```
#[derive(Debug)]
pub struct LagContext(Lag);

impl LagContext {
    /// The context of a consumer of `group`.
    #[must_use]
    pub fn new(group: &str) -> Self {
        Self(Lag::new(group))
    }
}

impl ClientContext for LagContext {
    fn stats(&self, statistics: Statistics) {
        self.0.update(&statistics);
    }
}

impl ConsumerContext for LagContext {}
