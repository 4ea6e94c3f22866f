//! A service's line on standard output to a log record.

use std::sync::Arc;

use serde_json::Value as Json;

use super::ids::{SpanId, TraceId};
use super::model::{Level, LogRecord, LogSource, Resource};
use super::value::{Attributes, Value};

/// Longest line that is parsed, in bytes; of anything longer the beginning is kept as plain text.
const LONGEST: usize = 64 * 1024;
/// Fields that have a place of their own in the record.
const OWN_FIELDS: [&str; 7] = ["timestamp", "level", "message", "service", "trace_id", "span_id", "correlation_id"];

/// Parses a line. One that is not a JSON object is kept as a message without a level: a panic is worth reading too.
pub(crate) fn parse(resource: &Arc<Resource>, number: u64, line: &str) -> LogRecord {
    let plain = |text: &str| LogRecord {
        resource: Arc::clone(resource),
        source: LogSource::Line(number),
        time_ns: 0,
        level: Level::Unspecified,
        message: text.into(),
        trace_id: None,
        span_id: None,
        correlation_id: None,
        fields: Attributes::default(),
    };
    if line.len() > LONGEST {
        return plain(&line[..line.floor_char_boundary(LONGEST)]);
    }
    let Ok(Json::Object(object)) = serde_json::from_str::<Json>(line) else {
        return plain(line);
    };
    let text = |name: &str| object.get(name).and_then(Json::as_str);
    let fields = object
        .iter()
        .filter(|(name, _)| !OWN_FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (Arc::from(name.as_str()), self::value(value)))
        .collect();
    LogRecord {
        time_ns: text("timestamp").map_or(0, nanoseconds),
        level: Level::from_name(text("level").unwrap_or_default()),
        trace_id: text("trace_id").and_then(|id| id.parse::<TraceId>().ok()),
        span_id: text("span_id").and_then(|id| id.parse::<SpanId>().ok()),
        correlation_id: text("correlation_id").filter(|id| !id.is_empty()).map(Into::into),
        fields,
        ..plain(text("message").unwrap_or_default())
    }
}

/// Nanoseconds since the Unix epoch of an RFC 3339 timestamp; zero when it is none.
fn nanoseconds(timestamp: &str) -> u64 {
    chrono::DateTime::parse_from_rfc3339(timestamp)
        .ok()
        .and_then(|time| time.timestamp_nanos_opt())
        .and_then(|nanoseconds| u64::try_from(nanoseconds).ok())
        .unwrap_or_default()
}

/// A JSON value; the parser has bounded its nesting already.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Double(number.as_f64().unwrap_or(f64::NAN)), Value::Int)
        }
        Json::String(text) => Value::Str(text.as_str().into()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(object) => {
            Value::Map(object.iter().map(|(name, item)| (Arc::from(name.as_str()), value(item))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_line_becomes_a_record_with_its_ids() {
        let line = r#"{"timestamp":"2026-01-02T03:04:05.000006Z","level":"WARN","message":"slow","service":"order",
            "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","correlation_id":"c-1","rows":3}"#;
        let record = parse(&Resource::named("order"), 7, line);
        assert_eq!(record.level, Level::Warn);
        assert_eq!(&*record.message, "slow");
        assert_eq!(record.time_ns, 1_767_323_045_000_006_000);
        assert_eq!(record.trace_id.map(|id| id.to_string()).as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(record.correlation_id.as_deref(), Some("c-1"));
        assert_eq!(record.fields.to_string(), "rows=3");
        assert_eq!(record.source, LogSource::Line(7));
    }

    #[test]
    fn plain_line_is_kept_as_message() {
        let record = parse(&Resource::named("order"), 1, "thread 'main' panicked at src/main.rs");
        assert_eq!(&*record.message, "thread 'main' panicked at src/main.rs");
        assert_eq!(record.level, Level::Unspecified);
    }

    proptest! {
        #[test]
        fn any_line_yields_a_record(line in ".*") {
            parse(&Resource::named("any"), 1, &line);
        }

        #[test]
        fn any_timestamp_and_id_are_survived(timestamp in ".{0,40}", id in ".{0,40}") {
            let line = serde_json::json!({ "timestamp": timestamp, "trace_id": id, "level": 3, "message": null });
            parse(&Resource::named("any"), 1, &line.to_string());
        }
    }
}
