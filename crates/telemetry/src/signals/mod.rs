//! Saturation and utilization: what the process, the runtime and telemetry itself use of what they have.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::export::ExportState;
use crate::logs::Writer;

mod process;
mod runtime;

pub(crate) use runtime::watch_current;

/// Registers every observable instrument. Their callbacks must not panic: that would end all export of metrics.
pub(crate) fn observe(meter: &Meter, spans: Option<Arc<ExportState>>, capacity: u64, logs: Writer) {
    process::observe(meter);
    runtime::observe(meter);
    runtime::watch_current();
    if let Some(spans) = spans {
        export(meter, spans, capacity);
    }
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

fn export(meter: &Meter, spans: Arc<ExportState>, capacity: u64) {
    let state = Arc::clone(&spans);
    meter
        .u64_observable_counter("otel.sdk.exporter.span.exported")
        .with_unit("{span}")
        .with_description("Spans whose export has ended, well or not")
        .with_callback(move |observer| {
            observer.observe(state.exported(), &[]);
            observer.observe(state.failed(), &[KeyValue::new("error.type", "export_failed")]);
        })
        .build();
    let state = Arc::clone(&spans);
    meter
        .u64_observable_counter("otel.sdk.processor.span.processed")
        .with_unit("{span}")
        .with_description("Spans the queue refused because it was full")
        .with_callback(move |observer| {
            observer.observe(state.dropped(), &[KeyValue::new("error.type", "queue_full")]);
        })
        .build();
    meter
        .u64_observable_gauge("otel.sdk.processor.span.queue.size")
        .with_unit("{span}")
        .with_description("Spans waiting for export")
        .with_callback(move |observer| observer.observe(spans.waiting(), &[]))
        .build();
    meter
        .u64_observable_gauge("otel.sdk.processor.span.queue.capacity")
        .with_unit("{span}")
        .with_description("Most spans that may wait for export")
        .with_callback(move |observer| observer.observe(capacity, &[]))
        .build();
}
