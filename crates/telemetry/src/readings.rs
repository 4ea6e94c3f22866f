//! Observable gauges whose values come from closures of the application, which come and go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

/// Adds a value with its attributes to what is being observed.
pub(crate) type Observe<'o> = &'o mut dyn FnMut(f64, &[KeyValue]);

/// Asked at each collection for as long as somebody holds it.
pub(crate) type Reading = dyn Fn(Observe<'_>) + Send + Sync;

/// The readings of one instrument.
#[derive(Clone, Default)]
pub(crate) struct Readings(Arc<Mutex<Vec<Weak<Reading>>>>);

impl Readings {
    /// Adds a reading, which lives as long as the caller holds it.
    pub(crate) fn add(&self, reading: &Arc<Reading>) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        readings.retain(|known| known.strong_count() > 0);
        readings.push(Arc::downgrade(reading));
    }

    /// Asks all of them. One that panics gives nothing: it must not take down the thread that collects all metrics.
    pub(crate) fn observe(&self, instrument: &dyn AsyncInstrument<f64>) {
        // Not under the lock: a reading may well add another one.
        let readings = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for reading in readings.iter().filter_map(Weak::upgrade) {
            let mut observe = |value: f64, attributes: &[KeyValue]| instrument.observe(value, attributes);
            let _ = catch_unwind(AssertUnwindSafe(|| reading(&mut observe)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seen(Mutex<Vec<f64>>);

    impl AsyncInstrument<f64> for Seen {
        fn observe(&self, value: f64, _: &[KeyValue]) {
            self.0.lock().unwrap().push(value);
        }
    }

    #[test]
    fn readings_end_with_their_holder_and_a_panic_costs_only_itself() {
        let readings = Readings::default();
        let panicking: Arc<Reading> = Arc::new(|_: Observe<'_>| panic!("broken reading"));
        let lasting: Arc<Reading> = Arc::new(|observe: Observe<'_>| observe(1.0, &[]));
        let gone: Arc<Reading> = Arc::new(|observe: Observe<'_>| observe(2.0, &[]));
        for reading in [&panicking, &lasting, &gone] {
            readings.add(reading);
        }
        drop(gone);
        let seen = Seen(Mutex::default());
        readings.observe(&seen);
        assert_eq!(*seen.0.lock().unwrap(), [1.0]);
    }
}
