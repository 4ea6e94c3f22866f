//! One log line, parsed.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::logs::RESERVED;

/// A log line as it was written: redacted, with ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    raw: String,
    fields: BTreeMap<String, String>,
    types: BTreeMap<String, &'static str>,
}

impl LogLine {
    /// A line that is not a JSON object has no fields, which no test will overlook.
    pub(super) fn parse(raw: &str) -> Self {
        let parsed: BTreeMap<String, Value> = serde_json::from_str(raw).unwrap_or_default();
        let types = parsed.iter().map(|(key, value)| (key.clone(), kind(value))).collect();
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let fields = parsed.into_iter().map(|(key, value)| (key, text(value))).collect();
        Self { raw: raw.to_owned(), fields, types }
    }

    /// The line as it was written, without its line break.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// A field as text (`200`, `true`, `null`, the text itself), or an empty text.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The type of a field: `string`, `int`, `double`, `boolean`, or `other`.
    #[must_use]
    pub fn field_type(&self, name: &str) -> Option<&'static str> {
        self.types.get(name).copied()
    }

    /// All fields and their texts, by name, ids and the rest of the frame included.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// `TRACE`, `DEBUG`, `INFO`, `WARN` or `ERROR`.
    #[must_use]
    pub fn level(&self) -> &str {
        self.field("level")
    }

    /// The module or name it was logged under.
    #[must_use]
    pub fn target(&self) -> &str {
        self.field("target")
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        self.field("message")
    }
}

/// Short: level, target, message and the fields beyond the frame.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fields.is_empty() {
            return f.write_str(&self.raw);
        }
        write!(f, "{} {}: {}", self.level(), self.target(), self.message())?;
        let more = self.fields.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
        more.into_iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "int",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_texts_with_types() {
        let line =
            LogLine::parse(r#"{"level":"INFO","target":"a","message":"m","n":7,"f":0.5,"b":true,"service":"s"}"#);
        assert_eq!((line.field("n"), line.field_type("n")), ("7", Some("int")));
        assert_eq!((line.field("f"), line.field_type("f")), ("0.5", Some("double")));
        assert_eq!((line.field("absent"), line.field_type("absent")), ("", None));
        assert_eq!(line.to_string(), "INFO a: m b=true f=0.5 n=7");
        assert_eq!(LogLine::parse("no json").to_string(), "no json");
    }
}
