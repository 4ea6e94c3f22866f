//! A collector that answers, refuses, hangs, or is not there: shutdown ends in time and says what became of the spans.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use telemetry::Config;

/// Names the case that a child of this test process plays; each needs a telemetry of its own, and a process has only one.
const CASE: &str = "TELEMETRY_EXPORT_CASE";

const DEADLINE: Duration = Duration::from_secs(2);

/// The child: makes five spans and a line, shuts down and writes its report to stderr.
#[test]
fn child_process() {
    if std::env::var(CASE).is_err() {
        return;
    }
    let telemetry = telemetry::init(Config::from_env("child")).unwrap();
    assert!(matches!(telemetry::init(Config::new("again")), Err(telemetry::InitError::AlreadyInitialized)));
    assert!(std::thread::spawn(|| panic!("child panics")).join().is_err());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..5 {
            let delivery = lapin::message::Delivery::mock(1, "e".into(), "k".into(), false, Vec::new());
            telemetry::messaging::process(&delivery, "q", async { tracing::info!("mail eve@example.org") }).await;
        }
        let report = telemetry.shutdown_async(DEADLINE).await;
        assert!(report.took <= DEADLINE + Duration::from_millis(500), "{report:?}");
        writeln!(std::io::stderr(), "REPORT {:?} {:?}", report.spans, report.metrics).unwrap();
    });
}

async fn child(endpoint: Option<SocketAddr>, more: &[(&str, &str)]) -> (String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child_process", "--nocapture"]).env(CASE, "1").envs(more.iter().copied());
    if let Some(endpoint) = endpoint {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{endpoint}"));
    }
    let started = Instant::now();
    let output: Output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{out}\n{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    let report = error.lines().find(|line| line.starts_with("REPORT")).unwrap_or_else(|| panic!("{error}")).to_owned();
    (out, report)
}

/// A number of the spans' part of the report.
fn spans(report: &str, name: &str) -> u64 {
    let (_, rest) = report.split_once(&format!("{name}: ")).unwrap();
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

async fn collector(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn answering_collector_gets_everything() {
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    let take = async move |body: Bytes| sender.send(ExportTraceServiceRequest::decode(body).unwrap()).unwrap();
    let app = Router::new().route("/v1/traces", post(take)).route("/v1/metrics", post(async || {}));
    let (out, report) = child(Some(collector(app).await), &[("OTEL_RESOURCE_ATTRIBUTES", "service.version=9")]).await;
    assert!(report.contains("exported: 5, failed: 0, rejected: 0, dropped: 0, unsent: 0, flushed: true"), "{report}");
    let mut received_spans = Vec::new();
    while let Ok(request) = received.try_recv() {
        for resource in request.resource_spans {
            let attributes = resource.resource.unwrap().attributes;
            assert!(attributes.iter().any(|attribute| attribute.key == "service.version"), "{attributes:?}");
            received_spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    assert_eq!(received_spans.len(), 5);
    assert!(received_spans.iter().all(|span| span.name == "process q"));
    let lines: Vec<&str> = out.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(lines.iter().filter(|line| line.contains("mail [redacted]")).count(), 5, "{out}");
    let lines: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let panic = lines.iter().find(|line| line["target"] == "panic").unwrap();
    assert_eq!(panic["message"], "thread panicked: child panics");
    assert!(panic["exception.stacktrace"].as_str().is_some_and(|trace| !trace.is_empty()), "{panic}");
}

#[tokio::test]
async fn refusing_collector_is_reported_once() {
    let app = Router::new()
        .route("/v1/traces", post(async || StatusCode::BAD_REQUEST))
        .route("/v1/metrics", post(async || StatusCode::INTERNAL_SERVER_ERROR));
    let (out, report) = child(Some(collector(app).await), &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")]).await;
    assert!(report.contains("exported: 0, failed: 5"), "{report}");
    let refused: Vec<_> =
        out.lines().filter(|line| line.contains("collector refuses") && line.contains("traces")).collect();
    assert_eq!(refused.len(), 1, "{out}");
}

#[tokio::test]
async fn hanging_collector_does_not_hold_the_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_, report) = child(Some(listener.local_addr().unwrap()), &[]).await;
    assert!(report.contains("exported: 0, failed: 0, rejected: 0, dropped: 0, unsent: 5, flushed: false"), "{report}");
}

#[tokio::test]
async fn absent_collector_costs_nothing_but_the_spans() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (out, report) = child(Some(address), &[]).await;
    // Refused at once, but tried again until the deadline: when that comes they have failed or still wait.
    assert_eq!((spans(&report, "exported"), spans(&report, "failed") + spans(&report, "unsent")), (0, 5), "{report}");
    assert_eq!(out.lines().filter(|line| line.contains("mail [redacted]")).count(), 5, "{out}");
}

#[tokio::test]
async fn full_queue_drops_and_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_, report) = child(Some(listener.local_addr().unwrap()), &[("OTEL_BSP_MAX_QUEUE_SIZE", "3")]).await;
    assert!(report.contains("dropped: 2, unsent: 3"), "{report}");
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_exported() {
    let (out, report) = child(None, &[("LOG_FORMAT", "xml")]).await;
    assert_eq!(report.matches("flushed: true").count(), 2, "{report}");
    assert!(out.contains("LOG_FORMAT `xml`: expected `json`, `logfmt` or `pretty`"), "{out}");
}
