//! Libraries that write to the `log` crate are heard. Alone in its process, as the level is shared.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use telemetry::testing::capture;
use tower::ServiceExt;
use tracing_log::log;

async fn filter(directives: &'static str) {
    let request = Request::put("/admin/log-level").body(Body::from(directives)).unwrap();
    assert_eq!(telemetry::admin_router().oneshot(request).await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn record_is_a_line_with_its_origin_and_passes_filter_and_redaction() {
    let capture = capture();
    let work = async {
        log::warn!(target: "some_library::io", "disk {} is full, token=abc", 7);
        let span = tracing::info_span!("job", job = "nightly");
        span.in_scope(|| log::error!("in a span"));
    };
    capture.run(work).await;
    let lines = capture.log_lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!((lines[0].level(), lines[0].target()), ("WARN", "some_library::io"));
    assert_eq!(lines[0].message(), "disk 7 is full, token=[redacted]");
    assert!(lines[0].field("code.file.path").ends_with("tests/log_crate.rs"), "{:?}", lines[0]);
    assert!(lines[0].field("code.line.number").parse::<u32>().is_ok(), "{:?}", lines[0]);
    assert!(lines[0].fields().all(|(name, _)| !name.starts_with("log.")), "{:?}", lines[0]);
    assert_eq!((lines[1].target(), lines[1].field("job")), ("log_crate", "nightly"));

    let talk = async || {
        log::info!(target: "some_library", "quiet");
        log::warn!(target: "some_library", "loud");
        log::info!(target: "other_library", "usual");
        log::debug!(target: "other_library", "chatty");
        log::error!(target: "hyper::client", "machinery");
    };
    let said = || capture.log_lines().iter().skip(2).map(|line| line.message().to_owned()).collect::<Vec<_>>();
    filter("info,some_library=warn").await;
    capture.run(talk()).await;
    assert_eq!(said(), ["loud", "usual"]);
    filter("off,other_library=debug").await;
    capture.run(talk()).await;
    assert_eq!(said()[2..], ["usual", "chatty"]);
}
