//! Without the access log. Alone in its process, as the first configuration counts.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use telemetry::http::server_layer;
use telemetry::testing::{capture_with, metric};
use tower::ServiceExt;

async fn quiet() -> StatusCode {
    tracing::info!("handling");
    StatusCode::INTERNAL_SERVER_ERROR
}

#[tokio::test]
async fn requests_without_an_access_log_are_traced_and_measured() {
    let capture = capture_with(|config| config.access_log(false));
    let app = Router::new().route("/quiet", get(quiet)).layer(server_layer());
    let request = Request::get("/quiet").header("x-correlation-id", capture.correlation_id().as_str());
    drop(app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap());
    let said: Vec<String> = capture.log_lines().iter().map(|line| line.message().to_owned()).collect();
    assert_eq!(said, ["handling"]);
    assert_eq!(capture.tree(), "server GET /quiet !500\n");
    assert_eq!(metric("http.server.request.duration", &[("http.route", "/quiet")]), 1.0);
}
