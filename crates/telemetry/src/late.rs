//! Instruments made at first use, by the meter that is in force then.

use std::sync::OnceLock;

use opentelemetry::metrics::{Counter, Meter, UpDownCounter};

use crate::core::{core, installed};
use crate::metrics::{Histogram, histogram};

/// Instruments of one module. What is used before [`crate::init`] measures nothing, and is replaced after it.
pub(crate) struct Late<T> {
    make: fn(&Meter) -> T,
    lasting: OnceLock<T>,
    early: OnceLock<T>,
}

impl<T> Late<T> {
    /// Instruments that `make` makes.
    pub(crate) const fn new(make: fn(&Meter) -> T) -> Self {
        Self { make, lasting: OnceLock::new(), early: OnceLock::new() }
    }

    /// The instruments.
    pub(crate) fn get(&self) -> &T {
        let made = if installed() { &self.lasting } else { &self.early };
        made.get_or_init(|| (self.make)(&core().meter))
    }
}

/// A histogram of durations in seconds.
pub(crate) fn duration(meter: &Meter, name: &'static str, what: &'static str) -> Histogram {
    histogram(name, "s", what).build_on(meter)
}

/// A counter of `unit`.
pub(crate) fn count(meter: &Meter, name: &'static str, unit: &'static str, what: &'static str) -> Counter<u64> {
    meter.u64_counter(name).with_unit(unit).with_description(what).build()
}

/// A level of `unit` that goes up and down.
pub(crate) fn level(meter: &Meter, name: &'static str, unit: &'static str, what: &'static str) -> UpDownCounter<i64> {
    meter.i64_up_down_counter(name).with_unit(unit).with_description(what).build()
}
