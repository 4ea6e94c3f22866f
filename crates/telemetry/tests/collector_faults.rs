//! A collector that misbehaves in every way it can: the service does not notice, the numbers are true, and the end is in time.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use telemetry::Config;

use faults::{Collector, Fault};

#[path = "support/faults.rs"]
mod faults;

/// Set in a child of this test process, which has a telemetry of its own: the spans it makes.
const SPANS: &str = "TELEMETRY_FAULT_SPANS";

/// The runtime the child ends in: `none`, `current`, `one` or `multi`.
const RUNTIME: &str = "TELEMETRY_FAULT_RUNTIME";

/// What its own metrics must show before it makes more than ten spans.
const AWAITED: &str = "TELEMETRY_FAULT_AWAITED";

/// The child's deadline for its end, in milliseconds, where it is not [`DEADLINE`].
const DEADLINE_MS: &str = "TELEMETRY_FAULT_DEADLINE_MS";

/// Set when the child watches what never answers.
const STUCK: &str = "TELEMETRY_FAULT_STUCK";

const DEADLINE: Duration = Duration::from_millis(300);

/// For a collector that answers in the end: however busy the machine is, it is not the deadline that decides.
const PATIENT: (&str, &str) = (DEADLINE_MS, "20000");

/// What a loaded machine may add to a deadline.
const SLACK: Duration = Duration::from_millis(400);

/// What the child told.
struct Told {
    out: String,
    report: serde_json::Value,
}

impl Told {
    fn spans(&self, what: &str) -> u64 {
        self.report["spans"][what].as_u64().unwrap()
    }

    /// Lines on stdout about the export of traces.
    fn lines(&self) -> Vec<&str> {
        let told = |line: &&str| line.contains("telemetry::export") && line.contains("\"signal\":\"traces\"");
        self.out.lines().filter(told).collect()
    }

    fn assert_lines(&self, expected: &[&str]) {
        let lines = self.lines();
        let matches =
            lines.len() == expected.len() && lines.iter().zip(expected).all(|(line, part)| line.contains(part));
        assert!(matches, "expected lines with {expected:?}: {lines:#?}");
    }
}

/// The child: makes spans as fast as it can, ends, and says on stderr what became of them.
#[test]
fn child_process() {
    let Some(spans) = std::env::var(SPANS).ok().and_then(|spans| spans.parse::<u32>().ok()) else { return };
    let telemetry = telemetry::init(Config::from_env("child")).unwrap();
    let stuck = std::env::var(STUCK).is_ok();
    let _watches = stuck.then(|| {
        let meter = telemetry::metrics::meter();
        meter.u64_observable_gauge("stuck").with_callback(|_| park()).build();
        let lag = || drop(telemetry::messaging::lag("late", || Some(1)));
        meter.u64_observable_gauge("late").with_callback(move |_| lag()).build();
        telemetry::metrics::saturation::watch("stuck", || park())
    });
    let tracer = opentelemetry::global::tracer_provider().tracer("child");
    let (first, rest) = (spans.min(10), spans - spans.min(10));
    (0..first).for_each(|n| drop(tracer.start(format!("span {n}"))));
    if let Ok(metric) = std::env::var(AWAITED) {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until && !telemetry::metrics::prometheus().contains(&metric) {
            std::thread::yield_now();
        }
    }
    let started = Instant::now();
    (0..rest).for_each(|n| drop(tracer.start(format!("span {n}"))));
    let made_in = started.elapsed();
    let runtime = match std::env::var(RUNTIME).unwrap_or_default().as_str() {
        "current" => Some(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()),
        "one" => Some(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()),
        "multi" => Some(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()),
        _ => None,
    };
    let deadline = std::env::var(DEADLINE_MS).ok().and_then(|millis| millis.parse().ok());
    let deadline = deadline.map_or(DEADLINE, Duration::from_millis);
    let report = match runtime {
        // The runtime goes on meanwhile: a task gets its turns.
        Some(runtime) => runtime.block_on(async {
            let turns = tokio::spawn(async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            });
            let report = telemetry.shutdown_async(deadline).await;
            assert!(turns.is_finished());
            report
        }),
        None => telemetry.shutdown(deadline),
    };
    let outcome = |outcome: telemetry::ExportOutcome| {
        serde_json::json!({
            "exported": outcome.exported, "failed": outcome.failed, "rejected": outcome.rejected,
            "dropped": outcome.dropped, "unsent": outcome.unsent, "flushed": outcome.flushed,
        })
    };
    let report = serde_json::json!({
        "spans": outcome(report.spans), "metrics": outcome(report.metrics), "log_records": outcome(report.log_records),
        "took_ms": report.took.as_millis() as u64, "made_in_ms": made_in.as_millis() as u64,
    });
    writeln!(std::io::stderr(), "REPORT {report}").unwrap();
}

/// For ever.
fn park() -> ! {
    loop {
        std::thread::park();
    }
}

fn child(endpoint: SocketAddr, spans: u32, more: &[(&str, &str)]) -> Told {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child_process", "--nocapture"])
        .env(SPANS, spans.to_string())
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://{endpoint}/v1/traces"))
        .envs(more.iter().copied());
    let output = command.output().unwrap();
    let (out, error) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{out}\n{error}");
    let report = error.lines().find_map(|line| line.strip_prefix("REPORT ")).unwrap_or_else(|| panic!("{error}"));
    let told = Told { out, report: serde_json::from_str(report).unwrap() };
    let took = Duration::from_millis(told.report["took_ms"].as_u64().unwrap());
    assert!(took <= DEADLINE + SLACK || more.iter().any(|(name, _)| *name == DEADLINE_MS), "{}", told.report);
    let sum: u64 = ["exported", "failed", "rejected", "dropped", "unsent"].iter().map(|what| told.spans(what)).sum();
    assert_eq!(sum, u64::from(spans), "{}", told.report);
    told
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn absent_collector_is_given_up_after_a_second_try() {
    let told = child(nobody(), 5, &[]);
    assert_eq!(told.spans("unsent"), 5);
    told.assert_lines(&["collector is down"]);
}

#[test]
fn hanging_collector_holds_neither_the_service_nor_its_end() {
    let collector = Collector::start(Fault::Hang);
    for runtime in ["none", "current", "one", "multi"] {
        let told = child(collector.address(), 50_000, &[(RUNTIME, runtime), ("OTEL_BSP_MAX_QUEUE_SIZE", "1000")]);
        // What the queue holds, the batch under way included, and no more.
        assert_eq!((told.spans("unsent"), told.spans("dropped")), (1000, 49_000), "{runtime}: {}", told.report);
        assert_eq!(told.report["spans"]["flushed"], false);
        assert!(told.report["made_in_ms"].as_u64().unwrap() < 5_000, "{}", told.report);
    }
}

#[test]
fn slow_collector_is_waited_for() {
    let collector = Collector::start(Fault::Slow(Duration::from_millis(100)));
    let told = child(collector.address(), 5, &[PATIENT]);
    assert_eq!((told.spans("exported"), &told.report["spans"]["flushed"]), (5, &true.into()));
    told.assert_lines(&[]);
}

#[test]
fn failing_collector_is_not_asked_again_for_the_same_spans() {
    let collector = Collector::start(Fault::status("500 Internal Server Error"));
    let told = child(collector.address(), 30, &[PATIENT]);
    assert_eq!((told.spans("failed"), collector.requests()), (30, 1), "{}", told.report);
    told.assert_lines(&["500 Internal Server Error"]);
}

#[test]
fn collector_may_ask_for_a_pause() {
    let collector = Collector::start(Fault::answers(&[
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ]));
    let more =
        [PATIENT, ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"), (AWAITED, "otel_sdk_exporter_span_exported_total 10")];
    let told = child(collector.address(), 10, &more);
    assert_eq!((told.spans("exported"), collector.requests()), (10, 3), "{}", told.report);
    told.assert_lines(&["503 Service Unavailable", "collector is up again"]);

    let collector = Collector::start(Fault::answers(&[
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\ncontent-length: 0\r\n\r\n",
    ]));
    let told = child(collector.address(), 10, &[]);
    assert_eq!((told.spans("unsent"), collector.requests()), (10, 1), "{}", told.report);
}

#[test]
fn wait_for_another_try_ends_with_the_service() {
    let collector = Collector::start(Fault::answers(&[
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 25\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ]));
    // The queue is full of spans that wait for the pause to end; the shutdown ends it.
    let more = [
        PATIENT,
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "20"),
        (AWAITED, "collector_up{signal=\"traces\"} 0"),
    ];
    let told = child(collector.address(), 40, &more);
    assert!(told.spans("exported") + told.spans("dropped") == 40 && told.spans("exported") >= 20, "{}", told.report);
    told.assert_lines(&["503 Service Unavailable", "collector is up again"]);
}

#[test]
fn rejected_part_is_counted_and_told_once() {
    let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "3 spans are too old".into() };
    let answer = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let collector = Collector::start(Fault::Body(answer.into()));
    let told = child(collector.address(), 40, &[PATIENT, ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")]);
    // The last batch may hold fewer spans than are said to be rejected.
    let (requests, rejected) = (collector.requests() as u64, told.spans("rejected"));
    assert!(requests >= 4 && (3 * (requests - 1)..=3 * requests).contains(&rejected), "{requests}: {}", told.report);
    assert_eq!(told.spans("exported"), 40 - rejected, "{}", told.report);
    told.assert_lines(&["3 spans are too old"]);
}

#[test]
fn garbage_and_endless_answers_are_not_read_to_the_end() {
    let collector = Collector::start(Fault::Body(vec![0xff; 300].into()));
    let told = child(collector.address(), 5, &[PATIENT]);
    assert_eq!(told.spans("exported"), 5);
    told.assert_lines(&[]);

    let collector = Collector::start(Fault::Body(vec![b'x'; 32 << 20].into()));
    let told = child(collector.address(), 5, &[PATIENT]);
    assert_eq!(told.spans("exported"), 5);
    assert!(collector.written() < 16 << 20, "{} bytes were read", collector.written());

    let collector = Collector::start(Fault::Garbage);
    let told = child(collector.address(), 5, &[]);
    assert_eq!(told.spans("unsent"), 5);
    told.assert_lines(&["collector is down"]);
}

#[test]
fn answer_that_breaks_off_counts_by_its_status() {
    let collector = Collector::start(Fault::answers(&["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"]));
    let told = child(collector.address(), 5, &[PATIENT]);
    assert_eq!(told.spans("exported"), 5, "{}", told.report);

    let collector = Collector::start(Fault::answers(&["HTTP/1.1 20"]));
    let told = child(collector.address(), 5, &[]);
    assert_eq!(told.spans("unsent"), 5, "{}", told.report);
    told.assert_lines(&["collector is down"]);
}

#[test]
fn request_that_is_too_large_goes_in_halves() {
    let too_large = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n";
    let taken = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    // All, the first half, its halves, and the other half.
    let collector = Collector::start(Fault::answers(&[too_large, too_large, taken, taken, taken]));
    let told = child(collector.address(), 8, &[PATIENT]);
    assert_eq!((told.spans("exported"), collector.requests()), (8, 5), "{}", told.report);
    told.assert_lines(&[]);

    let collector = Collector::start(Fault::status("413 Payload Too Large"));
    let told = child(collector.address(), 4, &[PATIENT]);
    assert_eq!((told.spans("failed"), collector.requests()), (4, 7), "{}", told.report);
    told.assert_lines(&["collector refuses"]);
}

#[test]
fn pause_beyond_what_is_bearable_is_not_waited_for_but_kept() {
    let collector = Collector::start(Fault::answers(&[
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ]));
    let more = [
        PATIENT,
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
        (AWAITED, "otel_sdk_exporter_span_exported_total{error_type=\"export_failed\"} 10"),
    ];
    let told = child(collector.address(), 30, &more);
    assert_eq!((told.spans("failed"), told.spans("exported")), (10, 20), "{}", told.report);
}

#[test]
fn redirect_is_not_followed() {
    let elsewhere = Collector::start(Fault::status("200 OK"));
    let moved = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address()
    );
    let told = child(Collector::start(Fault::answers(&[&moved])).address(), 5, &[PATIENT]);
    assert_eq!((told.spans("failed"), elsewhere.requests()), (5, 0));
}

#[test]
fn compressed_spans_arrive_whole_with_the_headers_of_their_signal() {
    let collector = Collector::start(Fault::status("200 OK"));
    let more = [
        PATIENT,
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=all"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-key=traces"),
    ];
    let told = child(collector.address(), 7, &more);
    assert_eq!(told.spans("exported"), 7);
    let (head, body) = collector.last();
    assert!(head.contains("x-key: traces") && head.contains("content-encoding: gzip"), "{head}");
    let mut message = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*body), &mut message).unwrap();
    let request = ExportTraceServiceRequest::decode(&*message).unwrap();
    let scope = &request.resource_spans[0].scope_spans[0];
    assert_eq!((scope.scope.as_ref().unwrap().name.as_str(), scope.spans.len()), ("child", 7));
}

#[test]
fn exporting_exports_nothing_about_itself() {
    let (collector, records) = (Collector::start(Fault::status("200 OK")), Collector::start(Fault::status("200 OK")));
    let logs = format!("http://{}/v1/logs", records.address());
    let more = [
        PATIENT,
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "10"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", logs.as_str()),
        ("RUST_LOG", "trace,hyper=trace,reqwest=trace,hyper_util=trace"),
        // By then a line about the export of spans would have become a record, and its export more of them.
        (AWAITED, "otel_sdk_exporter_span_exported_total 10"),
    ];
    let told = child(collector.address(), 10, &more);
    let exported = &told.report["log_records"]["exported"];
    assert!(exported.as_u64().unwrap() <= 3 && records.requests() <= 3, "{}", told.report);
    // Its own spans would be exported, or dropped, beside the ten.
    assert_eq!((told.spans("exported"), told.spans("dropped")), (10, 0), "{}", told.report);
}

#[test]
fn reading_that_never_comes_back_holds_neither_the_other_metrics_nor_the_end() {
    let collector = Collector::start(Fault::status("200 OK"));
    let metrics = format!("http://{}/v1/metrics", collector.address());
    let more = [
        (STUCK, "1"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", metrics.as_str()),
        (AWAITED, "otel_sdk_exporter_metric_data_point_exported_total"),
    ];
    let told = child(collector.address(), 5, &more);
    assert_eq!(told.spans("exported"), 5, "{}", told.report);
    assert!(told.report["metrics"]["exported"].as_u64().unwrap() > 10, "{}", told.report);
}

#[test]
fn each_signal_ends_though_another_hangs() {
    let (hanging, answering) = (Collector::start(Fault::Hang), Collector::start(Fault::status("200 OK")));
    let metrics = format!("http://{}/v1/metrics", answering.address());
    let told = child(hanging.address(), 5, &[(DEADLINE_MS, "2000"), ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &metrics)]);
    assert_eq!(told.spans("unsent"), 5);
    let metrics = &told.report["metrics"];
    assert!(metrics["exported"].as_u64().unwrap() > 10 && metrics["flushed"] == true, "{metrics}");
}
