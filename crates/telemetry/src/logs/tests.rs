//! The whole path of a line, from the macro to what leaves.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use proptest::prelude::*;
use serde_json::Value;
use tracing::{Dispatch, dispatcher::with_default};

use super::*;
use crate::context::traceparent;
use crate::correlation::CorrelationId;
use crate::redact::tests::secret;
use crate::settings::LogFormat;

const UNLIMITED: Limits = Limits { lines: 0, errors: 0 };

#[derive(Default)]
struct Records(Mutex<Vec<LogRecord>>);

impl RecordSink for Records {
    fn push(&self, record: LogRecord) {
        self.0.lock().unwrap().push(record);
    }
}

struct Lab {
    dispatch: Dispatch,
    logs: Logs,
    records: Arc<Records>,
}

fn lab(format: LogFormat, directives: &str, limits: Limits) -> Lab {
    let service = Service { name: "shop".into(), version: "1.2.3".into(), instance: "shop-1".into() };
    let records = Arc::new(Records::default());
    let style = Style { format, colour: false };
    let sink: Arc<dyn RecordSink> = Arc::clone(&records) as _;
    let options = Options { service, style, limits, sink: Some(sink) };
    let writer = Writer::new(Sink::Memory, 1 << 20).unwrap();
    let (subscriber, logs) = subscriber(options, directives, writer).unwrap();
    Lab { dispatch: Dispatch::new(subscriber), logs, records }
}

impl Lab {
    fn json() -> Self {
        lab(LogFormat::Json, "trace", UNLIMITED)
    }

    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        with_default(&self.dispatch, work)
    }

    fn lines(&self) -> Vec<String> {
        self.logs.writer.lines()
    }

    fn parsed(&self) -> Vec<Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    fn records(&self) -> Vec<LogRecord> {
        self.records.0.lock().unwrap().clone()
    }
}

fn operation(span: u8, correlation: &str) -> Context {
    let header = format!("00-0af7651916cd43dd8448eb211c80319c-00000000000000{span:02x}-01");
    let span: SpanContext = traceparent::parse(&header, TraceState::NONE).unwrap();
    Context::new().with_remote_span_context(span).with_value(CorrelationId::parse(correlation).unwrap())
}

fn span_of(line: &Value) -> (&str, &str) {
    (line["span_id"].as_str().unwrap_or_default(), line["correlation_id"].as_str().unwrap_or_default())
}

const ONE: (&str, &str) = ("0000000000000001", "c-1");
const TWO: (&str, &str) = ("0000000000000002", "c-2");

#[test]
fn ids_are_those_of_the_operation_a_line_belongs_to() {
    let lab = Lab::json();
    lab.run(|| {
        let one = operation(1, "c-1");
        let span = {
            let _one = one.clone().attach();
            tracing::info!("current");
            tracing::info_span!("in_one", a = 1)
        };
        let child = tracing::info_span!(parent: &span, "child_elsewhere", b = 2);
        let _two = operation(2, "c-2").attach();
        tracing::info!(parent: &span, "explicit parent");
        tracing::info!(parent: &child, "explicit parent, made outside of any operation");
        let adopted = tracing::info_span!(parent: &span, "child_in_two");
        tracing::info!(parent: &adopted, "explicit parent, made in another operation");
        span.in_scope(|| {
            tracing::info!("entered elsewhere");
            tracing::info!(parent: None, "no parent");
        });
        let elsewhere = std::thread::spawn({
            let (dispatch, child) = (lab.dispatch.clone(), child.clone());
            move || with_default(&dispatch, || child.in_scope(|| tracing::info!("other thread")))
        });
        elsewhere.join().unwrap();
    });
    let lines = lab.parsed();
    let found: Vec<_> =
        lines.iter().map(|line| (line["message"].as_str().unwrap(), span_of(line), line["a"].as_i64())).collect();
    assert_eq!(
        found,
        [
            ("current", ONE, None),
            ("explicit parent", ONE, Some(1)),
            ("explicit parent, made outside of any operation", ONE, Some(1)),
            ("explicit parent, made in another operation", ONE, Some(1)),
            // What runs here and now is the second operation.
            ("entered elsewhere", TWO, Some(1)),
            ("no parent", TWO, None),
            ("other thread", ONE, Some(1)),
        ]
    );
}

#[test]
fn fields_recorded_later_replace_and_the_innermost_value_wins() {
    let lab = Lab::json();
    lab.run(|| {
        use tracing::field::Empty;
        let outer = tracing::info_span!("outer", order = 1, state = "new", user = Empty);
        let inner = tracing::info_span!(parent: &outer, "inner", order = 2, step = Empty);
        outer.record("state", "paid");
        outer.record("user", 7);
        inner.record("step", "ship");
        inner.in_scope(|| tracing::info!(target: "shop", step = "own", "done"));
        outer.in_scope(|| tracing::info!("done"));
    });
    let lines = lab.parsed();
    let seen = |line: &Value| ["order", "state", "user", "step"].map(|key| line[key].clone());
    assert_eq!(seen(&lines[0]), [Value::from(2), "paid".into(), 7.into(), "own".into()]);
    assert_eq!(seen(&lines[1]), [Value::from(1), "paid".into(), 7.into(), Value::Null]);
    assert_eq!(lab.lines()[0].matches("\"order\":").count(), 1);
    let record = &lab.records()[0];
    let keys: Vec<_> = record.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["step", "order", "state", "user", "target", "code.file.path", "code.line.number"]);
}

/// The line without its timestamp.
fn shown(format: LogFormat, colour: bool) -> String {
    let mut lab = lab(format, "trace", UNLIMITED);
    if colour {
        let service = Service { name: "shop".into(), version: "1".into(), instance: "i".into() };
        let options = Options { service, style: Style { format, colour }, limits: UNLIMITED, sink: None };
        let (subscriber, logs) = subscriber(options, "trace", Writer::new(Sink::Memory, 1 << 20).unwrap()).unwrap();
        lab = Lab { dispatch: Dispatch::new(subscriber), logs, ..lab };
    }
    lab.run(|| {
        let _one = operation(1, "c-1").attach();
        let _span = tracing::info_span!("request", method = "GET", ok = true).entered();
        tracing::warn!(target: "shop", count = 3, ratio = 0.5, text = "a \"b\"", "line one\nline \u{1b}[31mtwo");
    });
    let line = lab.lines().remove(0);
    let stamp = line.find(|c: char| c.is_ascii_digit() && !colour).unwrap_or(0);
    let end = line.find('Z').unwrap();
    format!("{}T{}", if colour { "" } else { &line[..stamp] }, &line[end + 1..])
}

#[test]
fn each_format_is_as_documented() {
    insta::assert_snapshot!(shown(LogFormat::Json, false), @r#"{"timestamp":"T","level":"WARN","target":"shop","message":"line one\nline \u001b[31mtwo","service":"shop","version":"1.2.3","instance":"shop-1","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"0000000000000001","correlation_id":"c-1","method":"GET","ok":true,"count":3,"ratio":0.5,"text":"a \"b\""}"#);
    insta::assert_snapshot!(shown(LogFormat::Logfmt, false), @r#"timestamp=T level=WARN target=shop message="line one\nline \u001b[31mtwo" service=shop version=1.2.3 instance=shop-1 trace_id=0af7651916cd43dd8448eb211c80319c span_id=0000000000000001 correlation_id=c-1 method=GET ok=true count=3 ratio=0.5 text="a \"b\"""#);
    insta::assert_snapshot!(shown(LogFormat::Pretty, false), @r#"
    T  WARN shop line one
        line \u{1b}[31mtwo trace_id=0af7651916cd43dd8448eb211c80319c correlation_id=c-1 method=GET ok=true count=3 ratio=0.5 text="a \"b\""
    "#);
    let coloured = shown(LogFormat::Pretty, true);
    assert!(coloured.contains("\x1b[33mWARN\x1b[0m") && coloured.contains("\x1b[2mcount=\x1b[0m3"), "{coloured:?}");
    assert!(!coloured.contains("\x1b[31m"), "{coloured:?}");
}

#[test]
fn suppressed_lines_are_counted_and_told_at_flush() {
    let lab = lab(LogFormat::Json, "trace", Limits { lines: 5, errors: 2 });
    lab.run(|| {
        for at in 0..100 {
            tracing::info!(target: "shop", at, "again");
            tracing::error!(target: "shop", at, "failed");
        }
        tracing::info!(target: "shop", "another place");
    });
    assert!(lab.logs.flush(Duration::from_secs(10)));
    let lines = lab.parsed();
    let count = |message: &str| lines.iter().filter(|line| line["message"] == message).count() as u64;
    // The hundred may straddle a second, which begins a new window.
    assert!((5..=10).contains(&count("again")) && (2..=4).contains(&count("failed")), "{lines:#?}");
    assert_eq!(count("another place"), 1);
    let told: u64 = lines.iter().filter_map(|line| line["suppressed"].as_u64()).sum();
    assert_eq!(told, 200 - count("again") - count("failed"));
    assert_eq!(lab.logs.stats().suppressed, told);
    let line = lines.iter().find(|line| line["suppressed"].is_u64()).unwrap();
    assert_eq!(line["message"], format!("{} lines suppressed", line["suppressed"]));
    assert_eq!((&line["level"], &line["service"]), (&Value::from("WARN"), &Value::from("shop")));
    assert!(line["target"] == "shop" && line["code.line.number"].is_u64());
    assert_eq!(lab.records().len(), lines.len(), "records obey the same limit");
}

#[test]
fn suppressed_lines_are_told_without_another_line_when_their_second_is_over() {
    let lab = lab(LogFormat::Json, "trace", Limits { lines: 1, errors: 1 });
    lab.run(|| (0..50).for_each(|_| tracing::info!("again")));
    wait_until(|| lab.parsed().iter().filter_map(|line| line["suppressed"].as_u64()).sum::<u64>() >= 48);
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "not within ten seconds");
        std::thread::yield_now();
    }
}

#[test]
fn records_carry_types_ids_and_source_redacted() {
    let lab = Lab::json();
    lab.run(|| {
        let _one = operation(1, "c-1").attach();
        let _span = tracing::info_span!("request", retries = 2, token = "abc").entered();
        tracing::error!(target: "shop", ratio = 0.5, ok = true, huge = u64::MAX, service = "x", to = %"eve@example.org", "for eve@example.org");
    });
    let record = lab.records().remove(0);
    assert_eq!((record.severity_number, record.severity_text.as_str(), record.flags), (17, "ERROR", 1));
    assert_eq!(record.body.and_then(|body| body.value), Some(Any::StringValue("for [redacted]".into())));
    assert_eq!((record.trace_id.len(), record.span_id.as_slice()), (16, &[0, 0, 0, 0, 0, 0, 0, 1][..]));
    assert!(record.time_unix_nano > 0 && record.observed_time_unix_nano >= record.time_unix_nano);
    let attributes: Vec<_> = record
        .attributes
        .into_iter()
        .filter(|attribute| !attribute.key.starts_with("code."))
        .map(|attribute| (attribute.key, attribute.value.and_then(|value| value.value).unwrap()))
        .collect();
    let text = |text: &str| Any::StringValue(text.into());
    let expected = [
        ("app.correlation_id", text("c-1")),
        ("ratio", Any::DoubleValue(0.5)),
        ("ok", Any::BoolValue(true)),
        ("huge", text("18446744073709551615")),
        ("field.service", text("x")),
        ("to", text("[redacted]")),
        ("retries", Any::IntValue(2)),
        ("token", text("[redacted]")),
        ("target", text("shop")),
    ];
    assert_eq!(attributes, expected.map(|(key, value)| (key.to_owned(), value)));
}

#[test]
fn what_tells_of_export_is_not_exported() {
    let lab =
        lab(LogFormat::Json, "trace,hyper=trace,opentelemetry=trace,reqwest=trace,h2=trace,tonic=trace", UNLIMITED);
    lab.run(|| {
        tracing::info!(target: "hyper::client", "no");
        tracing::info!(target: "opentelemetry_sdk", "filtered");
        tracing::info!(target: "opentelemetry", "no");
        tracing::info!(target: "reqwest::connect", "no");
        tracing::info!(target: "telemetry::export", "no");
        tracing::info!(target: "h2x", "yes");
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        tracing::info!(target: "shop", "no");
    });
    let lines: Vec<_> = lab.parsed().iter().map(|line| line["target"].as_str().unwrap().to_owned()).collect();
    assert_eq!(lines, ["hyper::client", "opentelemetry", "reqwest::connect", "telemetry::export", "h2x", "shop"]);
    let bodies: Vec<_> = lab.records().into_iter().map(|record| record.body.unwrap().value.unwrap()).collect();
    assert_eq!(bodies, [Any::StringValue("yes".into())]);
}

/// Logs, records a field of its own span, or panics, while it is formatted.
struct Rude<'a>(&'a tracing::Span, bool);

impl fmt::Debug for Rude<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::info!("from inside");
        self.0.record("state", "seen");
        f.write_str("half")?;
        assert!(!self.1, "on purpose");
        f.write_str(" whole")
    }
}

#[test]
fn debug_that_logs_records_or_panics_neither_blocks_nor_spreads() {
    let lab = Lab::json();
    lab.run(|| {
        let span = tracing::info_span!("span", state = tracing::field::Empty, rude = tracing::field::Empty);
        let _entered = span.enter();
        for panics in [false, true] {
            let rude = Rude(&span, panics);
            span.record("rude", tracing::field::debug(&rude));
            tracing::info!(own = ?rude, "{rude:?} message");
        }
        tracing::info!("afterwards");
    });
    let lines = lab.parsed();
    let shown = lines.iter().filter(|line| line["message"] != "from inside").collect::<Vec<_>>();
    assert_eq!(shown.len(), 3, "{lines:#?}");
    assert_eq!((&shown[0]["own"], &shown[0]["rude"]), (&"half whole".into(), &"half whole".into()));
    let broken = Value::from("half (panicked while it was formatted)");
    assert_eq!((&shown[1]["own"], &shown[1]["rude"], &shown[1]["message"]), (&broken, &broken, &broken));
    assert_eq!((&shown[2]["message"], &shown[2]["state"]), (&"afterwards".into(), &"seen".into()));
    // What is logged while an event is being dispatched, tracing itself may leave out.
    assert!(lines.len() >= 5, "{lines:#?}");
}

struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..u64::MAX).try_for_each(|at| write!(f, "{at} "))
    }
}

#[test]
fn endless_and_huge_values_are_cut() {
    let lab = Lab::json();
    lab.run(|| tracing::info!(huge = "é".repeat(1 << 20), %Endless, "{}", "x".repeat(1 << 20)));
    let line = &lab.parsed()[0];
    for key in ["huge", "message", "Endless"] {
        assert!(line[key].as_str().is_some_and(|text| (16_000..=16_384).contains(&text.len())), "{key}");
    }
    assert!(lab.lines()[0].len() < 50_000);
}

#[test]
fn filter_changes_per_target_at_run_time_and_reverts_by_itself() {
    let lab = lab(LogFormat::Json, "warn", UNLIMITED);
    let say = |message: &'static str| {
        lab.run(|| {
            tracing::debug!(target: "order", "{message} order");
            tracing::debug!(target: "shop", "{message} shop");
        });
    };
    say("before");
    lab.logs.set_filter("warn,order=debug").unwrap();
    say("during");
    assert!(lab.logs.set_filter("order=loud").is_err());
    lab.logs.set_filter_for("off", Duration::from_millis(1)).unwrap();
    wait_until(|| lab.logs.shown().1.is_none());
    say("after");
    let messages: Vec<_> = lab.parsed().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(messages, ["during order", "after order"]);
    assert!(lab.logs.set_filter_for("off", Duration::MAX).is_ok());
}

#[test]
fn filter_by_span_fields_is_possible() {
    let lab = lab(LogFormat::Json, "warn,[request{id=7}]=debug", UNLIMITED);
    lab.run(|| {
        for id in [6, 7] {
            let _span = tracing::info_span!("request", id).entered();
            tracing::debug!("inside");
        }
        tracing::debug!("outside");
    });
    let lines = lab.parsed();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["id"], 7);
}

/// Lets each secret out in every way an event offers; returns everything that left.
fn everything_that_left(format: LogFormat, secret: &str, password: &str) -> String {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Login<'a> {
        name: &'a str,
        password: Option<&'a str>,
        note: &'a str,
    }
    let lab = lab(format, "trace", UNLIMITED);
    lab.run(|| {
        let login = Login { name: "eve", password: Some(password), note: secret };
        let json = serde_json::json!({ "password": password, "note": secret }).to_string();
        let nested = serde_json::json!({ "body": json }).to_string();
        let span = tracing::info_span!("span", secret, text = %secret, password, late = tracing::field::Empty);
        let _entered = span.enter();
        span.record("late", secret);
        tracing::info!(?login, pretty = format!("{login:#?}"), json, nested, "message {secret}");
        tracing::info!(token = password, error = &std::io::Error::other(secret.to_owned()) as &dyn std::error::Error);
        tracing::info!("first line\n{secret}\nlast line {json}");
        tracing::info!(form = format!("user=eve&password={password}&q={secret}"), "{nested}");
        tracing::info!(url = format!("http://eve:{password}@shop/a?access_token={password}"), "{login:?}");
    });
    format!("{}\n{:?}", lab.lines().join("\n"), lab.records())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_secret_leaves_in_any_format(secret in secret(), password in "[A-Za-z0-9!*~^$.-]{6,24}x9") {
        for format in [LogFormat::Json, LogFormat::Logfmt, LogFormat::Pretty] {
            let left = everything_that_left(format, &secret, &password);
            // `Bearer` itself may stay.
            let hidden = secret.strip_prefix("Bearer ").unwrap_or(&secret);
            prop_assert!(!left.contains(hidden), "{hidden} in {left}");
            prop_assert!(!left.contains(&password), "{password} in {left}");
        }
    }

    #[test]
    fn line_is_always_one_json_object(key_value in any::<String>(), message in any::<String>(), number in any::<f64>()) {
        let lab = Lab::json();
        lab.run(|| {
            let _span = tracing::info_span!("span", key_value, number).entered();
            tracing::info!(target: "shop", message, again = ?key_value);
        });
        prop_assert_eq!(lab.parsed().len(), 1);
    }
}
