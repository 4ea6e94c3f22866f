//! The client: what it sends and what it says when there is no good answer.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Query;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt, stream};
use telemetry::http::Client;
use telemetry::testing::{capture, metric};
use tokio::sync::Notify;

async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let echo = async |headers: HeaderMap| {
        let known = ["traceparent", "baggage", "x-correlation-id"];
        known.map(|name| format!("{name}={}", headers.get(name).map_or("", |v| v.to_str().unwrap()))).join("\n")
    };
    let app = Router::new()
        .route("/echo", get(echo))
        .route(
            "/moved",
            get(async |Query(to): Query<HashMap<String, String>>| (StatusCode::FOUND, [(LOCATION, to["to"].clone())])),
        )
        .route("/whole", post(async || "whole"))
        .route("/stalls", get(async || body(stream::pending())))
        .route("/breaks", get(async || body(stream::once(broken()))))
        .route("/circle", get(async || (StatusCode::FOUND, [(LOCATION, "/circle")])))
        .route("/refuses", get(async || StatusCode::CONFLICT))
        .route("/hangs", get(std::future::pending::<()>));
    support::serve(listener, app);
    base
}

/// Makes one answer of `/breaks` break.
static BREAK: Notify = Notify::const_new();

async fn broken() -> std::io::Result<&'static str> {
    BREAK.notified().await;
    Err(std::io::Error::other("no more"))
}

/// A part, and then `rest`.
fn body(rest: impl Stream<Item = std::io::Result<&'static str>> + Send + 'static) -> Body {
    Body::from_stream(stream::once(async { Ok("part") }).chain(rest))
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
    assert!(is_bare(&strange), "{strange}");
}

/// Trace context, and nothing else.
fn is_bare(echoed: &str) -> bool {
    echoed.starts_with("traceparent=00-") && echoed.ends_with("\nbaggage=\nx-correlation-id=")
}

/// A client to which `shop.example` is the server at `base`, and the URL of that.
fn foreign(base: &str) -> (reqwest::ClientBuilder, String) {
    let address: std::net::SocketAddr = base.strip_prefix("http://").unwrap().parse().unwrap();
    let inner = reqwest::Client::builder().no_proxy().resolve("shop.example", address);
    (inner, format!("http://shop.example:{}", address.port()))
}

#[tokio::test]
async fn foreign_host_is_a_stranger_unless_told_otherwise() {
    let capture = capture();
    let (inner, url) = foreign(&server().await);
    let client = Client::new(inner.build().unwrap());
    let echo = async |client: &Client| {
        capture.run(async { client.get(format!("{url}/echo")).send().await.unwrap().text().await.unwrap() }).await
    };
    let strange = echo(&client).await;
    assert!(is_bare(&strange), "{strange}");
    let own = echo(&client.internal()).await;
    assert!(own.ends_with(&format!("x-correlation-id={}", capture.correlation_id().as_str())), "{own}");
}

#[tokio::test]
async fn redirect_does_not_carry_ids_abroad() {
    let capture = capture();
    let base = server().await;
    let (inner, url) = foreign(&base);
    let client = Client::new(inner.redirect(telemetry::http::redirects()).build().unwrap());
    let to = async |from: &str, target: String| {
        let call = client.get(format!("{from}/moved")).query(&[("to", target)]);
        capture.run(async { call.send().await.unwrap() }).await
    };
    let abroad = to(&base, format!("{url}/echo")).await;
    assert_eq!((abroad.status(), abroad.url().host_str()), (StatusCode::FOUND, Some("127.0.0.1")));
    let home = to(&base, format!("{base}/echo")).await.text().await.unwrap();
    assert!(home.ends_with(&format!("x-correlation-id={}", capture.correlation_id().as_str())), "{home}");
    let strange = to(&url, format!("{base}/echo")).await.text().await.unwrap();
    assert!(is_bare(&strange), "{strange}");
    let endless = client.get(format!("{base}/circle"));
    assert!(capture.run(async { endless.send().await.unwrap_err() }).await.is_redirect());
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

#[tokio::test]
async fn call_ends_with_the_body_of_its_answer() {
    let capture = capture();
    let base = server().await;
    let port = base.rsplit(':').next().unwrap();
    let client = Client::new(reqwest::Client::new());
    let send =
        async |path: &str, route: &'static str| client.get(format!("{base}{path}")).route(route).send().await.unwrap();
    capture
        .run(async {
            let stalls = client.get(format!("{base}/stalls")).route("/stalls").timeout(Duration::from_secs(1));
            assert!(stalls.send().await.unwrap().text().await.unwrap_err().is_timeout());
            let breaks = send("/breaks", "/breaks").await;
            BREAK.notify_one();
            assert!(!breaks.text().await.unwrap_err().is_timeout());
            assert_eq!(send("/stalls", "/half").await.chunk().await.unwrap().unwrap(), "part");
            assert_eq!(send("/stalls", "/unread").await.status(), StatusCode::OK);
            assert_eq!(send("/echo", "/echo").await.chunk().await.unwrap().unwrap().first(), Some(&b't'));
        })
        .await;
    insta::assert_snapshot!(capture.tree(), @r"
    client GET /stalls !timeout
    client GET /breaks !body_error
    client GET /half !cancelled
    client GET /unread
    client GET /echo
    ");
    let broken = [("url.template", "/breaks"), ("error.type", "body_error"), ("http.response.status_code", "200")];
    assert_eq!(metric("http.client.request.duration", &broken), 1.0);
    assert_eq!(metric("http.client.active_requests", &[("server.port", port)]), 0.0);
    let logs = capture.logs();
    assert_eq!(logs.iter().filter(|line| line.contains("call failed")).count(), 2, "{logs:#?}");
}

#[tokio::test]
async fn answer_is_what_the_server_sent_and_its_size_is_known() {
    let capture = capture();
    let base = server().await;
    let client = Client::new(reqwest::Client::new());
    let url = format!("{base}/whole?page=1");
    let call = client.post(&url).route("/whole").body("four");
    let answer = capture.run(async { call.send().await.unwrap() }).await;
    assert_eq!(capture.tree(), "", "the body is still to come");
    assert_eq!((answer.url().as_str(), answer.version()), (url.as_str(), Version::HTTP_11));
    assert_eq!(answer.remote_addr().map(|address| format!("http://{address}")), Some(base));
    assert_eq!(answer.content_length(), Some(5));
    assert_eq!(answer.text().await.unwrap(), "whole");
    let span = &capture.spans()[0];
    assert_eq!(span.attribute("network.protocol.version"), "1.1");
    assert_eq!(span.attribute("http.request.body.size"), "4");
    assert_eq!(span.attribute("http.response.body.size"), "5");
    let call = [("url.template", "/whole")];
    assert_eq!(metric("http.client.request.body.size", &call), 1.0);
    assert_eq!(metric("http.client.response.body.size", &call), 1.0);
}
