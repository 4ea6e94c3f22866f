//! This crate.

use std::time::Duration;

use telemetry::{Config, Telemetry};

use super::{BATCH, DELAY, QUEUE, Subject, lines, requests};

fn config(endpoint: Option<&str>) -> Config {
    let config = Config::new("bench").version("1.0.0").instance("bench-1");
    let config = config.span_queue(QUEUE).span_batch(BATCH).span_delay(DELAY);
    match endpoint {
        // As peers do: lines are written, not exported.
        Some(endpoint) => {
            config.traces_endpoint(format!("{endpoint}/v1/traces")).metrics_endpoint(format!("{endpoint}/v1/metrics"))
        }
        None => config,
    }
}

fn subject(config: Config) -> Subject {
    requests::subject(|| {
        let telemetry = telemetry::init(config).expect("the first in this process");
        (requests::router().layer(telemetry::http::server_layer()), move || finish(telemetry))
    })
}

/// Spans, metrics and propagation.
pub(super) fn without_lines(endpoint: Option<&str>) -> Subject {
    subject(config(endpoint).log_filter("info,telemetry::access=off"))
}

/// The same, and a JSON line per request.
pub(super) fn full(endpoint: Option<&str>) -> Subject {
    subject(config(endpoint))
}

/// Lines inside an operation, so that there are ids to write.
pub(super) fn line(endpoint: Option<&str>) -> Subject {
    let telemetry = telemetry::init(config(endpoint)).expect("the first in this process");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let run = move |times| {
        runtime.block_on(telemetry::span::Observe::internal("purchase").run(async { lines::write(times) }));
    };
    lines::subject(run, || finish(telemetry))
}

fn finish(telemetry: Telemetry) -> Result<(), String> {
    let report = telemetry.shutdown(Duration::from_secs(5));
    if report.is_complete() { Ok(()) } else { Err(format!("telemetry was lost: {report:?}")) }
}
