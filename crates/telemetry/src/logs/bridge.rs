//! Records of the `log` crate, which many libraries write to: heard as events, and told as what they were.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};
use tracing_log::{LogTracer, NormalizeEvent};

use super::encode::{Scalar, Style};

/// Target of the events that stand for records; of anything else's events none is looked at any closer.
const TARGET: &str = "log";

/// Makes the `log` crate tell us, unless it has somebody else to tell: the application has decided.
pub(crate) fn hear_log_crate() {
    let _ = LogTracer::init();
}

/// Where a record comes from; `None` of an event that is none. All records of one level share a callsite, and with it the limit
/// of lines.
#[inline]
pub(super) fn original<'a>(event: &'a Event<'a>) -> Option<Metadata<'a>> {
    if event.metadata().target() == TARGET { event.normalized_metadata() } else { None }
}

/// Visits the message alone: the fields beside it are the record's origin.
pub(super) struct MessageOnly<'v>(pub(super) &'v mut dyn Visit);

impl Visit for MessageOnly<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.record_debug(field, value);
        }
    }
}

/// Appends where in the program a record was written: its target often names no more than a library.
pub(super) fn place(style: Style, original: &Metadata<'_>, line: &mut String) {
    if let Some(file) = original.file() {
        style.pair("code.file.path", Scalar::Text(file), line);
    }
    if let Some(number) = original.line() {
        style.pair("code.line.number", Scalar::Unsigned(number.into()), line);
    }
}
