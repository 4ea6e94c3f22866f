//! Patterns and formats of texts.

use regex::Regex;
use serde_json::Value;

use crate::document::Schema;

/// Longest pattern that is tried, in bytes.
const MAX_PATTERN: usize = 1_000;

/// Patterns that a text must match, all of them.
pub(crate) fn patterns<'a>(schema: &Schema<'a>) -> Vec<&'a str> {
    schema.keyword("pattern").filter_map(Value::as_str).collect()
}

/// Formats that a text must have; widths of numbers are no formats of texts, but read as such.
pub(crate) fn formats<'a>(schema: &Schema<'a>) -> Vec<&'a str> {
    schema.keyword("format").filter_map(Value::as_str).collect()
}

/// Whether a text matches; a pattern that this engine does not know matches everything.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    pattern.len() > MAX_PATTERN || Regex::new(pattern).map_or(true, |regex| regex.is_match(text))
}

/// The words that a pattern names: of `^(small|large)$`, `small` and `large`.
pub(crate) fn words(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
}
