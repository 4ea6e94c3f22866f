//! Meters whose callbacks may panic, block and make further instruments: the SDK calls them under its locks, where that would
//! end all metrics of the process. So they are called by [`asking`], and the SDK gets what they said.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::metrics::{
    AsyncInstrument, AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder, InstrumentBuilder,
    InstrumentProvider, Meter, MeterProvider, ObservableCounter, ObservableGauge, ObservableUpDownCounter,
    UpDownCounter,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::asking::{self, Ask, Turn};

/// The same meter, whose callbacks are asked no more once they have panicked.
pub(crate) fn guarded(meter: Meter) -> Meter {
    Meter::new(Arc::new(Guarded(meter)))
}

/// Gives [`guarded`] meters to whoever asks OpenTelemetry's API for one.
#[derive(Debug, Clone)]
pub(crate) struct GuardedMeters(pub(crate) SdkMeterProvider);

struct Guarded(Meter);

impl MeterProvider for GuardedMeters {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        guarded(self.0.meter_with_scope(scope))
    }
}

macro_rules! pass_on {
    ($($name:ident: $builder:ident<$instrument:ty>, $($field:ident)+;)+) => {$(
        fn $name(&self, builder: $builder<'_, $instrument>) -> $instrument {
            let mut inner = self.0.$name(builder.name);
            $(inner.$field = builder.$field;)+
            inner.build()
        }
    )+};
}

macro_rules! guard {
    ($($name:ident: $instrument:ty, $number:ty;)+) => {$(
        fn $name(&self, builder: AsyncInstrumentBuilder<'_, $instrument, $number>) -> $instrument {
            let mut inner = self.0.$name(builder.name.clone());
            inner.description = builder.description;
            inner.unit = builder.unit;
            inner.callbacks = builder.callbacks.into_iter().map(|asked| guard(builder.name.clone(), asked)).collect();
            inner.build()
        }
    )+};
}

impl InstrumentProvider for Guarded {
    pass_on! {
        u64_counter: InstrumentBuilder<Counter<u64>>, description unit;
        f64_counter: InstrumentBuilder<Counter<f64>>, description unit;
        i64_up_down_counter: InstrumentBuilder<UpDownCounter<i64>>, description unit;
        f64_up_down_counter: InstrumentBuilder<UpDownCounter<f64>>, description unit;
        u64_gauge: InstrumentBuilder<Gauge<u64>>, description unit;
        i64_gauge: InstrumentBuilder<Gauge<i64>>, description unit;
        f64_gauge: InstrumentBuilder<Gauge<f64>>, description unit;
        f64_histogram: HistogramBuilder<Histogram<f64>>, description unit boundaries;
        u64_histogram: HistogramBuilder<Histogram<u64>>, description unit boundaries;
    }

    guard! {
        u64_observable_counter: ObservableCounter<u64>, u64;
        f64_observable_counter: ObservableCounter<f64>, f64;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, i64;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, f64;
        u64_observable_gauge: ObservableGauge<u64>, u64;
        i64_observable_gauge: ObservableGauge<i64>, i64;
        f64_observable_gauge: ObservableGauge<f64>, f64;
    }
}

/// A callback of the application, and what it observed last.
struct Asked<T> {
    name: Cow<'static, str>,
    callback: Callback<T>,
    panicked: AtomicBool,
    turn: Turn,
    last: Mutex<Vec<Observed<T>>>,
}

type Observed<T> = (T, Vec<KeyValue>);

/// Takes down what a callback observes.
struct Seen<T>(Mutex<Vec<Observed<T>>>);

fn guard<T: Copy + Send + Sync + 'static>(name: Cow<'static, str>, callback: Callback<T>) -> Callback<T> {
    let (panicked, turn, last) = (AtomicBool::new(false), Turn::default(), Mutex::default());
    let asked = Arc::new(Asked { name, callback, panicked, turn, last });
    asking::register(&(Arc::clone(&asked) as Arc<dyn Ask>));
    Box::new(move |observer| asked.repeat(observer))
}

impl<T: Copy> Asked<T> {
    fn repeat(&self, observer: &dyn AsyncInstrument<T>) {
        if !self.turn.is_stuck() {
            for (value, attributes) in self.last.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                observer.observe(*value, attributes);
            }
        }
    }
}

impl<T: Copy + Send + Sync> Ask for Asked<T> {
    fn ask(&self) {
        let Some(_turn) = self.turn.take() else { return };
        if self.panicked.load(Ordering::Relaxed) {
            return;
        }
        let seen = Seen(Mutex::default());
        let panicked = catch_unwind(AssertUnwindSafe(|| (self.callback)(&seen))).is_err();
        let seen = if panicked { Vec::new() } else { seen.0.into_inner().unwrap_or_else(PoisonError::into_inner) };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        if panicked {
            self.panicked.store(true, Ordering::Relaxed);
            tracing::error!(
                target: "telemetry::metrics",
                instrument = &*self.name,
                "callback panicked: its instrument shows nothing from now on"
            );
        }
    }
}

impl<T: Copy + Send + Sync> AsyncInstrument<T> for Seen<T> {
    fn observe(&self, value: T, attributes: &[KeyValue]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((value, attributes.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scrape;
    use opentelemetry_sdk::metrics::reader::MetricReader;

    #[test]
    fn panicking_callback_costs_its_own_instrument_only() {
        let scrape = Scrape::default();
        let meters = GuardedMeters(SdkMeterProvider::builder().with_reader(scrape.clone()).build());
        let meter = meters.meter("test");
        meter.u64_observable_gauge("guarded.bad").with_callback(|_| panic!("no such pool")).build();
        meter.u64_observable_gauge("guarded.good").with_callback(|observer| observer.observe(1, &[])).build();
        meter.u64_counter("guarded.counted").with_unit("{item}").with_description("items").build().add(2, &[]);
        for _ in 0..2 {
            let collected = scrape.collect();
            let metrics = collected.scope_metrics().flat_map(|scope| scope.metrics());
            let mut shown: Vec<(&str, &str, &str)> =
                metrics.map(|metric| (metric.name(), metric.unit(), metric.description())).collect();
            shown.sort_unstable();
            assert_eq!(shown, [("guarded.counted", "{item}", "items"), ("guarded.good", "", "")]);
        }
    }
    #[test]
    fn blocking_callback_holds_nobody_and_one_may_make_instruments() {
        let scrape = Scrape::default();
        let meters = GuardedMeters(SdkMeterProvider::builder().with_reader(scrape.clone()).build());
        let meter = meters.meter("test");
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = Mutex::new(blocked);
        let block = move |_: &dyn AsyncInstrument<u64>| assert!(blocked.lock().unwrap().recv().is_err());
        meter.u64_observable_gauge("blocking.bad").with_callback(block).build();
        let making = meter.clone();
        meter
            .u64_observable_gauge("blocking.making")
            .with_callback(move |observer| {
                making.u64_counter("blocking.made").build().add(1, &[]);
                observer.observe(1, &[]);
            })
            .build();
        let collected = || {
            let collected = scrape.collect();
            let metrics = collected.scope_metrics().flat_map(|scope| scope.metrics());
            let mut names: Vec<String> = metrics.map(|metric| metric.name().to_owned()).collect();
            names.sort_unstable();
            names
        };
        // The first round may have ended at the blocking one; the next pass it by.
        collected();
        assert_eq!(collected(), ["blocking.made", "blocking.making"]);
        scrape.shutdown_with_timeout(std::time::Duration::ZERO).unwrap();
        drop(release);
    }
}
