//! Saturation and utilization: what the process, the runtime and telemetry itself use of what they have.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::logs::Writer;

mod process;
mod runtime;

pub(crate) use runtime::watch_current;

/// Registers every observable instrument. Their callbacks must not panic: that would end all export of metrics.
pub(crate) fn observe(meter: &Meter, logs: Writer) {
    process::observe(meter);
    runtime::observe(meter);
    runtime::watch_current();
    meter
        .u64_observable_counter("app.telemetry.log.lines")
        .with_unit("{line}")
        .with_description("Log lines by what became of them")
        .with_callback(move |observer| {
            let stats = logs.stats();
            for (outcome, lines) in [("written", stats.written), ("dropped", stats.dropped), ("failed", stats.failed)] {
                observer.observe(lines, &[KeyValue::new("outcome", outcome)]);
            }
        })
        .build();
}
