//! Lag: how many messages wait in a queue, and for how long the oldest of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, ObservableGauge};

use super::{SYSTEM, destination};
use crate::late::Late;
use crate::readings::{Observe, Reading, Readings};

pub(crate) struct Gauge {
    readings: Readings,
    _instrument: ObservableGauge<f64>,
}

static LAG: Late<Gauge> = Late::new(|meter| {
    Gauge::new(meter, "app.messaging.consumer.lag", "{message}", "Messages that wait for a consumer")
});

static AGE: Late<Gauge> =
    Late::new(|meter| Gauge::new(meter, "app.messaging.queue.age", "s", "Time the oldest waiting message has waited"));

/// Keeps a gauge of a queue alive; dropped, the queue is not reported any more.
#[must_use = "the queue is reported for as long as this is kept"]
pub struct Watch {
    _reading: Arc<Reading>,
}

/// Reports how many messages wait in `queue` as the gauge `app.messaging.consumer.lag`, `{message}`.
///
/// `waiting` is asked before each collection, on a thread of its own, and should answer at once: from what a passive
/// declaration or a management API said last. `None` reports nothing. Call it after [`crate::init`].
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let waiting = Arc::new(AtomicU64::new(0));
/// let seen = Arc::clone(&waiting);
/// let watch = telemetry::messaging::lag("users", move || Some(seen.load(Ordering::Relaxed)));
/// # drop(watch);
/// ```
pub fn lag(queue: impl Into<Cow<'static, str>>, waiting: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Watch {
    LAG.get().watch(&queue.into(), move || waiting().map(|messages| messages as f64))
}

/// Reports for how long the oldest message of `queue` has waited as the gauge `app.messaging.queue.age`, in seconds.
///
/// `age` is asked as that of [`lag`] is.
pub fn queue_age(
    queue: impl Into<Cow<'static, str>>,
    age: impl Fn() -> Option<Duration> + Send + Sync + 'static,
) -> Watch {
    AGE.get().watch(&queue.into(), move || age().map(|age| age.as_secs_f64()))
}

/// Where any system adds the lag of its consumers.
#[cfg(feature = "kafka")]
pub(crate) fn readings() -> &'static Readings {
    &LAG.get().readings
}

impl Gauge {
    fn new(meter: &Meter, name: &'static str, unit: &'static str, what: &'static str) -> Self {
        let readings = Readings::default();
        let asked = readings.clone();
        let gauge = meter.f64_observable_gauge(name).with_unit(unit).with_description(what);
        let instrument = gauge.with_callback(move |observer| asked.observe(observer)).build();
        Self { readings, _instrument: instrument }
    }

    fn watch(&self, queue: &str, value: impl Fn() -> Option<f64> + Send + Sync + 'static) -> Watch {
        let attributes = [
            KeyValue::new("messaging.system", SYSTEM),
            KeyValue::new("messaging.destination.name", destination("", "", Some(queue))),
        ];
        let reading: Arc<Reading> = Arc::new(move |observe: Observe<'_>| {
            if let Some(value) = value() {
                observe(value, &attributes);
            }
        });
        self.readings.add(&reading);
        Watch { _reading: reading }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{capture, metric};

    #[test]
    fn queue_is_reported_while_it_is_watched() {
        let _capture = capture();
        let queue = [("messaging.destination.name", "lag-users")];
        let watch = lag("lag-users", || Some(7));
        let age = queue_age("lag-users", || Some(Duration::from_millis(1500)));
        assert_eq!(metric("app.messaging.consumer.lag", &queue), 7.0);
        assert_eq!(metric("app.messaging.queue.age", &queue), 1.5);
        drop((watch, age));
        assert_eq!(metric("app.messaging.consumer.lag", &queue), 0.0);
        assert_eq!(metric("app.messaging.queue.age", &queue), 0.0);
    }
}
