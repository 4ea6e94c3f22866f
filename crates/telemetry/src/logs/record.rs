//! Log lines as OTLP records, for whoever exports them.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, SeverityNumber};
use tracing::{Level, Metadata};

use super::encode::Scalar;
use super::ids::Ids;
use super::keys::Key;
use crate::{correlation, redact};

/// Takes records to export. Called on the thread that logs, so it must not block.
pub(crate) trait RecordSink: Send + Sync {
    /// Takes one record, which is redacted.
    fn push(&self, record: LogRecord);
}

/// What tells of export itself is not exported: each export would cause the next. In addition to [`super::filter::SILENT`].
const OWN: [&str; 4] = ["telemetry::export", "telemetry::logs", "rustls", "hyper_rustls"];

/// Whether an event of this target, made here and now, may be exported.
pub(super) fn is_exported(target: &str) -> bool {
    let machinery = super::filter::SILENT.iter().chain(&OWN).any(|name| super::filter::is_in(target, name));
    !machinery && !target.starts_with("opentelemetry") && !Context::is_current_telemetry_suppressed()
}

/// A record without attributes, made this long after 1970.
pub(super) fn new(time: Duration, level: Level, body: &str, ids: &Ids) -> LogRecord {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let mut record = LogRecord {
        time_unix_nano: nanos,
        observed_time_unix_nano: nanos,
        severity_number: severity(level) as i32,
        severity_text: level.as_str().to_owned(),
        body: Some(text(body)),
        ..LogRecord::default()
    };
    if let Some(span) = &ids.span {
        record.trace_id = span.trace.to_bytes().to_vec();
        record.span_id = span.span.to_bytes().to_vec();
        record.flags = u32::from(span.flags.to_u8());
    }
    if let Some(id) = &ids.correlation {
        record.attributes.push(pair(correlation::ATTRIBUTE, text(id.as_str())));
    }
    record
}

/// Where in the program it came from.
pub(super) fn source(metadata: &Metadata<'_>, attributes: &mut Vec<KeyValue>) {
    // Of a record of the `log` crate it may be made at run time.
    attributes.push(pair("target", text(&redact::text(metadata.target()))));
    if let Some(file) = metadata.file() {
        attributes.push(pair("code.file.path", text(file)));
    }
    if let Some(line) = metadata.line() {
        attributes.push(pair("code.line.number", AnyValue { value: Some(Value::IntValue(line.into())) }));
    }
}

/// A field as an attribute; a reserved key is `field.key`, as in the line.
pub(super) fn attribute(key: &Key<'static>, value: Scalar<'_>) -> KeyValue {
    let value = match value {
        Scalar::Text(value) | Scalar::Plain(value) => Value::StringValue(value.to_owned()),
        Scalar::Signed(value) => match i64::try_from(value) {
            Ok(value) => Value::IntValue(value),
            Err(_) => Value::StringValue(value.to_string()),
        },
        Scalar::Unsigned(value) => match i64::try_from(value) {
            Ok(value) => Value::IntValue(value),
            Err(_) => Value::StringValue(value.to_string()),
        },
        Scalar::Float(value) => Value::DoubleValue(value),
        Scalar::Bool(value) => Value::BoolValue(value),
    };
    let name = name(key);
    pair(&name, AnyValue { value: Some(value) })
}

/// The name under which a field is exported.
pub(super) fn name(key: &Key<'static>) -> std::borrow::Cow<'static, str> {
    if key.reserved { format!("field.{}", key.name).into() } else { key.name.into() }
}

pub(super) fn number(key: &str, value: u64) -> KeyValue {
    pair(key, AnyValue { value: Some(Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX))) })
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}

fn severity(level: Level) -> SeverityNumber {
    match level {
        Level::ERROR => SeverityNumber::Error,
        Level::WARN => SeverityNumber::Warn,
        Level::INFO => SeverityNumber::Info,
        Level::DEBUG => SeverityNumber::Debug,
        Level::TRACE => SeverityNumber::Trace,
    }
}
