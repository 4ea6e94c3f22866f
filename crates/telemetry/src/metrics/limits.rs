//! How many attribute sets each of this crate's instruments may have.
//!
//! The SDK sets places aside for as many as are allowed, 2000 unless told otherwise, per instrument and reader.

use opentelemetry_sdk::metrics::{Instrument, InstrumentKind, Stream};

/// Routes, methods and statuses, or destinations: an application has hundreds, not thousands.
pub(super) const RECORDED: usize = 1000;

/// Methods and peers, or queues.
const LEVELS: usize = 256;

/// Observed values have a handful of sets, all known beforehand.
const OBSERVED: usize = 16;

/// The view for the instruments of this crate; what the application makes keeps the SDK's limit.
pub(crate) fn limits(instrument: &Instrument) -> Option<Stream> {
    let limit = match instrument.kind() {
        InstrumentKind::Counter | InstrumentKind::Histogram => RECORDED,
        InstrumentKind::UpDownCounter | InstrumentKind::Gauge => LEVELS,
        _ => OBSERVED,
    };
    let own = [
        "http.",
        "messaging.",
        "process.",
        "otel.sdk.",
        "app.tokio.",
        "app.telemetry.",
        "app.messaging.",
        "app.process.",
    ];
    if !own.iter().any(|prefix| instrument.name().starts_with(prefix)) {
        return None;
    }
    Stream::builder().with_cardinality_limit(limit).build().ok()
}
