//! A finished span, as a test looks at it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// A finished span.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Name.
    pub name: String,
    /// `server`, `client`, `producer`, `consumer` or `internal`.
    pub kind: &'static str,
    /// Trace, in hexadecimal.
    pub trace_id: String,
    /// Span, in hexadecimal.
    pub span_id: String,
    /// Parent, in hexadecimal; `None` for a root.
    pub parent_id: Option<String>,
    /// Trace and span of each link.
    pub links: Vec<(String, String)>,
    /// Attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Names of the span's events.
    pub events: Vec<String>,
    /// Whether its status is an error.
    pub failed: bool,
    /// The text of an error status.
    pub status_message: String,
    /// When it started.
    pub start: SystemTime,
    /// How long it took.
    pub duration: Duration,
    types: BTreeMap<String, &'static str>,
}

// === impl Span ===

impl Span {
    /// One attribute, or an empty text.
    #[must_use]
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// The type of one attribute: `string`, `int`, `double`, `boolean`, or one of these with `[]` behind it.
    #[must_use]
    pub fn attribute_type(&self, key: &str) -> Option<&'static str> {
        self.types.get(key).copied()
    }

    /// Whether it is written as `{kind} {name}`.
    pub(super) fn is(&self, written: &str) -> bool {
        written.split_once(' ').is_some_and(|(kind, name)| kind == self.kind && name == self.name)
    }
}

impl Span {
    /// No `From`: that would make the SDK's span a part of what is public here.
    pub(super) fn of(data: &SpanData) -> Self {
        let id = |span: SpanId| span.to_string();
        Self {
            name: data.name.clone().into_owned(),
            kind: match data.span_kind {
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                SpanKind::Producer => "producer",
                SpanKind::Consumer => "consumer",
                SpanKind::Internal => "internal",
            },
            trace_id: data.span_context.trace_id().to_string(),
            span_id: id(data.span_context.span_id()),
            parent_id: (data.parent_span_id != SpanId::INVALID).then(|| id(data.parent_span_id)),
            links: data
                .links
                .links
                .iter()
                .map(|link| (link.span_context.trace_id().to_string(), id(link.span_context.span_id())))
                .collect(),
            attributes: texts(&data.attributes),
            events: data.events.events.iter().map(|event| event.name.clone().into_owned()).collect(),
            failed: matches!(data.status, Status::Error { .. }),
            status_message: match &data.status {
                Status::Error { description } => description.clone().into_owned(),
                _ => String::new(),
            },
            start: data.start_time,
            duration: data.end_time.duration_since(data.start_time).unwrap_or_default(),
            types: types(&data.attributes),
        }
    }
}

/// The values as text.
pub(super) fn texts<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|attribute| (attribute.key.to_string(), attribute.value.as_str().into_owned())).collect()
}

/// The types of the values, as the semantic conventions call them.
pub(super) fn types<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> BTreeMap<String, &'static str> {
    let name = |value: &Value| match value {
        Value::Bool(_) => "boolean",
        Value::I64(_) => "int",
        Value::F64(_) => "double",
        Value::Array(Array::Bool(_)) => "boolean[]",
        Value::Array(Array::I64(_)) => "int[]",
        Value::Array(Array::F64(_)) => "double[]",
        Value::Array(_) => "string[]",
        _ => "string",
    };
    attributes.into_iter().map(|attribute| (attribute.key.to_string(), name(&attribute.value))).collect()
}
