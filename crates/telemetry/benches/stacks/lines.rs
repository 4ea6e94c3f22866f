//! The line that all stacks write: an event with three fields, inside two spans with two and three.

use super::Subject;

/// Writes lines.
pub struct Lines {
    pub(super) run: Box<dyn FnMut(u64)>,
    pub(super) finish: Box<dyn FnOnce() -> Result<(), String>>,
}

/// Writes the line `times` times.
pub(super) fn write(times: u64) {
    let _checkout = tracing::info_span!("checkout", buyer = "b-4711", attempt = 3_u64).entered();
    let _charge =
        tracing::info_span!("charge", order = "o-1138", amount_minor = 12_950_i64, currency = "EUR").entered();
    for _ in 0..times {
        tracing::info!(provider = "acquirer-2", took_ms = 42_u64, retried = false, "payment captured");
    }
}

pub(super) fn subject(
    run: impl FnMut(u64) + 'static,
    finish: impl FnOnce() -> Result<(), String> + 'static,
) -> Subject {
    Subject::Lines(Lines { run: Box::new(run), finish: Box::new(finish) })
}
