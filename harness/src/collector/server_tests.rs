use std::io::Write;
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::*;

fn attribute(key: &str, text: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn request(trace: u128, spans: u64) -> ExportTraceServiceRequest {
    let span = |id: u64| Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        name: "POST /api/v1/order".to_owned(),
        kind: 2,
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes: vec![
            attribute("http.request.method", "POST"),
            attribute("http.route", "/api/v1/order"),
            attribute("url.scheme", "http"),
            attribute("server.address", "127.0.0.1"),
            attribute("network.protocol.version", "1.1"),
            attribute("app.correlation_id", "0198c0de-0000-7000-8000-000000000001"),
        ],
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (1..=spans).map(span).collect(), ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes: vec![attribute("service.name", "order")], ..Resource::default() });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

async fn post(collector: &Collector, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Vec<u8>) {
    let mut request = reqwest::Client::new().post(format!("http://{}/v1/traces", collector.http_addr)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("response");
    (response.status().as_u16(), response.bytes().await.expect("body").to_vec())
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

#[tokio::test]
async fn collector_accepts_protobuf_json_gzip_and_grpc_alike() {
    let collector = Collector::start(CollectorConfig::default()).await.expect("start");
    let (status, body) = post(&collector, &[PROTOBUF], request(1, 2).encode_to_vec()).await;
    assert_eq!(status, 200);
    assert_eq!(ExportTraceServiceResponse::decode(&*body).expect("response").partial_success, None);
    let (status, _) =
        post(&collector, &[PROTOBUF, ("content-encoding", "gzip")], gzip(&request(2, 2).encode_to_vec())).await;
    assert_eq!(status, 200);
    let json = serde_json::to_vec(&request(3, 2)).expect("json");
    let (status, body) = post(&collector, &[("content-type", "application/json; charset=utf-8")], json).await;
    assert_eq!((status, serde_json::from_slice::<serde_json::Value>(&body).expect("json").is_object()), (200, true));
    let mut client = TraceServiceClient::connect(format!("http://{}", collector.grpc_addr.expect("listening")))
        .await
        .expect("connect");
    client.export(request(4, 2)).await.expect("export");
    let stats = collector.store.stats();
    assert_eq!((stats.spans, stats.traces, stats.services["order"].spans), (8, 4, 8));
    collector.shutdown().await;
}

#[tokio::test]
async fn collector_answers_bad_requests_with_a_status_message() {
    let config = CollectorConfig { max_request_bytes: 20_000, ..CollectorConfig::default() };
    let collector = Collector::start(config).await.expect("start");
    let json = ("content-type", "application/json");
    let gzip_header = ("content-encoding", "gzip");
    for (headers, body, expected) in [
        (vec![PROTOBUF], b"garbage".to_vec(), 400),
        (vec![json], b"{\"resourceSpans\": 3}".to_vec(), 400),
        (vec![PROTOBUF, gzip_header], b"garbage".to_vec(), 400),
        (vec![("content-type", "text/plain")], Vec::new(), 415),
        (vec![PROTOBUF, ("content-encoding", "br")], Vec::new(), 415),
        (vec![PROTOBUF], vec![0; 30_000], 413),
        (vec![PROTOBUF, gzip_header], gzip(&vec![0; 5_000_000]), 413),
    ] {
        let (status, body) = post(&collector, &headers, body).await;
        assert_eq!(status, expected, "{headers:?}");
        assert!(!body.is_empty(), "{headers:?} should be told why");
    }
    assert_eq!(collector.store.stats().spans, 0);
}

#[tokio::test]
async fn collector_reports_invalid_spans_as_partial_success() {
    let collector = Collector::start(CollectorConfig::default()).await.expect("start");
    let mut mixed = request(1, 3);
    mixed.resource_spans[0].scope_spans[0].spans[1].span_id = vec![0; 8];
    let (status, body) = post(&collector, &[PROTOBUF], mixed.encode_to_vec()).await;
    let partial = ExportTraceServiceResponse::decode(&*body).expect("response").partial_success.expect("partial");
    assert_eq!((status, partial.rejected_spans), (200, 1));
    assert!(partial.error_message.contains("16 bytes"));
    let stats = collector.store.stats();
    assert_eq!((stats.spans, stats.rejected), (2, 1));
}

#[tokio::test]
async fn taken_port_is_named() {
    let first = Collector::start(CollectorConfig::default()).await.expect("start");
    let config = CollectorConfig { http: first.http_addr, ..CollectorConfig::default() };
    let error = Collector::start(config).await.expect_err("taken");
    assert!(error.to_string().contains(&first.http_addr.to_string()), "{error}");
}

#[tokio::test]
async fn collector_without_grpc_listens_for_http_only() {
    let collector =
        Collector::start(CollectorConfig { grpc: None, ..CollectorConfig::default() }).await.expect("start");
    assert_eq!(collector.grpc_addr, None);
    assert_eq!(post(&collector, &[PROTOBUF], Vec::new()).await.0, 200, "an empty request is a valid one");
}

#[tokio::test]
async fn stopped_collector_frees_its_ports() {
    let collector = Collector::start(CollectorConfig::default()).await.expect("start");
    let config = CollectorConfig { http: collector.http_addr, grpc: collector.grpc_addr, ..CollectorConfig::default() };
    collector.shutdown().await;
    Collector::start(config).await.expect("the ports are free again");
}

/// A budget that holds in an unoptimised build too, to catch anything quadratic; the real figure comes from a benchmark.
#[test]
fn ingest_takes_time_in_proportion_to_spans() {
    let store = Store::default();
    let batches: Vec<_> = (1..=200).map(|trace| request(trace, 100)).collect();
    let started = Instant::now();
    for batch in batches {
        super::http::export_traces(&store, batch);
    }
    let rate = 20_000.0 / started.elapsed().as_secs_f64();
    assert_eq!(store.stats().spans, 20_000);
    assert!(rate > 5_000.0, "{rate:.0} spans a second");
}
