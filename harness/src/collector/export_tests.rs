use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::*;
use crate::collector::http::{export_logs, export_metrics, export_traces};

fn read(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).expect("exported file").lines().map(str::to_owned).collect()
}

fn spans_request() -> ExportTraceServiceRequest {
    serde_json::from_value(json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "order" } }] },
        "scopeSpans": [{ "scope": { "name": "orders" }, "spans": [{
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173",
            "name": "place", "kind": 4, "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712661000000000",
            "status": { "code": 2, "message": "declined" },
            "attributes": [
                { "key": "app.amount", "value": { "intValue": "9007199254740993" } },
                { "key": "app.ratio", "value": { "doubleValue": 0.5 } },
                { "key": "app.list", "value": { "arrayValue": { "values": [{ "boolValue": true }, { "stringValue": "x" }] } } }
            ],
            "links": [{ "traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175" }],
            "events": [{ "timeUnixNano": "1544712660500000000", "name": "retry" }]
        }] }]
    }] }))
    .expect("valid OTLP/JSON")
}

#[test]
fn exported_spans_read_back_as_the_same_spans() {
    let (store, again) = (Store::default(), Store::default());
    let directory = tempfile::tempdir().expect("directory");
    export_traces(&store, spans_request());
    store.export(directory.path()).expect("export");
    for line in read(&directory.path().join("traces.jsonl")) {
        let request = serde_json::from_str(&line).expect("OTLP/JSON");
        assert_eq!(export_traces(&again, request), None);
    }
    let spans = |store: &Store| store.read(|view| view.spans().map(|span| (**span).clone()).collect::<Vec<_>>());
    assert_eq!(spans(&store), spans(&again));
    assert_eq!(spans(&store)[0].attributes.to_string(), "app.amount=9007199254740993 app.ratio=0.5 app.list=[true, x]");
}

#[test]
fn exported_logs_and_metrics_read_back() {
    let (store, again) = (Store::default(), Store::default());
    let directory = tempfile::tempdir().expect("directory");
    let line = r#"{"timestamp":"2026-01-02T03:04:05Z","level":"info","message":"hi","correlation_id":"c-1","n":1}"#;
    store.ingest_log_line("order", line);
    let metrics: ExportMetricsServiceRequest = serde_json::from_value(json!({ "resourceMetrics": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "order" } }] },
        "scopeMetrics": [{ "metrics": [
            { "name": "hits", "unit": "1", "sum": { "aggregationTemporality": 2, "isMonotonic": true,
                "dataPoints": [{ "asInt": "41", "timeUnixNano": "1" }, { "asInt": "42", "timeUnixNano": "2" }] } },
            { "name": "duration", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [
                { "count": "3", "sum": 0.6, "explicitBounds": [0.1, 0.2], "bucketCounts": ["1", "1", "1"] }] } }
        ] }]
    }] }))
    .expect("valid OTLP/JSON");
    assert_eq!(export_metrics(&store, metrics), None);
    store.export(directory.path()).expect("export");
    for line in read(&directory.path().join("metrics.jsonl")) {
        export_metrics(&again, serde_json::from_str(&line).expect("OTLP/JSON"));
    }
    for line in read(&directory.path().join("logs.jsonl")) {
        let request: ExportLogsServiceRequest = serde_json::from_str(&line).expect("OTLP/JSON");
        export_logs(&again, request);
    }
    again.read(|view| {
        assert_eq!(view.metric_total("order", "hits", &[]), Some(42.0));
        assert_eq!(view.metric_total("order", "duration", &[]), Some(3.0));
        assert_eq!(view.metric_total("order", "absent", &[]), None);
        let log = view.logs().next().expect("one record");
        assert_eq!((&*log.message, log.correlation_id.as_deref()), ("hi", Some("c-1")));
    });
}

#[test]
fn export_error_names_the_path() {
    let directory = tempfile::tempdir().expect("directory");
    let file = directory.path().join("taken");
    std::fs::write(&file, "").expect("file");
    let error = Store::default().export(&file).expect_err("not a directory");
    assert!(error.to_string().contains("taken"), "{error}");
}
