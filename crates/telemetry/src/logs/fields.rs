//! The fields of events and spans, redacted and encoded once.

use std::error::Error;
use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};

use super::encode::{self, Scalar};
use crate::redact;
use crate::settings::LogFormat;

/// Keys that the line itself uses; a field of the same name is written as `field.<name>`.
const RESERVED: [&str; 10] = [
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "version",
    "instance",
    "trace_id",
    "span_id",
    "correlation_id",
];

/// Longest text of one field, in bytes: one field must not fill the buffer.
const MAX_TEXT: usize = 16 * 1024;

/// Encodes fields into `out`; the event's message goes to `message` instead.
pub(super) struct Fields<'a> {
    pub(super) format: LogFormat,
    pub(super) out: &'a mut String,
    /// Where a message goes; a span has none.
    pub(super) message: Option<&'a mut String>,
    /// Values that must be formatted before they can be redacted.
    pub(super) scratch: &'a mut String,
    /// Told the name of each field and where its encoding starts.
    pub(super) seen: &'a mut dyn FnMut(&'static str, usize),
}

impl Fields<'_> {
    fn text(&mut self, field: &Field, value: &str) {
        let value = truncate(value);
        if field.name() == "message"
            && let Some(message) = self.message.as_deref_mut()
        {
            message.push_str(&redact::text(value));
            return;
        }
        if redact::is_secret_key(field.name()) {
            self.pair(field, Scalar::Text(redact::MASK));
        } else {
            self.pair(field, Scalar::Text(&redact::text(value)));
        }
    }

    fn plain(&mut self, field: &Field, value: Scalar<'_>) {
        let hidden = redact::is_secret_key(field.name());
        self.pair(field, if hidden { Scalar::Text(redact::MASK) } else { value });
    }

    fn pair(&mut self, field: &Field, value: Scalar<'_>) {
        (self.seen)(field.name(), self.out.len());
        if RESERVED.contains(&field.name()) {
            encode::pair(self.format, &format!("field.{}", field.name()), value, self.out);
        } else {
            encode::pair(self.format, field.name(), value, self.out);
        }
    }

    fn formatted(&mut self, field: &Field, value: std::fmt::Arguments<'_>) {
        if let Some(text) = value.as_str() {
            return self.text(field, text);
        }
        let mut scratch = std::mem::take(self.scratch);
        scratch.clear();
        // A failing `Debug` leaves what it had written so far.
        let _ = scratch.write_fmt(value);
        self.text(field, &scratch);
        *self.scratch = scratch;
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.formatted(field, format_args!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut chain = value.to_string();
        let mut source = value.source();
        // A cycle in a chain of errors must not hang the logger.
        for _ in 0..16 {
            let Some(error) = source else { break };
            let _ = write!(chain, ": {error}");
            source = error.source();
        }
        self.text(field, &chain);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, Scalar::Signed(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        // A card number is also a number.
        if value >= 1_000_000_000_000 {
            return self.formatted_number(field, value);
        }
        self.plain(field, Scalar::Unsigned(value.into()));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.plain(field, Scalar::Signed(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.plain(field, Scalar::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.plain(field, Scalar::Float(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, Scalar::Bool(value));
    }
}

impl Fields<'_> {
    fn formatted_number(&mut self, field: &Field, value: u64) {
        let text = value.to_string();
        match redact::text(&text) {
            std::borrow::Cow::Owned(_) => self.pair(field, Scalar::Text(redact::MASK)),
            std::borrow::Cow::Borrowed(_) => self.plain(field, Scalar::Unsigned(value.into())),
        }
    }
}

fn truncate(text: &str) -> &str {
    if text.len() <= MAX_TEXT { text } else { &text[..text.floor_char_boundary(MAX_TEXT)] }
}
