//! Metrics of export itself, named by the conventions for SDKs (`otel.sdk.*`).

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::Signal;

/// Registers the counters of one signal, and for one that queues its queue.
pub(crate) fn observe(meter: &Meter, signal: &Arc<dyn Signal>) {
    let item = signal.state().item;
    let unit = format!(
        "{{{}}}",
        if item == "log" {
            "log_record"
        } else if item == "span" {
            "span"
        } else {
            "data_point"
        }
    );
    let of = Arc::clone(signal);
    meter
        .u64_observable_counter(format!("otel.sdk.exporter.{item}.exported"))
        .with_unit(unit.clone())
        .with_description("Items whose export has ended, well or with an error")
        .with_callback(move |observer| {
            let outcome = of.state().outcome();
            observer.observe(outcome.exported, &[]);
            observer.observe(outcome.failed, &[KeyValue::new("error.type", "export_failed")]);
            observer.observe(outcome.rejected, &[KeyValue::new("error.type", "rejected")]);
        })
        .build();
    let of = Arc::clone(signal);
    meter
        .u64_observable_gauge("app.telemetry.collector.up")
        .with_description("Whether the last attempt to export reached the collector")
        .with_callback(move |observer| {
            if let Some(up) = of.state().is_up() {
                observer.observe(u64::from(up), &[KeyValue::new("signal", of.state().signal)]);
            }
        })
        .build();
    let Some(capacity) = signal.capacity() else { return };
    let of = Arc::clone(signal);
    meter
        .u64_observable_counter(format!("otel.sdk.processor.{item}.processed"))
        .with_unit(unit.clone())
        .with_description("Items handed to the exporter, or refused because their queue was full")
        .with_callback(move |observer| {
            observer.observe(of.processed(), &[]);
            observer.observe(of.state().dropped.get(), &[KeyValue::new("error.type", "queue_full")]);
        })
        .build();
    let of = Arc::clone(signal);
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.processor.{item}.queue.size"))
        .with_unit(unit.clone())
        .with_description("Items waiting for export")
        .with_callback(move |observer| observer.observe(level(of.balance().0), &[]))
        .build();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.processor.{item}.queue.capacity"))
        .with_unit(unit)
        .with_description("Most items that may wait for export")
        .with_callback(move |observer| observer.observe(level(capacity), &[]))
        .build();
}

fn level(items: u64) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
