//! Saturation and utilization: what the process, the runtime and telemetry itself use of what they have.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::logs::Logs;

mod process;
mod runtime;
mod sampler;
mod window;

pub(crate) use runtime::watch_current;
pub(crate) use window::Window;

/// Registers every observable instrument and starts the thread that samples.
///
/// # Errors
///
/// When the thread cannot be started.
pub(crate) fn observe(meter: &Meter, logs: Logs) -> std::io::Result<()> {
    runtime::watch_current();
    let samples = sampler::start()?;
    process::observe(meter, &samples);
    runtime::observe(meter, &samples);
    crate::metrics::saturation::observe(meter);
    meter
        .u64_observable_counter("app.telemetry.log.lines")
        .with_unit("{line}")
        .with_description("Log lines by what became of them")
        .with_callback(move |observer| {
            let stats = logs.stats();
            for (outcome, lines) in [
                ("written", stats.written),
                ("dropped", stats.dropped),
                ("failed", stats.failed),
                ("suppressed", stats.suppressed),
            ] {
                observer.observe(lines, &[KeyValue::new("outcome", outcome)]);
            }
        })
        .build();
    Ok(())
}
