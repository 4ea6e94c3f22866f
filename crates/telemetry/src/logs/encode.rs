//! How one key and its value are written, in each format.

use std::fmt::Write;

use super::keys::Key;
use crate::redact;
use crate::settings::LogFormat;

/// A value of a field, after redaction.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    /// A text without anything that JSON escapes.
    Plain(&'a str),
    Signed(i128),
    Unsigned(u128),
    Float(f64),
    Bool(bool),
}

/// Format and colours of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) format: LogFormat,
    /// Whether the pretty format is coloured.
    pub(crate) colour: bool,
}

impl Style {
    /// Appends `,"key":value` or ` key=value`; a reserved key is written as `field.key`.
    #[inline]
    pub(super) fn field(self, key: &Key, value: Scalar<'_>, out: &mut String) {
        if self.format == LogFormat::Json {
            return json_field(key, value, out);
        }
        self.before_key(out);
        if key.reserved {
            out.push_str("field.");
        }
        if key.plain {
            out.push_str(key.name)
        } else {
            Self::odd_key(key.name, out)
        }
        self.after_key(out);
        self.value(value, out);
    }

    /// Appends a pair whose key is known to be plain.
    #[inline]
    pub(super) fn pair(self, key: &str, value: Scalar<'_>, out: &mut String) {
        self.before_key(out);
        out.push_str(key);
        self.after_key(out);
        self.value(value, out);
    }

    #[inline]
    fn before_key(self, out: &mut String) {
        match self.format {
            LogFormat::Json => out.push_str(",\""),
            _ if self.colour => out.push_str(" \x1b[2m"),
            _ => out.push(' '),
        }
    }

    #[inline]
    fn after_key(self, out: &mut String) {
        match self.format {
            LogFormat::Json => out.push_str("\":"),
            _ if self.colour => out.push_str("=\x1b[0m"),
            _ => out.push('='),
        }
    }

    #[cold]
    fn odd_key(key: &str, out: &mut String) {
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '=' | '"' | '\\');
        out.extend(key.chars().map(|c| if bad(c) { '_' } else { c }));
    }

    #[inline]
    fn value(self, value: Scalar<'_>, out: &mut String) {
        match value {
            Scalar::Text(text) => self.text(text, redact::look(text.as_bytes()).special, out),
            Scalar::Plain(text) => self.text(text, false, out),
            Scalar::Signed(number) => match i64::try_from(number) {
                Ok(number) => out.push_str(itoa::Buffer::new().format(number)),
                Err(_) => out.push_str(itoa::Buffer::new().format(number)),
            },
            Scalar::Unsigned(number) => match u64::try_from(number) {
                Ok(number) => out.push_str(itoa::Buffer::new().format(number)),
                Err(_) => out.push_str(itoa::Buffer::new().format(number)),
            },
            Scalar::Float(number) if number.is_finite() => out.push_str(zmij::Buffer::new().format_finite(number)),
            // JSON has no such number.
            Scalar::Float(number) => {
                let _ = write!(out, "\"{number}\"");
            }
            Scalar::Bool(true) => out.push_str("true"),
            Scalar::Bool(false) => out.push_str("false"),
        }
    }

    /// A text as a value; `special` tells whether it holds what JSON escapes.
    #[inline]
    pub(super) fn text(self, text: &str, special: bool, out: &mut String) {
        if self.format == LogFormat::Json {
            out.push('"');
            if special {
                escape(text, out)
            } else {
                out.push_str(text)
            }
            out.push('"');
        } else {
            bare(text, special, out);
        }
    }
}

/// As [`Style::field`], in as few steps as possible.
#[inline]
fn json_field(key: &Key, value: Scalar<'_>, out: &mut String) {
    match value {
        Scalar::Plain(text) => {
            out.push_str(&key.json);
            out.push_str(text);
            out.push('"');
        }
        Scalar::Text(text) => {
            out.push_str(&key.json);
            escape(text, out);
            out.push('"');
        }
        Scalar::Signed(_) | Scalar::Unsigned(_) | Scalar::Float(_) | Scalar::Bool(_) => {
            out.push_str(&key.json[..key.json.len() - 1]);
            Style { format: LogFormat::Json, colour: false }.value(value, out);
        }
    }
}

/// A logfmt value: quoted only when it has to be.
fn bare(text: &str, special: bool, out: &mut String) {
    let quoted = special
        || text.is_empty()
        || text.bytes().any(|b| matches!(b, b' ' | b'=' | 0x7f))
        || text.chars().any(|c| !c.is_ascii() && (c.is_control() || c.is_whitespace()));
    if quoted {
        out.push('"');
        escape_for_terminal(text, out);
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// [`escape`], and the control characters beyond ASCII (U+0080 to U+009F), one of which is another way to write ESC `[`.
pub(super) fn escape_for_terminal(text: &str, out: &mut String) {
    for part in text.split_inclusive(|c| matches!(c, '\u{80}'..='\u{9f}')) {
        match part.char_indices().next_back() {
            Some((end, last @ '\u{80}'..='\u{9f}')) => {
                escape(&part[..end], out);
                let _ = write!(out, "\\u{:04x}", u32::from(last));
            }
            _ => escape(part, out),
        }
    }
}

/// JSON's escapes, and those of the control characters that a terminal would obey; runs of plain characters are copied at once.
pub(super) fn escape(text: &str, out: &mut String) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 | 0x7f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        plain = at + 1;
        if short.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(short);
        }
    }
    out.push_str(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const JSON: Style = Style { format: LogFormat::Json, colour: false };
    const LOGFMT: Style = Style { format: LogFormat::Logfmt, colour: false };

    #[test]
    fn numbers_are_written_as_json_numbers() {
        for value in [
            Scalar::Signed(-7),
            Scalar::Signed(i128::MIN),
            Scalar::Unsigned(u128::MAX),
            Scalar::Float(12.5),
            Scalar::Float(-0.0),
            Scalar::Float(f64::MAX),
            Scalar::Bool(true),
            Scalar::Float(f64::NEG_INFINITY),
        ] {
            let mut out = String::from("{\"a\":1");
            JSON.pair("k", value, &mut out);
            out.push('}');
            assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{out}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_json(text in any::<String>()) {
            let mut out = String::new();
            JSON.value(Scalar::Text(&text), &mut out);
            prop_assert!(!out.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }

        #[test]
        fn any_text_is_one_word_or_one_string_in_logfmt(text in prop_oneof![any::<String>(), "[a\u{7f}-\u{a0} ]{0,8}"]) {
            let mut out = String::new();
            LOGFMT.value(Scalar::Text(&text), &mut out);
            let quoted = out.starts_with('"');
            prop_assert!(!out.contains(char::is_control));
            prop_assert!(quoted || !out.contains([' ', '=', '"']));
            prop_assert_eq!(if quoted { serde_json::from_str::<String>(&out).unwrap() } else { out }, text);
        }
    }
}
