//! Traces that are not sampled: free of charge, unless the request turns out to be worth knowing about.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use http_body_util::BodyExt;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer};
use opentelemetry::{Context, global};
use telemetry::correlation;
use telemetry::http::server_layer;
use telemetry::span::Observe;
use telemetry::testing::{Capture, capture};
use tower::ServiceExt;

/// A caller that did not sample its trace, a different one for each test.
fn unsampled(capture: &Capture) -> String {
    format!("00-{}-b7ad6b7169203331-00", capture.correlation_id().as_str().replace('-', ""))
}

/// A call whose trace the caller did not sample.
async fn call(app: Router, capture: &Capture, path: &str) -> StatusCode {
    let request = Request::get(path)
        .header("x-correlation-id", capture.correlation_id().as_str())
        .header("traceparent", unsampled(capture))
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

/// Work below a request: a span of ours with one of OpenTelemetry's own inside, and one of ours in that.
async fn work() {
    let inner = async {
        let tracer = global::tracer("somebody");
        let foreign = Context::current_with_span(tracer.start("foreign"));
        async { Observe::internal("innermost").run(async {}).await }.with_context(foreign).await;
    };
    Observe::client("SELECT gigs").run(inner).await;
}

#[tokio::test]
async fn failed_request_is_kept_with_everything_below_it() {
    let capture = capture();
    let handler = async || {
        work().await;
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let app = Router::new().route("/fails", get(handler)).layer(server_layer());
    call(app, &capture, "/fails").await;
    assert_eq!(
        capture.tree(),
        "server GET /fails !500\n  client SELECT gigs\n    internal foreign\n      internal innermost\n"
    );
    let spans = capture.spans();
    let server = spans.iter().find(|span| span.kind == "server").unwrap();
    assert_eq!(server.attribute("app.sampling.kept"), "error");
    assert_eq!(
        (server.trace_id.as_str(), server.parent_id.as_deref()),
        (&unsampled(&capture)[3..35], Some("b7ad6b7169203331"))
    );
    assert!(spans.iter().all(|span| span.attribute("app.correlation_id") == capture.correlation_id().as_str()));
}

#[tokio::test]
async fn slow_request_is_kept() {
    let capture = capture();
    let app = Router::new().route("/slow", get(async || "ok")).layer(server_layer().slow(Duration::ZERO));
    call(app, &capture, "/slow").await;
    assert_eq!(capture.spans()[0].attribute("app.sampling.kept"), "slow");
}

#[tokio::test]
async fn request_that_ends_well_leaves_nothing() {
    let capture = capture();
    let handler = async || {
        work().await;
        // A failure below that the request survives is no failure of the request.
        let _ = Observe::client("retried").run(async { Err::<(), _>("once") }).await;
    };
    let app = Router::new().route("/well", get(handler)).layer(server_layer());
    call(app, &capture, "/well").await;
    assert_eq!(capture.tree(), "");
}

#[tokio::test]
async fn work_that_outlives_a_kept_request_is_kept_too() {
    let capture = capture();
    let (finish, finished) = tokio::sync::oneshot::channel::<()>();
    let task = std::sync::Arc::new(std::sync::Mutex::new(None));
    let finished = std::sync::Mutex::new(Some(finished));
    let spawned = std::sync::Arc::clone(&task);
    let handler = move || {
        let finished = finished.lock().unwrap().take().unwrap();
        let work = Observe::internal("afterwards").run(async { drop(finished.await) });
        *spawned.lock().unwrap() = Some(tokio::spawn(work.with_current_context()));
        async { StatusCode::BAD_GATEWAY }
    };
    let handler = std::sync::Arc::new(handler);
    let app = Router::new()
        .route(
            "/outlived",
            get(move || {
                let handler = std::sync::Arc::clone(&handler);
                async move { handler().await }
            }),
        )
        .layer(server_layer());
    call(app, &capture, "/outlived").await;
    finish.send(()).unwrap();
    let task = task.lock().unwrap().take().unwrap();
    task.await.unwrap();
    assert_eq!(capture.tree(), "server GET /outlived !502\n  internal afterwards\n");
}

#[tokio::test]
async fn correlation_id_is_known_inside_spans_of_others() {
    let capture = capture();
    for sampled in [true, false] {
        let seen = async || {
            let span = global::tracer("somebody").start("foreign");
            let inside = async { correlation::current().map(|id| id.as_str().to_owned()).unwrap_or_default() };
            let seen = inside.with_context(Context::current_with_span(span)).await;
            assert!(correlation::current().is_some());
            seen
        };
        let app = Router::new().route("/inside", get(seen)).layer(server_layer());
        let mut request = Request::get("/inside").header("x-correlation-id", capture.correlation_id().as_str());
        if !sampled {
            request = request.header("traceparent", unsampled(&capture));
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, capture.correlation_id().as_str(), "sampled: {sampled}");
    }
}

#[tokio::test]
async fn spans_beyond_those_that_may_wait_are_counted() {
    let capture = capture();
    let handler = async || {
        for _ in 0..140 {
            Observe::internal("one of many").run(async {}).await;
        }
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let app = Router::new().route("/many", get(handler)).layer(server_layer());
    call(app, &capture, "/many").await;
    let spans = capture.spans();
    let server = spans.iter().find(|span| span.kind == "server").unwrap();
    assert_eq!((spans.len(), server.attribute("app.sampling.lost_spans")), (129, "12"));
}
