//! Requests encoded item by item, with the processor handed over in between: a batch converted at one go would keep whoever
//! answers requests on that core waiting for milliseconds, as a kernel that is built for servers does not interrupt it.

use std::thread;

use opentelemetry::InstrumentationScope as Scope;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, message};

/// Items between two chances for somebody else: some twenty microseconds.
const TURN: usize = 4;

/// Fields of OTLP's messages, the same for all signals: `resource_spans` of a request, `scope_spans` of those, `spans` of these.
const RESOURCE: u32 = 1;
const SCOPE: u32 = 2;
const ITEM: u32 = 2;

/// The bytes of an `ExportTraceServiceRequest`.
pub(super) fn spans(spans: impl Iterator<Item = SpanData>, resource: &ResourceSpans) -> Vec<u8> {
    let mut scopes: Vec<(Scope, Vec<u8>)> = Vec::new();
    for (turn, span) in spans.enumerate() {
        yield_at(turn);
        // There are few: ours, and those of other libraries.
        let known = scopes.iter().position(|(scope, _)| *scope == span.instrumentation_scope);
        let at = known.unwrap_or_else(|| {
            let scope = span.instrumentation_scope.clone();
            let schema_url = scope.schema_url().unwrap_or_default().to_owned();
            let head = ScopeSpans { scope: Some((&scope, None).into()), spans: Vec::new(), schema_url };
            scopes.push((scope, head.encode_to_vec()));
            scopes.len() - 1
        });
        message::encode(ITEM, &Span::from(span), &mut scopes[at].1);
    }
    request(resource.encode_to_vec(), scopes.into_iter().map(|(_, scope)| scope))
}

/// The bytes of an `ExportLogsServiceRequest`.
pub(super) fn records(records: Vec<LogRecord>, resource: &ResourceLogs) -> Vec<u8> {
    let scope = InstrumentationScope { name: crate::core::SCOPE.into(), ..InstrumentationScope::default() };
    let mut scope = ScopeLogs { scope: Some(scope), ..ScopeLogs::default() }.encode_to_vec();
    for (turn, record) in records.into_iter().enumerate() {
        yield_at(turn);
        message::encode(ITEM, &record, &mut scope);
    }
    request(resource.encode_to_vec(), std::iter::once(scope))
}

/// What spans come from, without any.
pub(super) fn resource_spans(resource: Resource, schema_url: &str) -> ResourceSpans {
    ResourceSpans { resource: Some(resource), scope_spans: Vec::new(), schema_url: schema_url.to_owned() }
}

/// What records come from, without any.
pub(super) fn resource_logs(resource: Resource, schema_url: &str) -> ResourceLogs {
    ResourceLogs { resource: Some(resource), scope_logs: Vec::new(), schema_url: schema_url.to_owned() }
}

fn yield_at(turn: usize) {
    if turn % TURN == TURN - 1 {
        thread::yield_now();
    }
}

/// A request for one resource, all of whose other fields are encoded already: their order does not matter.
fn request(mut resource: Vec<u8>, scopes: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    scopes.for_each(|scope| nest(SCOPE, &scope, &mut resource));
    let mut request = Vec::with_capacity(resource.len() + 8);
    nest(RESOURCE, &resource, &mut request);
    request
}

fn nest(field: u32, message: &[u8], out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(message.len() as u64, out);
    out.extend_from_slice(message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::KeyValue;
    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
    use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};
    use std::time::SystemTime;

    fn span(number: u64) -> SpanData {
        let scope = ["ours", "theirs", "ours"][number as usize % 3];
        SpanData {
            span_context: SpanContext::new(
                TraceId::from(7),
                SpanId::from(number + 1),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: SpanId::from(number),
            parent_span_is_remote: number.is_multiple_of(2),
            span_kind: SpanKind::Server,
            name: format!("span {number}").into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::now(),
            attributes: vec![KeyValue::new("number", number as i64)],
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Ok,
            instrumentation_scope: Scope::builder(scope).with_version("1").with_schema_url("https://schema").build(),
        }
    }

    #[test]
    fn spans_are_encoded_as_the_sdk_groups_them() {
        let resource =
            opentelemetry_sdk::Resource::builder_empty().with_attribute(KeyValue::new("service.name", "s")).build();
        let all: Vec<SpanData> = (0..100).map(span).collect();
        let with_schema = ResourceAttributesWithSchema::from(&resource);
        let expected = group_spans_by_resource_and_scope(all.clone(), &with_schema);
        let bytes = spans(all.into_iter(), &resource_spans((&resource).into(), ""));
        let decoded = ExportTraceServiceRequest::decode(&*bytes).unwrap();
        assert_eq!(decoded.resource_spans, expected);
    }

    #[test]
    fn records_are_encoded_in_their_order() {
        let all: Vec<LogRecord> =
            (0..20).map(|number| LogRecord { time_unix_nano: number, ..LogRecord::default() }).collect();
        let bytes = records(all.clone(), &resource_logs(Resource::default(), "https://schema"));
        let mut decoded = ExportLogsServiceRequest::decode(&*bytes).unwrap();
        let resource = decoded.resource_logs.remove(0);
        assert_eq!((resource.schema_url.as_str(), decoded.resource_logs.len()), ("https://schema", 0));
        assert_eq!(resource.scope_logs.len(), 1);
        assert_eq!(resource.scope_logs[0].scope.as_ref().unwrap().name, crate::core::SCOPE);
        assert_eq!(resource.scope_logs[0].log_records, all);
    }
}
