//! Meters whose callbacks may panic: the SDK calls them under its locks, where a panic would end all metrics of the process.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{
    AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram, HistogramBuilder, InstrumentBuilder,
    InstrumentProvider, Meter, MeterProvider, ObservableCounter, ObservableGauge, ObservableUpDownCounter,
    UpDownCounter,
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

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

fn guard<T: 'static>(name: Cow<'static, str>, callback: Callback<T>) -> Callback<T> {
    let panicked = AtomicBool::new(false);
    Box::new(move |observer| {
        if panicked.load(Ordering::Relaxed) {
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| callback(observer))).is_err() {
            panicked.store(true, Ordering::Relaxed);
            tracing::error!(
                target: "telemetry::metrics",
                instrument = &*name,
                "callback panicked: its instrument shows nothing from now on"
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scrape;

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
}
