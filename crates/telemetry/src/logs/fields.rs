//! The fields of events and spans: redacted once, then encoded for the line and, when logs are exported, kept with their types.

use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use tracing::field::{Field, Visit};

use super::encode::{Scalar, Style};
use super::keys::{Key, Keys};
use super::record;
use crate::redact::{self, MASK};

/// Longest text of one field, in bytes: one field must not fill the buffer.
const MAX_TEXT: usize = 16 * 1024;

/// What is formatted beyond that, so that a secret across that end is still recognised; it is never shown.
const MARGIN: usize = 1024;

/// The longest chain of causes that is told: a cycle must not hang the logger.
const MAX_CAUSES: usize = 16;

/// Where the encoding of one field stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Encoded fields.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) text: String,
    pub(super) entries: Vec<Entry>,
    /// The bits of all names.
    pub(super) bits: u64,
    /// The same with their types; empty unless logs are exported.
    pub(super) attributes: Vec<KeyValue>,
}

/// An event's message.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// As it stands in the line.
    pub(super) encoded: String,
    /// As it is exported; empty unless logs are.
    pub(super) body: String,
}

/// Encodes fields into `out`; the event's message goes to `message` instead.
pub(super) struct Fields<'a> {
    pub(super) style: Style,
    pub(super) keys: &'a mut Keys,
    pub(super) out: &'a mut Encoded,
    /// Where a message goes; a span has none.
    pub(super) message: Option<&'a mut Message>,
    /// Values that must be formatted before they can be redacted.
    pub(super) scratch: &'a mut String,
    /// Whether types are kept.
    pub(super) typed: bool,
}

// === impl Encoded ===

impl Encoded {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        self.bits = 0;
        self.attributes.clear();
    }

    #[inline]
    fn add(&mut self, style: Style, key: &Key<'static>, value: Scalar<'_>, typed: bool) {
        let start = self.text.len();
        style.field(key, value, &mut self.text);
        self.entries.push(Entry { name: key.name, start, end: self.text.len() });
        self.bits |= key.bit;
        if typed {
            self.attributes.push(record::attribute(key, value));
        }
    }

    pub(super) fn names(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == key)
    }
}

// === impl Message ===

impl Message {
    pub(super) fn clear(&mut self) {
        self.encoded.clear();
        self.body.clear();
    }
}

// === impl Fields ===

impl Fields<'_> {
    #[inline]
    fn text(&mut self, field: &Field, value: &str) {
        let Self { style, keys, out, message, typed, .. } = self;
        let key = keys.get(field.name());
        if key.message
            && let Some(message) = message
        {
            let look = redact::look(value.as_bytes());
            if look.suspicious || value.len() > MAX_TEXT {
                let shown = redact::policy().beginning(value, MAX_TEXT);
                message.add(*style, truncate(&shown), true, *typed);
            } else {
                message.add(*style, value, look.special, *typed);
            }
        } else if key.secret {
            out.add(*style, key, Scalar::Plain(MASK), *typed);
        } else {
            let look = redact::look(value.as_bytes());
            if look.suspicious || value.len() > MAX_TEXT {
                let shown = redact::policy().beginning(value, MAX_TEXT);
                out.add(*style, key, Scalar::Text(truncate(&shown)), *typed);
            } else {
                out.add(*style, key, if look.special { Scalar::Text(value) } else { Scalar::Plain(value) }, *typed);
            }
        }
    }

    #[inline]
    fn plain(&mut self, field: &Field, value: Scalar<'_>) {
        let key = self.keys.get(field.name());
        self.out.add(self.style, key, if key.secret { Scalar::Plain(MASK) } else { value }, self.typed);
    }

    /// A card number is also a number.
    #[inline]
    fn number(&mut self, field: &Field, magnitude: u128, value: Scalar<'_>) {
        self.plain(field, if redact::is_card(magnitude) { Scalar::Plain(MASK) } else { value });
    }

    /// Formats with `write`, which is not ours: it may write without end, fail, panic, or log something itself.
    fn formatted(&mut self, field: &Field, write: impl FnOnce(&mut Bounded<'_>) -> fmt::Result) {
        let mut scratch = std::mem::take(self.scratch);
        scratch.clear();
        let mut bounded = Bounded(&mut scratch);
        // A failing `Debug` leaves what it had written so far.
        if catch_unwind(AssertUnwindSafe(|| write(&mut bounded))).is_err() {
            scratch.push_str(" (panicked while it was formatted)");
        }
        self.text(field, &scratch);
        *self.scratch = scratch;
    }
}

impl Message {
    #[inline]
    fn add(&mut self, style: Style, text: &str, special: bool, typed: bool) {
        self.encoded.clear();
        style.message(text, special, &mut self.encoded);
        if typed {
            self.body.clear();
            self.body.push_str(text);
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, &value[..value.floor_char_boundary(MAX_TEXT + MARGIN)]);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.formatted(field, |out| write!(out, "{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.formatted(field, |out| {
            write!(out, "{value}")?;
            let mut cause = value.source();
            for _ in 0..MAX_CAUSES {
                let Some(error) = cause else { break };
                write!(out, ": {error}")?;
                cause = error.source();
            }
            Ok(())
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value.unsigned_abs().into(), Scalar::Signed(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value.into(), Scalar::Unsigned(value.into()));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(field, value.unsigned_abs(), Scalar::Signed(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(field, value, Scalar::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let whole = if value.fract() == 0.0 { value.abs() as u128 } else { 0 };
        self.number(field, whole, Scalar::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, Scalar::Bool(value));
    }
}

/// Takes as much as one field may hold; whoever writes more is told to stop.
struct Bounded<'a>(&'a mut String);

impl Write for Bounded<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = MAX_TEXT + MARGIN - self.0.len();
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(left)]);
        Err(fmt::Error)
    }
}

fn truncate(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
