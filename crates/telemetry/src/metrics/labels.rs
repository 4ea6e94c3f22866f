//! Names, labels and numbers as Prometheus writes them.

use std::borrow::Cow;
use std::fmt::Write;

use opentelemetry::KeyValue;

use crate::redact;

/// A number that may stand in a sample.
pub(super) trait Number: Copy {
    fn write(self, out: &mut String);
}

impl Number for u64 {
    fn write(self, out: &mut String) {
        let _ = write!(out, "{self}");
    }
}

impl Number for i64 {
    fn write(self, out: &mut String) {
        let _ = write!(out, "{self}");
    }
}

impl Number for f64 {
    fn write(self, out: &mut String) {
        if self.is_finite() {
            let _ = write!(out, "{self}");
        } else {
            out.push_str(if self.is_nan() {
                "NaN"
            } else if self > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            });
        }
    }
}

/// The OpenTelemetry name as Prometheus wants it: legal characters and the unit as a suffix, but not yet `_total`.
pub(super) fn name(name: &str, unit: &str, counter: bool) -> String {
    let mut out = sanitized(name);
    if counter && let Some(base) = out.strip_suffix("_total") {
        out.truncate(base.len());
    }
    let suffix = match unit {
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        "1" if !counter => "ratio",
        _ => "",
    };
    if !suffix.is_empty() && !out.ends_with(suffix) {
        out.push('_');
        out.push_str(suffix);
    }
    out
}

/// `{key="value",...,le="bound"}`, or nothing without any.
pub(super) fn write<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>, le: Option<&str>, out: &mut String) {
    let mut labels: Vec<(String, Cow<'_, str>)> = Vec::new();
    for attribute in attributes {
        let value = attribute.value.as_str();
        // What is shown as it is stays borrowed.
        let hidden = match redact::label(attribute.key.as_str(), &value) {
            Cow::Owned(hidden) => Some(Cow::Owned(hidden)),
            Cow::Borrowed(_) => None,
        };
        let (key, value) = (sanitized(attribute.key.as_str()), hidden.unwrap_or(value));
        // A page with one label twice is refused as a whole; the conventions say how to join them.
        match labels.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = format!("{known};{value}").into(),
            // Only a histogram may have this one, and its own.
            None if key == "le" && le.is_some() => {}
            None => labels.push((key, value)),
        }
    }
    labels.extend(le.map(|bound| ("le".to_owned(), Cow::Borrowed(bound))));
    let mut separator = '{';
    for (key, value) in &labels {
        out.push(separator);
        separator = ',';
        out.push_str(key);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
}

fn sanitized(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    out.extend(text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn name_takes_its_unit_once() {
        assert_eq!(name("http.server.request.duration", "s", false), "http_server_request_duration_seconds");
        assert_eq!(name("wait_seconds", "s", false), "wait_seconds");
        assert_eq!(name("made_total", "{item}", true), "made");
        assert_eq!(name("2nd", "1", false), "_2nd_ratio");
    }

    proptest! {
        #[test]
        fn labels_stay_on_their_line_and_inside_their_quotes(keys in proptest::collection::vec("\\PC{0,8}", 0..4), value in "(?s).{0,20}") {
            let attributes: Vec<KeyValue> = keys.iter().map(|key| KeyValue::new(key.clone(), value.clone())).collect();
            let mut out = String::new();
            write(&attributes, Some("1"), &mut out);
            prop_assert!(!out.contains('\n') && out.ends_with("le=\"1\"}"), "{}", out);
            let unescaped = out.replace("\\\\", "").replace("\\\"", "");
            prop_assert_eq!(unescaped.matches('"').count() % 2, 0, "{}", out);
        }
    }
}
