//! The store as OTLP/JSON files: one request a line, readable by anything that reads the OTLP file format.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value as Json, json};

use super::metrics::{Aggregation, MetricSeries, Point, PointValue, Temporality};
use super::model::{LogRecord, Resource, Span};
use super::store::Store;
use super::value::{Attributes, Value};

/// Records of one resource that share a line.
const LINE_RECORDS: usize = 256;

/// Why the store could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write telemetry to `{}`: {source}", path.display())]
pub struct ExportError {
    path: PathBuf,
    source: std::io::Error,
}

impl Store {
    /// Writes `traces.jsonl`, `metrics.jsonl` and `logs.jsonl` into a directory, which is created when missing. Every
    /// line is an OTLP/JSON request: ids in hexadecimal, 64-bit integers as strings, enumerations as numbers.
    ///
    /// # Errors
    ///
    /// [`ExportError`] with the path that could not be written.
    pub fn export(&self, directory: &Path) -> Result<(), ExportError> {
        // Shared handles are copied under the lock; the slow part happens outside of it.
        let (spans, logs, series) = self.read(|view| {
            let spans: Vec<_> = view.spans().cloned().collect();
            let logs: Vec<_> = view.logs().cloned().collect();
            (spans, logs, view.series().to_vec())
        });
        std::fs::create_dir_all(directory).map_err(|source| ExportError { path: directory.to_owned(), source })?;
        write(
            &directory.join("traces.jsonl"),
            &spans,
            |span| &span.resource,
            |resource, group| {
                let spans: Vec<_> = group.iter().map(|span| self::span(span)).collect();
                json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "scope": scope(&group[0].scope), "spans": spans }] }] })
            },
            |a, b| a.scope == b.scope,
        )?;
        write(
            &directory.join("logs.jsonl"),
            &logs,
            |log| &log.resource,
            |resource, group| {
                let records: Vec<_> = group.iter().map(|log| self::log(log)).collect();
                json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "scope": {}, "logRecords": records }] }] })
            },
            |_, _| true,
        )?;
        write(
            &directory.join("metrics.jsonl"),
            &series,
            |series| &series.resource,
            |resource, group| {
                let metrics: Vec<_> = group.iter().map(metric).collect();
                json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{ "scope": scope(&group[0].scope), "metrics": metrics }] }] })
            },
            |a, b| a.scope == b.scope,
        )
    }
}

/// Writes runs of records of the same resource and scope, a line each.
fn write<T>(
    path: &Path,
    records: &[T],
    resource: impl Fn(&T) -> &Resource,
    line: impl Fn(Json, &[T]) -> Json,
    together: impl Fn(&T, &T) -> bool,
) -> Result<(), ExportError> {
    let failed = |source| ExportError { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    for group in records.chunk_by(|a, b| resource(a) == resource(b) && together(a, b)) {
        let described = json!({ "attributes": attributes(&resource(&group[0]).attributes) });
        for part in group.chunks(LINE_RECORDS) {
            writeln!(file, "{}", line(described.clone(), part)).map_err(failed)?;
        }
    }
    file.flush().map_err(failed)
}

fn scope(name: &str) -> Json {
    json!({ "name": name })
}

fn span(span: &Span) -> Json {
    let mut json = json!({
        "traceId": span.trace_id.to_string(),
        "spanId": span.span_id.to_string(),
        "name": &*span.name,
        "kind": span.kind as i32,
        "startTimeUnixNano": span.start_ns.to_string(),
        "endTimeUnixNano": span.end_ns.to_string(),
        "attributes": attributes(&span.attributes),
        "status": { "code": span.status as i32, "message": &*span.status_message },
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = parent.to_string().into();
    }
    if !span.links.is_empty() {
        let link = |link: &super::model::Link| {
            json!({
                "traceId": link.trace_id.to_string(),
                "spanId": link.span_id.to_string(),
                "attributes": attributes(&link.attributes),
            })
        };
        json["links"] = span.links.iter().map(link).collect();
    }
    if !span.events.is_empty() {
        let event = |event: &super::model::Event| {
            json!({
                "timeUnixNano": event.time_ns.to_string(),
                "name": &*event.name,
                "attributes": attributes(&event.attributes),
            })
        };
        json["events"] = span.events.iter().map(event).collect();
    }
    if span.dropped > 0 {
        json["droppedAttributesCount"] = span.dropped.into();
    }
    json
}

fn log(log: &LogRecord) -> Json {
    let mut pairs = attributes(&log.fields);
    if let (Some(id), false, Json::Array(pairs)) =
        (&log.correlation_id, log.fields.get("correlation_id").is_some(), &mut pairs)
    {
        pairs.push(json!({ "key": "correlation_id", "value": { "stringValue": &**id } }));
    }
    let mut json = json!({
        "timeUnixNano": log.time_ns.to_string(),
        "severityNumber": log.level.severity(),
        "severityText": log.level.name(),
        "body": { "stringValue": &*log.message },
        "attributes": pairs,
    });
    if let Some(id) = log.trace_id {
        json["traceId"] = id.to_string().into();
    }
    if let Some(id) = log.span_id {
        json["spanId"] = id.to_string().into();
    }
    json
}

fn metric(series: &MetricSeries) -> Json {
    let points: Vec<_> = series.points.iter().map(|point| self::point(&series.attributes, point)).collect();
    let mut json = json!({ "name": &*series.name, "unit": &*series.unit });
    let (key, data) = match series.aggregation {
        Aggregation::Gauge => ("gauge", json!({ "dataPoints": points })),
        Aggregation::Sum { monotonic, temporality } => (
            "sum",
            json!({ "dataPoints": points, "aggregationTemporality": number(temporality), "isMonotonic": monotonic }),
        ),
        // The buckets of an exponential histogram are not kept: it is written as a histogram of one bucket.
        Aggregation::Histogram(temporality) | Aggregation::ExponentialHistogram(temporality) => {
            ("histogram", json!({ "dataPoints": points, "aggregationTemporality": number(temporality) }))
        }
        Aggregation::Summary => ("summary", json!({ "dataPoints": points })),
    };
    json[key] = data;
    json
}

fn number(temporality: Temporality) -> i32 {
    match temporality {
        Temporality::Unspecified => 0,
        Temporality::Delta => 1,
        Temporality::Cumulative => 2,
    }
}

fn point(of_series: &Attributes, point: &Point) -> Json {
    let mut json = json!({
        "attributes": attributes(of_series),
        "startTimeUnixNano": point.start_ns.to_string(),
        "timeUnixNano": point.time_ns.to_string(),
    });
    match &point.value {
        PointValue::Int(number) => json["asInt"] = number.to_string().into(),
        PointValue::Double(number) => json["asDouble"] = double(*number),
        PointValue::Histogram { count, sum, bounds, buckets } => {
            json["count"] = count.to_string().into();
            if let Some(sum) = sum {
                json["sum"] = double(*sum);
            }
            if !buckets.is_empty() {
                json["explicitBounds"] = bounds.iter().map(|bound| double(*bound)).collect();
                json["bucketCounts"] = buckets.iter().map(|count| Json::from(count.to_string())).collect();
            }
        }
    }
    if !point.exemplars.is_empty() {
        let exemplar = |exemplar: &super::metrics::Exemplar| {
            json!({
                "traceId": exemplar.trace_id.to_string(),
                "spanId": exemplar.span_id.to_string(),
                "timeUnixNano": exemplar.time_ns.to_string(),
                "asDouble": double(exemplar.value),
            })
        };
        json["exemplars"] = point.exemplars.iter().map(exemplar).collect();
    }
    json
}

/// A number as protobuf's JSON mapping wants it: what JSON cannot express is a string.
fn double(number: f64) -> Json {
    if number.is_finite() {
        return number.into();
    }
    let name = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    name.into()
}

fn attributes(attributes: &Attributes) -> Json {
    attributes.iter().map(|(key, value)| json!({ "key": key, "value": self::value(value) })).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Empty => json!({}),
        Value::Str(text) => json!({ "stringValue": &**text }),
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Int(number) => json!({ "intValue": number.to_string() }),
        Value::Double(number) => json!({ "doubleValue": double(*number) }),
        Value::Bytes(bytes) => json!({ "bytesValue": BASE64.encode(bytes) }),
        Value::Array(items) => {
            json!({ "arrayValue": { "values": items.iter().map(self::value).collect::<Vec<_>>() } })
        }
        Value::Map(pairs) => json!({ "kvlistValue": { "values": attributes(pairs) } }),
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
