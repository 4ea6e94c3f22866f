//! The seam to the telemetry library: ids and contexts as stored text, and the platform's own instruments.

use std::sync::OnceLock;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use telemetry::context::MessageContext;

/// The correlation id of the code that is running.
pub(crate) fn correlation_id() -> Option<String> {
    telemetry::correlation::current().map(|id| id.as_str().to_owned())
}

/// Trace and correlation id of the code that is running, as stored in an outbox row.
pub(crate) fn captured_context() -> String {
    // A map of four optional texts is always writable.
    serde_json::to_string(&MessageContext::capture()).unwrap_or_else(|_| "{}".to_owned())
}

/// The context of an outbox row; an unreadable one costs the link, not the event.
pub(crate) fn stored_context(text: &str) -> MessageContext {
    serde_json::from_str(text).unwrap_or_default()
}

struct Instruments {
    pending: Gauge<u64>,
    duplicates: Counter<u64>,
    retries: Counter<u64>,
    dead_letters: Counter<u64>,
}

fn instruments() -> &'static Instruments {
    static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();
    INSTRUMENTS.get_or_init(|| {
        let meter = telemetry::metrics::meter();
        Instruments {
            pending: meter.u64_gauge("app.outbox.pending").with_unit("{event}").build(),
            duplicates: meter.u64_counter("app.inbox.duplicates").with_unit("{event}").build(),
            retries: meter.u64_counter("app.consumer.retries").with_unit("{event}").build(),
            dead_letters: meter.u64_counter("app.consumer.dead_letters").with_unit("{message}").build(),
        }
    })
}

/// Events that wait in the outbox.
pub(crate) fn outbox_pending(count: u64) {
    instruments().pending.record(count, &[]);
}

fn consumer(name: &'static str, event_type: &str) -> [KeyValue; 2] {
    [KeyValue::new("app.consumer", name), KeyValue::new("app.messaging.message.type", event_type.to_owned())]
}

/// An event that had its effect before.
pub(crate) fn duplicate(name: &'static str, event_type: &str) {
    instruments().duplicates.add(1, &consumer(name, event_type));
}

/// A handler is tried again.
pub(crate) fn retry(name: &'static str, event_type: &str) {
    instruments().retries.add(1, &consumer(name, event_type));
}

/// A message goes to the dead-letter queue; its type is left out, as poison may claim any.
pub(crate) fn dead_letter(name: &'static str) {
    instruments().dead_letters.add(1, &[KeyValue::new("app.consumer", name)]);
}
