//! What operators ask: metrics in Prometheus' format, and to log more or less. Alone in its process, as the level is shared.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use telemetry::testing::capture;
use tower::ServiceExt;

async fn ask(request: Request<Body>) -> (StatusCode, String) {
    let answer = telemetry::admin_router().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

fn put(directives: &str) -> Request<Body> {
    Request::put("/admin/log-level").body(Body::from(directives.to_owned())).unwrap()
}

fn put_for(directives: &str, time: &str) -> Request<Body> {
    Request::put(format!("/admin/log-level?for={time}")).body(Body::from(directives.to_owned())).unwrap()
}

/// The filter, and in how many seconds it expires.
async fn in_force() -> (String, Option<f64>) {
    let (_, level) = ask(Request::get("/admin/log-level").body(Body::empty()).unwrap()).await;
    let level: serde_json::Value = serde_json::from_str(&level).unwrap();
    (level["filter"].as_str().unwrap().to_owned(), level["expires_in_s"].as_f64())
}

#[tokio::test]
async fn operators_read_metrics_and_change_the_log_level() {
    let capture = capture();
    telemetry::metrics::meter().u64_counter("app.admin.test").build().add(3, &[]);
    let (status, metrics) = ask(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    for expected in [
        "\napp_admin_test_total",
        "\nprocess_memory_usage_bytes",
        "\napp_tokio_workers",
        "\nprocess_cpu_time_seconds_total",
    ] {
        assert!(metrics.contains(expected), "{expected} in {metrics}");
    }

    // A view that limits the sets must not cost the buckets.
    capture
        .run(async {
            let delivery = lapin::message::Delivery::mock(1, "e".into(), "k".into(), false, Vec::new());
            telemetry::messaging::process(&delivery, "q", async {}).await;
        })
        .await;
    let buckets = telemetry::metrics::prometheus();
    let buckets = buckets.lines().filter(|line| line.starts_with("messaging_process_duration_seconds_bucket"));
    assert_eq!(buckets.count(), telemetry::metrics::duration_bounds().len() + 1);

    let talk = || capture.run(async { tracing::info!("talking") });
    assert_eq!(ask(put("admin=loud")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(put(" ")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(put(&"x".repeat(5000))).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    talk().await;
    assert_eq!(capture.logs().len(), 1);
    assert_eq!(ask(put("error")).await.0, StatusCode::NO_CONTENT);
    talk().await;
    assert_eq!(capture.logs().len(), 1, "info is off now");
    let (_, level) = ask(Request::get("/admin/log-level").body(Body::empty()).unwrap()).await;
    assert!(level.contains("error") && level.contains("hyper=off"), "{level}");
    assert!(!level.contains("expires"), "{level}");
    assert_eq!(ask(put("info")).await.0, StatusCode::NO_CONTENT);
    talk().await;
    assert_eq!(capture.logs().len(), 2);

    // What is to end by itself does, and a slip in the time does not make it last.
    let (status, expected) = ask(put_for("trace", "5")).await;
    assert_eq!((status, expected.contains("`5m`")), (StatusCode::BAD_REQUEST, true), "{expected}");
    assert_eq!(ask(put_for("admin=loud", "5m")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(put_for("error", "5m")).await.0, StatusCode::NO_CONTENT);
    let (filter, expires) = in_force().await;
    assert!(
        filter.contains("error") && expires.is_some_and(|left| left > 200.0 && left <= 300.0),
        "{filter} {expires:?}"
    );
    talk().await;
    assert_eq!(capture.logs().len(), 2, "info is off for a while");
    assert_eq!(ask(put_for("error", "1s")).await.0, StatusCode::NO_CONTENT);
    let deadline = Instant::now() + Duration::from_secs(20);
    while in_force().await.1.is_some() {
        assert!(Instant::now() < deadline, "the filter does not expire");
        tokio::task::yield_now().await;
    }
    assert!(in_force().await.0.contains("info"));
    talk().await;
    assert_eq!(capture.logs().len(), 3);
}
