//! The server layer: what it says about requests that end well, badly, or not at all.

mod support;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use serde_json::Value;
use telemetry::http::server_layer;
use telemetry::testing::{Capture, capture, metric};
use tower::ServiceExt;

fn request(capture: &Capture, path: &str) -> Request<Body> {
    Request::get(path).header("x-correlation-id", capture.correlation_id().as_str()).body(Body::empty()).unwrap()
}

fn access(capture: &Capture) -> Vec<(String, String)> {
    let lines = capture.logs();
    let lines = lines.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
    lines
        .filter(|line| line["target"] == "telemetry::access")
        .map(|line| {
            (line["level"].as_str().unwrap().to_owned(), line["error.type"].as_str().unwrap_or_default().to_owned())
        })
        .collect()
}

fn pair(level: &str, error: &str) -> (String, String) {
    (level.to_owned(), error.to_owned())
}

#[tokio::test]
async fn dropped_future_is_recorded_as_cancelled() {
    let capture = capture();
    let app = Router::new().route("/dropped", get(std::future::pending::<()>)).layer(server_layer());
    {
        let mut call = Box::pin(app.oneshot(request(&capture, "/dropped")));
        assert!(futures_util::poll!(call.as_mut()).is_pending());
        assert!(metric("http.server.active_requests", &[]) >= 1.0);
    }
    assert_eq!(capture.tree(), "server GET /dropped !cancelled\n");
    assert_eq!(access(&capture), [pair("WARN", "cancelled")]);
    assert_eq!(metric("http.server.request.duration", &[("http.route", "/dropped"), ("error.type", "cancelled")]), 1.0);
}

#[tokio::test]
async fn panicking_handler_is_recorded() {
    let capture = capture();
    let handler = async || -> &'static str { panic!("on purpose") };
    let app = Router::new().route("/panics", get(handler)).layer(server_layer());
    let call = tokio::spawn(app.oneshot(request(&capture, "/panics")));
    assert!(call.await.unwrap_err().is_panic());
    assert_eq!(capture.tree(), "server GET /panics !panic\n");
    assert_eq!(access(&capture), [pair("ERROR", "panic")]);
}

#[tokio::test]
async fn request_lasts_until_its_body_ends() {
    let capture = capture();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(1);
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let handler = move || {
        let mut receiver = receiver.lock().unwrap().take().unwrap();
        let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
        async move { Body::from_stream(stream) }
    };
    let app = Router::new().route("/streams", get(handler)).layer(server_layer());
    let response = app.oneshot(request(&capture, "/streams")).await.unwrap();
    let mut body = response.into_body();
    sender.send(Ok(Bytes::from_static(b"12345"))).await.unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "12345");
    assert_eq!(capture.spans().len(), 0, "the body has not ended");
    drop(sender);
    assert!(body.frame().await.is_none());
    let spans = capture.spans();
    assert_eq!((spans.len(), spans[0].attribute("http.response.body.size")), (1, "5"));
    assert_eq!(access(&capture), [pair("INFO", "")]);
}

#[tokio::test]
async fn abandoned_body_is_recorded() {
    let capture = capture();
    let handler = async || Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>());
    let app = Router::new().route("/abandoned", get(handler)).layer(server_layer());
    drop(app.oneshot(request(&capture, "/abandoned")).await.unwrap());
    assert_eq!(capture.tree(), "server GET /abandoned !body_dropped\n");
    assert_eq!(access(&capture), [pair("WARN", "body_dropped")]);
}

#[tokio::test]
async fn only_server_failures_are_errors() {
    let capture = capture();
    let app = Router::new()
        .route("/missing", get(async || StatusCode::NOT_FOUND))
        .route("/broken", get(async || StatusCode::BAD_GATEWAY))
        .layer(server_layer());
    for path in ["/missing", "/broken", "/nowhere/42"] {
        app.clone().oneshot(request(&capture, path)).await.unwrap().into_body().collect().await.unwrap();
    }
    // Without a route the path does not name the span: strangers choose paths.
    assert_eq!(capture.tree(), "server GET /missing\nserver GET /broken !502\nserver GET\n");
    assert_eq!(access(&capture), [pair("INFO", ""), pair("ERROR", "502"), pair("INFO", "")]);
}

#[tokio::test]
async fn unknown_method_is_other() {
    let capture = capture();
    let app = Router::new().route("/tea", axum::routing::any(async || "short and stout")).layer(server_layer());
    let mut call = request(&capture, "/tea");
    *call.method_mut() = axum::http::Method::from_bytes(b"BREW").unwrap();
    app.oneshot(call).await.unwrap().into_body().collect().await.unwrap();
    let spans = capture.spans();
    assert_eq!(spans[0].name, "HTTP /tea");
    assert_eq!(spans[0].attribute("http.request.method"), "_OTHER");
    assert_eq!(spans[0].attribute("http.request.method_original"), "BREW");
}

#[tokio::test]
async fn probes_and_scrapes_pass_unseen() {
    let capture = capture();
    let app = Router::new().route("/health/ready", get(async || "ok")).layer(server_layer());
    let answer = app.oneshot(request(&capture, "/health/ready")).await.unwrap();
    assert!(!answer.headers().contains_key("x-correlation-id"));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
    assert!(capture.spans().is_empty() && capture.logs().is_empty());
}

#[tokio::test]
async fn invalid_correlation_id_is_replaced() {
    let _ = capture();
    let app = Router::new().route("/replaced", get(async || "ok")).layer(server_layer());
    let call = Request::get("/replaced").header("x-correlation-id", "no spaces, please").body(Body::empty()).unwrap();
    let answer = app.oneshot(call).await.unwrap();
    let id = answer.headers()["x-correlation-id"].to_str().unwrap();
    assert_eq!(id.parse::<uuid::Uuid>().unwrap().get_version_num(), 7);
}

#[tokio::test]
async fn unsampled_parent_is_continued_without_a_span() {
    let capture = capture();
    let seen = async || telemetry::context::MessageContext::capture().traceparent.unwrap();
    let app = Router::new().route("/unsampled", get(seen)).layer(server_layer());
    let mut call = request(&capture, "/unsampled");
    let parent = format!("{}0", &support::PARENT[..support::PARENT.len() - 1]);
    call.headers_mut().insert("traceparent", parent.parse().unwrap());
    let body = app.oneshot(call).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body[..36], parent.as_bytes()[..36]);
    assert_eq!(body[52..], *b"-00");
    assert!(capture.spans().is_empty());
    let logs = capture.logs();
    assert!(logs[0].contains(&parent[3..35]), "{logs:?}");
}

#[test]
fn slow_request_is_warned_about_on_one_thread_and_on_many() {
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    for runtime in [current, many] {
        runtime.block_on(async {
            let capture = capture();
            let app = Router::new().route("/slow", get(async || "ok")).layer(server_layer().slow(Duration::ZERO));
            let call = tokio::spawn(app.oneshot(request(&capture, "/slow")));
            call.await.unwrap().unwrap().into_body().collect().await.unwrap();
            assert_eq!(access(&capture), [pair("WARN", "")]);
        });
    }
}

#[tokio::test]
async fn streamed_body_of_announced_length_ends_with_its_last_byte() {
    let capture = capture();
    // As when a file is sent, or an answer is passed on: nobody asks the stream for its end once the length is there.
    let handler = async || {
        let chunks = ["123", "45"].map(|chunk| Ok::<_, Infallible>(Bytes::from_static(chunk.as_bytes())));
        ([("content-length", "5")], Body::from_stream(futures_util::stream::iter(chunks)))
    };
    let app = Router::new().route("/file", get(handler)).layer(server_layer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    support::serve(listener, app);
    let call = reqwest::Client::new().get(url).header("x-correlation-id", capture.correlation_id().as_str());
    assert_eq!(call.send().await.unwrap().text().await.unwrap(), "12345");
    let spans = capture.wait_for(|spans| spans.len() == 1).await;
    assert_eq!((spans[0].failed, spans[0].attribute("http.response.body.size")), (false, "5"));
    assert_eq!(spans[0].attribute("network.protocol.version"), "1.1");
    assert_eq!(access(&capture), [pair("INFO", "")]);
}

#[tokio::test]
async fn nested_router_hides_its_secrets_and_shows_the_whole_path() {
    let capture = capture();
    let inner = Router::new()
        .route("/verify/{token}", get(async || "ok"))
        .route("/health", get(async || "an endpoint of users"))
        .layer(server_layer());
    let app = Router::new().nest("/auth", inner);
    for path in ["/auth/verify/abc123", "/auth/health"] {
        app.clone().oneshot(request(&capture, path)).await.unwrap().into_body().collect().await.unwrap();
    }
    let spans = capture.spans();
    let paths: Vec<_> = spans.iter().map(|span| span.attribute("url.path")).collect();
    assert_eq!(paths, ["/auth/verify/[redacted]", "/auth/health"]);
    assert!(capture.logs().iter().all(|line| !line.contains("abc123")), "{:?}", capture.logs());
}

#[tokio::test]
async fn panic_is_one_even_when_somebody_catches_it() {
    let capture = capture();
    let handler = async || -> &'static str { panic!("on purpose") };
    let body = async || {
        Body::from_stream(futures_util::stream::poll_fn(|_| -> std::task::Poll<Option<Result<Bytes, Infallible>>> {
            panic!("on purpose, too")
        }))
    };
    let app = Router::new().route("/caught", get(handler)).route("/body", get(body)).layer(server_layer());
    let caught = std::panic::AssertUnwindSafe(app.clone().oneshot(request(&capture, "/caught"))).catch_unwind().await;
    assert!(caught.is_err());
    let body = app.oneshot(request(&capture, "/body")).await.unwrap().into_body();
    assert!(std::panic::AssertUnwindSafe(body.collect()).catch_unwind().await.is_err());
    assert_eq!(capture.tree(), "server GET /caught !panic\nserver GET /body !panic\n");
    assert_eq!(access(&capture), [pair("ERROR", "panic"), pair("ERROR", "panic")]);
}

#[tokio::test]
async fn long_stream_is_not_slow_once_it_has_begun() {
    let capture = capture();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(1);
    let receiver = std::sync::Mutex::new(Some(receiver));
    let begun = std::sync::Arc::new(std::sync::Mutex::new(None));
    let slow = Duration::from_millis(200);
    let handler = {
        let (begun, receiver) = (std::sync::Arc::clone(&begun), std::sync::Arc::new(receiver));
        move || {
            let mut receiver = receiver.lock().unwrap().take().unwrap();
            *begun.lock().unwrap() = Some(std::time::Instant::now());
            async move { Body::from_stream(futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx))) }
        }
    };
    let app = Router::new().route("/events", get(handler)).layer(server_layer().slow(slow));
    let body = app.oneshot(request(&capture, "/events")).await.unwrap().into_body();
    let began = begun.lock().unwrap().unwrap();
    while began.elapsed() < slow {
        tokio::task::yield_now().await;
    }
    drop(sender);
    body.collect().await.unwrap();
    assert_eq!(access(&capture), [pair("INFO", "")]);
}

#[tokio::test]
async fn handler_that_ends_the_current_span_does_not_end_its_request() {
    use opentelemetry::trace::TraceContextExt;
    let capture = capture();
    let handler = async || opentelemetry::Context::current().span().end();
    let app = Router::new().route("/eager", get(handler)).layer(server_layer());
    app.oneshot(request(&capture, "/eager")).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(capture.spans()[0].attribute("http.response.status_code"), "200");
}
