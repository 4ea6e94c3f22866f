//! OTLP messages to the compact model. Nothing is cloned that can be moved; what repeats is shared.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{self as otlp_metrics, exemplar, metric, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;
use opentelemetry_proto::tonic::{logs::v1 as otlp_logs, trace::v1 as otlp_trace};

use super::ids::{SpanId, TraceId};
use super::intern::Interner;
use super::metrics::{Aggregation, Exemplar, Point, PointValue, Sample, Temporality};
use super::model::{
    CORRELATION_ATTRIBUTE, Event, Level, Link, LogRecord, LogSource, Resource, Span, SpanKind, SpanStatus,
};
use super::value::{Attributes, Value};

/// Deepest nesting of attribute values that is kept; anything deeper becomes empty.
const MAX_DEPTH: usize = 8;

/// What a request held: the part that is usable, and what was refused and why.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    pub(crate) items: Vec<T>,
    pub(crate) rejected: i64,
    pub(crate) reason: &'static str,
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Self { items: Vec::new(), rejected: 0, reason: "" }
    }
}

impl<T> Decoded<T> {
    fn reject(&mut self, reason: &'static str) {
        self.rejected += 1;
        self.reason = reason;
    }
}

/// Decodes the spans of a request.
pub(crate) fn spans(request: ExportTraceServiceRequest, interner: &mut Interner) -> Decoded<Span> {
    let mut decoded = Decoded::default();
    for of_resource in request.resource_spans {
        let resource = resource(of_resource.resource, interner);
        for of_scope in of_resource.scope_spans {
            let scope = scope(of_scope.scope, interner);
            decoded.items.reserve(of_scope.spans.len());
            for raw in of_scope.spans {
                match span(raw, &resource, &scope, interner) {
                    Some(span) => decoded.items.push(span),
                    None => {
                        decoded.reject("a span needs a trace id of 16 bytes and a span id of 8 bytes, not all zero")
                    }
                }
            }
        }
    }
    decoded
}

fn span(raw: otlp_trace::Span, resource: &Arc<Resource>, scope: &Arc<str>, interner: &mut Interner) -> Option<Span> {
    let dropped =
        raw.dropped_attributes_count.saturating_add(raw.dropped_events_count).saturating_add(raw.dropped_links_count);
    let (status, status_message) = raw.status.map_or((SpanStatus::Unset, Box::default()), |status| {
        let code = match status.code {
            1 => SpanStatus::Ok,
            2 => SpanStatus::Error,
            _ => SpanStatus::Unset,
        };
        (code, status.message.into_boxed_str())
    });
    Some(Span {
        trace_id: TraceId::from_bytes(&raw.trace_id)?,
        span_id: SpanId::from_bytes(&raw.span_id)?,
        parent: SpanId::from_bytes(&raw.parent_span_id),
        resource: Arc::clone(resource),
        scope: Arc::clone(scope),
        name: interner.get(&raw.name),
        kind: SpanKind::from_number(raw.kind),
        start_ns: raw.start_time_unix_nano,
        end_ns: raw.end_time_unix_nano,
        status,
        status_message,
        attributes: attributes(raw.attributes, interner, 0),
        links: raw.links.into_iter().filter_map(|link| self::link(link, interner)).collect(),
        events: raw.events.into_iter().map(|event| self::event(event, interner)).collect(),
        dropped,
    })
}

fn link(raw: otlp_trace::span::Link, interner: &mut Interner) -> Option<Link> {
    Some(Link {
        trace_id: TraceId::from_bytes(&raw.trace_id)?,
        span_id: SpanId::from_bytes(&raw.span_id)?,
        attributes: attributes(raw.attributes, interner, 0),
    })
}

fn event(raw: otlp_trace::span::Event, interner: &mut Interner) -> Event {
    Event {
        time_ns: raw.time_unix_nano,
        name: interner.get(&raw.name),
        attributes: attributes(raw.attributes, interner, 0),
    }
}

/// Decodes the log records of a request.
pub(crate) fn logs(request: ExportLogsServiceRequest, interner: &mut Interner) -> Decoded<LogRecord> {
    let mut decoded = Decoded::default();
    for of_resource in request.resource_logs {
        let resource = resource(of_resource.resource, interner);
        for raw in of_resource.scope_logs.into_iter().flat_map(|of_scope| of_scope.log_records) {
            decoded.items.push(log(raw, &resource, interner));
        }
    }
    decoded
}

fn log(raw: otlp_logs::LogRecord, resource: &Arc<Resource>, interner: &mut Interner) -> LogRecord {
    let fields = attributes(raw.attributes, interner, 0);
    let correlation_id = fields.text("correlation_id").or_else(|| fields.text(CORRELATION_ATTRIBUTE)).map(Into::into);
    let level = match Level::from_severity(raw.severity_number) {
        Level::Unspecified => Level::from_name(&raw.severity_text),
        level => level,
    };
    let message = raw.body.map_or(Value::Empty, |body| value(body, interner, 0));
    LogRecord {
        resource: Arc::clone(resource),
        source: LogSource::Otlp,
        time_ns: if raw.time_unix_nano == 0 { raw.observed_time_unix_nano } else { raw.time_unix_nano },
        level,
        message: match message {
            Value::Str(text) => text,
            other => other.to_string().into(),
        },
        trace_id: TraceId::from_bytes(&raw.trace_id),
        span_id: SpanId::from_bytes(&raw.span_id),
        correlation_id,
        fields,
    }
}

/// Decodes the metric points of a request.
pub(crate) fn metrics(request: ExportMetricsServiceRequest, interner: &mut Interner) -> Decoded<Sample> {
    let mut decoded = Decoded::default();
    for of_resource in request.resource_metrics {
        let resource = resource(of_resource.resource, interner);
        for of_scope in of_resource.scope_metrics {
            let scope = scope(of_scope.scope, interner);
            for metric in of_scope.metrics {
                let name = interner.get(&metric.name);
                let unit = interner.get(&metric.unit);
                let Some(data) = metric.data else { continue };
                points(data, interner, &mut decoded, |aggregation, attributes, point| Sample {
                    resource: Arc::clone(&resource),
                    scope: Arc::clone(&scope),
                    name: Arc::clone(&name),
                    unit: Arc::clone(&unit),
                    aggregation,
                    attributes,
                    point,
                });
            }
        }
    }
    decoded
}

fn points(
    data: metric::Data,
    interner: &mut Interner,
    decoded: &mut Decoded<Sample>,
    sample: impl Fn(Aggregation, Attributes, Point) -> Sample,
) {
    let mut numbers = |aggregation: Aggregation, raw: Vec<otlp_metrics::NumberDataPoint>, interner: &mut Interner| {
        for point in raw {
            let value = match point.value {
                Some(number_data_point::Value::AsInt(number)) => PointValue::Int(number),
                Some(number_data_point::Value::AsDouble(number)) => PointValue::Double(number),
                None => {
                    decoded.reject("a number point needs a value");
                    continue;
                }
            };
            let kept = Point {
                start_ns: point.start_time_unix_nano,
                time_ns: point.time_unix_nano,
                value,
                exemplars: exemplars(point.exemplars),
            };
            decoded.items.push(sample(aggregation, attributes(point.attributes, interner, 0), kept));
        }
    };
    match data {
        metric::Data::Gauge(gauge) => numbers(Aggregation::Gauge, gauge.data_points, interner),
        metric::Data::Sum(sum) => {
            let aggregation =
                Aggregation::Sum { monotonic: sum.is_monotonic, temporality: temporality(sum.aggregation_temporality) };
            numbers(aggregation, sum.data_points, interner);
        }
        metric::Data::Histogram(histogram) => {
            let aggregation = Aggregation::Histogram(temporality(histogram.aggregation_temporality));
            for point in histogram.data_points {
                if !point.bucket_counts.is_empty() && point.bucket_counts.len() != point.explicit_bounds.len() + 1 {
                    decoded.reject("a histogram point needs one bucket more than it has bounds");
                    continue;
                }
                let value = distribution(point.count, point.sum, point.explicit_bounds, point.bucket_counts);
                let kept = Point {
                    start_ns: point.start_time_unix_nano,
                    time_ns: point.time_unix_nano,
                    value,
                    exemplars: exemplars(point.exemplars),
                };
                decoded.items.push(sample(aggregation, attributes(point.attributes, interner, 0), kept));
            }
        }
        metric::Data::ExponentialHistogram(histogram) => {
            let aggregation = Aggregation::ExponentialHistogram(temporality(histogram.aggregation_temporality));
            for point in histogram.data_points {
                let kept = Point {
                    start_ns: point.start_time_unix_nano,
                    time_ns: point.time_unix_nano,
                    value: distribution(point.count, point.sum, Vec::new(), Vec::new()),
                    exemplars: exemplars(point.exemplars),
                };
                decoded.items.push(sample(aggregation, attributes(point.attributes, interner, 0), kept));
            }
        }
        metric::Data::Summary(summary) => {
            for point in summary.data_points {
                let kept = Point {
                    start_ns: point.start_time_unix_nano,
                    time_ns: point.time_unix_nano,
                    value: distribution(point.count, Some(point.sum), Vec::new(), Vec::new()),
                    exemplars: Box::default(),
                };
                decoded.items.push(sample(Aggregation::Summary, attributes(point.attributes, interner, 0), kept));
            }
        }
    }
}

fn distribution(count: u64, sum: Option<f64>, bounds: Vec<f64>, buckets: Vec<u64>) -> PointValue {
    PointValue::Histogram { count, sum, bounds: bounds.into(), buckets: buckets.into() }
}

fn temporality(number: i32) -> Temporality {
    match number {
        1 => Temporality::Delta,
        2 => Temporality::Cumulative,
        _ => Temporality::Unspecified,
    }
}

fn exemplars(raw: Vec<otlp_metrics::Exemplar>) -> Box<[Exemplar]> {
    raw.into_iter()
        .filter_map(|raw| {
            Some(Exemplar {
                trace_id: TraceId::from_bytes(&raw.trace_id)?,
                span_id: SpanId::from_bytes(&raw.span_id)?,
                value: match raw.value? {
                    exemplar::Value::AsDouble(number) => number,
                    exemplar::Value::AsInt(number) => number as f64,
                },
                time_ns: raw.time_unix_nano,
            })
        })
        .collect()
}

fn resource(raw: Option<OtlpResource>, interner: &mut Interner) -> Arc<Resource> {
    let attributes = attributes(raw.map(|resource| resource.attributes).unwrap_or_default(), interner, 0);
    let service = interner.get(attributes.text("service.name").unwrap_or("unknown_service"));
    Arc::new(Resource { service, attributes })
}

fn scope(raw: Option<InstrumentationScope>, interner: &mut Interner) -> Arc<str> {
    interner.get(raw.as_ref().map_or("", |scope| &scope.name))
}

fn attributes(raw: Vec<KeyValue>, interner: &mut Interner, depth: usize) -> Attributes {
    raw.into_iter()
        .map(|pair| (interner.get(&pair.key), pair.value.map_or(Value::Empty, |raw| value(raw, interner, depth))))
        .collect()
}

fn value(raw: AnyValue, interner: &mut Interner, depth: usize) -> Value {
    match raw.value {
        Some(any_value::Value::StringValue(text)) => Value::Str(text.into_boxed_str()),
        Some(any_value::Value::BoolValue(value)) => Value::Bool(value),
        Some(any_value::Value::IntValue(number)) => Value::Int(number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(number),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(bytes.into_boxed_slice()),
        Some(any_value::Value::ArrayValue(list)) if depth < MAX_DEPTH => {
            Value::Array(list.values.into_iter().map(|item| value(item, interner, depth + 1)).collect())
        }
        Some(any_value::Value::KvlistValue(list)) if depth < MAX_DEPTH => {
            Value::Map(attributes(list.values, interner, depth + 1))
        }
        _ => Value::Empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw_span(trace_id: Vec<u8>) -> otlp_trace::Span {
        otlp_trace::Span { trace_id, span_id: vec![2; 8], name: "GET /x".into(), kind: 2, ..Default::default() }
    }

    fn request(spans: Vec<otlp_trace::Span>) -> ExportTraceServiceRequest {
        let scope_spans = vec![otlp_trace::ScopeSpans { spans, ..Default::default() }];
        ExportTraceServiceRequest {
            resource_spans: vec![otlp_trace::ResourceSpans { scope_spans, ..Default::default() }],
        }
    }

    #[test]
    fn span_without_valid_id_is_rejected_and_the_rest_kept() {
        let decoded = spans(
            request(vec![raw_span(vec![1; 16]), raw_span(vec![]), raw_span(vec![0; 16])]),
            &mut Interner::default(),
        );
        assert_eq!((decoded.items.len(), decoded.rejected), (1, 2));
        assert_eq!(decoded.items[0].service(), "unknown_service");
        assert_eq!(decoded.items[0].kind, SpanKind::Server);
        assert_eq!(decoded.items[0].parent, None);
    }

    #[test]
    fn deeply_nested_value_is_cut_off() {
        let mut raw = AnyValue { value: Some(any_value::Value::IntValue(1)) };
        for _ in 0..100 {
            let list = opentelemetry_proto::tonic::common::v1::ArrayValue { values: vec![raw] };
            raw = AnyValue { value: Some(any_value::Value::ArrayValue(list)) };
        }
        let mut kept = value(raw, &mut Interner::default(), 0);
        for _ in 0..MAX_DEPTH {
            let Value::Array(items) = kept else { panic!("expected a list") };
            kept = items[0].clone();
        }
        assert_eq!(kept, Value::Empty);
    }
}
