//! The client: what it sends and what it says when there is no good answer.

mod support;

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use telemetry::http::Client;
use telemetry::testing::{capture, metric};

async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let echo = async |headers: HeaderMap| {
        let known = ["traceparent", "baggage", "x-correlation-id"];
        known.map(|name| format!("{name}={}", headers.get(name).map_or("", |v| v.to_str().unwrap()))).join("\n")
    };
    let app = Router::new()
        .route("/echo", get(echo))
        .route("/refuses", get(async || StatusCode::CONFLICT))
        .route("/hangs", get(std::future::pending::<()>));
    support::serve(listener, app);
    base
}

#[tokio::test]
async fn context_is_sent_but_not_everything_to_strangers() {
    let capture = capture();
    let base = server().await;
    let id = capture.correlation_id().as_str();
    let client = Client::new(reqwest::Client::new());
    let own =
        capture.run(async { client.get(format!("{base}/echo")).send().await.unwrap().text().await.unwrap() }).await;
    let span = &capture.spans()[0];
    assert_eq!(
        own,
        format!(
            "traceparent=00-{}-{}-01\nbaggage=correlation_id={id}\nx-correlation-id={id}",
            span.trace_id, span.span_id
        )
    );
    let client = client.external();
    let strange =
        capture.run(async { client.get(format!("{base}/echo")).send().await.unwrap().text().await.unwrap() }).await;
    assert!(strange.starts_with("traceparent=00-") && strange.ends_with("\nbaggage=\nx-correlation-id="), "{strange}");
}

#[tokio::test]
async fn failures_are_typed() {
    let capture = capture();
    let base = server().await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let client = Client::new(reqwest::Client::new());
    capture
        .run(async {
            let refused = client.get(format!("{base}/refuses?email=eve")).route("/refuses").send().await.unwrap();
            assert_eq!(refused.status(), StatusCode::CONFLICT);
            let hangs = client.get(format!("{base}/hangs")).route("/hangs").timeout(Duration::from_millis(50));
            assert!(hangs.send().await.unwrap_err().is_timeout());
            assert!(client.get(&closed).route("/closed").send().await.unwrap_err().is_connect());
            let mut dropped = Box::pin(client.get(format!("{base}/hangs")).route("/dropped").send());
            assert!(futures_util::poll!(dropped.as_mut()).is_pending());
        })
        .await;
    insta::assert_snapshot!(capture.tree(), @r"
    client GET /refuses !409
    client GET /hangs !timeout
    client GET /closed !connect_error
    client GET /dropped !cancelled
    ");
    let spans = capture.spans();
    assert!(spans[0].attribute("url.full").ends_with("/refuses?email=[redacted]"));
    assert_eq!(metric("http.client.request.duration", &[("url.template", "/hangs"), ("error.type", "timeout")]), 1.0);
    let logs = capture.logs();
    assert_eq!(logs.iter().filter(|line| line.contains("call failed")).count(), 2, "{logs:#?}");
}
