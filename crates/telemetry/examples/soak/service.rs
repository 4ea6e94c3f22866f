//! The service under load: hello, with or without telemetry. Ends when its stdin does, and reports on stderr.

use std::io::{Read, stderr, stdin};
use std::process::ExitCode;
use std::time::Duration;

use axum::extract::Path;
use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use telemetry::{Config, ShutdownReport, http::server_layer};

use crate::print;

/// Time that the service grants its telemetry at the end.
pub const DEADLINE: Duration = Duration::from_secs(2);
/// Variable that makes a process a service.
pub const MODE: &str = "TELEMETRY_SOAK_SERVICE";
/// Starts a line that is meant for the parent.
pub const ANSWER: &str = "soak: ";

/// Which service this process is to be, if any.
pub fn mode() -> Option<String> {
    std::env::var(MODE).ok()
}

async fn hello(Path(name): Path<String>) -> Json<Value> {
    Json(json!({ "hello": name }))
}

/// Serves until stdin ends.
#[tokio::main]
pub async fn run(mode: String) -> ExitCode {
    let router = Router::new().route("/hello/{name}", get(hello));
    let (router, telemetry) = match &*mode {
        "telemetry" => {
            let telemetry = telemetry::init(Config::from_env("soak")).expect("the first in this process");
            (router.layer(server_layer()), Some(telemetry))
        }
        _ => (router, None),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    print(stderr(), &format!("{ANSWER}{}", json!({ "address": listener.local_addr().expect("bound").to_string() })));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let ended = stdin().read_to_end(&mut Vec::new());
        drop(stop.send(ended));
    });
    let served = axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
    served.await.expect("serving never fails");
    let report = match telemetry {
        Some(telemetry) => Some(telemetry.shutdown_async(DEADLINE).await),
        None => None,
    };
    print(stderr(), &format!("{ANSWER}{}", report.map_or(Value::Null, |report| describe(&report))));
    ExitCode::SUCCESS
}

fn describe(report: &ShutdownReport) -> Value {
    let signal = |outcome: telemetry::ExportOutcome| {
        json!({
            "exported": outcome.exported, "failed": outcome.failed, "dropped": outcome.dropped,
            "unsent": outcome.unsent, "flushed": outcome.flushed,
        })
    };
    json!({
        "took_ms": report.took.as_secs_f64() * 1e3,
        "spans": signal(report.spans), "metrics": signal(report.metrics), "logs": signal(report.logs),
    })
}
