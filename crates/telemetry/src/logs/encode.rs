//! How one key and its value are written, in each format.

use std::fmt::Write;

use crate::settings::LogFormat;

/// A value of a field, after redaction.
#[derive(Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Signed(i128),
    Unsigned(u128),
    Float(f64),
    Bool(bool),
}

/// Appends `,"key":value` or ` key=value`.
pub(super) fn pair(format: LogFormat, key: &str, value: Scalar<'_>, out: &mut String) {
    if format == LogFormat::Json {
        out.push_str(",\"");
        escape(key, out);
        out.push_str("\":");
    } else {
        out.push(' ');
        out.extend(key.chars().map(|c| if c.is_whitespace() || c == '=' || c == '"' { '_' } else { c }));
        out.push('=');
    }
    // Writing to a string cannot fail.
    let _ = match value {
        Scalar::Text(text) if format == LogFormat::Json => {
            quoted(text, out);
            Ok(())
        }
        Scalar::Text(text) => {
            bare(text, out);
            Ok(())
        }
        Scalar::Signed(number) => write!(out, "{number}"),
        Scalar::Unsigned(number) => write!(out, "{number}"),
        Scalar::Float(number) if number.is_finite() => write!(out, "{number}"),
        // JSON has no such number.
        Scalar::Float(number) => write!(out, "\"{number}\""),
        Scalar::Bool(value) => write!(out, "{value}"),
    };
}

/// A JSON string.
pub(super) fn quoted(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

/// A logfmt value: quoted only when it has to be.
pub(super) fn bare(text: &str, out: &mut String) {
    if text.is_empty() || text.bytes().any(|b| b <= b' ' || matches!(b, b'"' | b'=' | b'\\' | 0x7f)) {
        quoted(text, out);
    } else {
        out.push_str(text);
    }
}

/// JSON's escapes; runs of plain characters are copied at once.
fn escape(text: &str, out: &mut String) {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
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

    proptest! {
        #[test]
        fn any_text_survives_json(text in any::<String>()) {
            let mut out = String::new();
            quoted(&text, &mut out);
            prop_assert!(!out.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
