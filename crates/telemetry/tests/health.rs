//! Readiness: named checks, bounded in time, run no more often than needed, and where what is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use telemetry::admin::Admin;
use telemetry::span::Observe;
use telemetry::testing::{capture, emitted};
use tower::ServiceExt;

async fn ready(router: &Router) -> (StatusCode, Value) {
    let request = Request::get("/health/ready").body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn every_check_is_named_with_its_state_and_time() {
    let _ = capture();
    let fine = || async { Ok::<(), String>(()) };
    let router = Admin::new()
        .check("broker", || async { Err("login of eve@example.org refused") })
        .check("database", fine)
        .check("index", || async { if true { panic!("on purpose") } else { Ok::<(), String>(()) } })
        .check("mail", std::future::pending::<Result<(), String>>)
        .check_timeout(Duration::from_millis(100))
        .router();
    let (status, mut body) = ready(&router).await;
    for check in body["checks"].as_object_mut().unwrap().values_mut() {
        let took = check.as_object_mut().unwrap().remove("took_ms").unwrap();
        assert!(took.as_f64().is_some_and(|took| took >= 0.0), "{took}");
    }
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let expected = json!({ "status": "down", "checks": {
        "broker": { "status": "down", "reason": "login of [redacted] refused" },
        "database": { "status": "up" },
        "index": { "status": "down", "reason": "the check panicked" },
        "mail": { "status": "down", "reason": "no answer within 100 ms" },
    }});
    assert_eq!(body, expected);
    assert_eq!(ready(&Admin::new().check("database", fine).router()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn check_that_hangs_is_named_after_less_than_the_second_that_probers_wait() {
    let _ = capture();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let pending = Admin::new().check("mail", std::future::pending::<Result<(), String>>);
    let blocking = Admin::new().check("disk", move || {
        let held = Arc::clone(&held);
        // Not even a point at which it could be stopped.
        async move { held.lock().map(|held| held.recv().is_ok()).map(drop).map_err(|_| "poisoned") }
    });
    // Of its own, so that the deadline below does not depend on the threads that are blocked.
    let service = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // One more often than there are threads.
    for (admin, name, times) in [(pending, "mail", 1), (blocking, "disk", 3)] {
        let admin = admin.cache_for(Duration::ZERO);
        let server = service.spawn(async { admin.serve("127.0.0.1:0").await.unwrap() }).await.unwrap();
        for _ in 0..times {
            let asked = reqwest::get(format!("http://{}/health/ready", server.local_addr()));
            let answer = tokio::time::timeout(Duration::from_secs(10), asked).await.expect(name).unwrap();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert_eq!(body["checks"][name]["reason"], "no answer within 700 ms", "{body}");
        }
    }
    drop(release);
    service.shutdown_background();
}

#[tokio::test]
async fn storm_of_probes_runs_the_checks_once() {
    let _ = capture();
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let check = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async {
            tokio::task::yield_now().await;
            Ok::<(), String>(())
        }
    };
    let router = Admin::new().check("database", check).cache_for(Duration::from_secs(60)).probes();
    let mut storm = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let router = router.clone();
        storm.spawn(async move { ready(&router).await.0 });
    }
    assert!(storm.join_all().await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn each_change_of_a_check_is_logged_once_and_its_work_is_in_no_trace() {
    let capture = capture();
    let up = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&up);
    let check = move || {
        let up = now.load(Ordering::Relaxed);
        Observe::client("SELECT health").run(async move { if up { Ok(()) } else { Err("away") } })
    };
    let router = Admin::new().check("database", check).cache_for(Duration::ZERO).probes();
    for state in [true, true, false, false, true] {
        up.store(state, Ordering::Relaxed);
        let status = capture.run(ready(&router)).await.0;
        assert_eq!(status.is_success(), state);
    }
    let lines: Vec<Value> = capture.logs().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = lines.iter().map(|line| (line["level"].as_str().unwrap(), line["message"].as_str().unwrap()));
    assert_eq!(said.collect::<Vec<_>>(), [("WARN", "check is down"), ("INFO", "check is up again")]);
    // A check has no correlation id to find its spans by, so they are looked for among those of all tests; the last is what
    // they would look like.
    Observe::client("SELECT health").run(async {}).await;
    let spans: Vec<_> = emitted().spans.into_iter().filter(|span| span.name == "SELECT health").collect();
    assert_eq!(spans.len(), 1, "only the one outside of a check: {spans:#?}");
    assert_eq!(capture.tree(), "");
}

#[tokio::test]
async fn controls_are_for_loopback_and_probes_for_everybody() {
    let _ = capture();
    let get = async |port: u16, path: &str| {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let local = Admin::new().serve("127.0.0.1:0").await.unwrap();
    let (status, build) = get(local.local_addr().port(), "/admin/build").await;
    let build: Value = serde_json::from_str(&build).unwrap();
    assert_eq!((status, &build["service"], &build["version"]), (StatusCode::OK, &json!("test"), &json!("0.0.0")));
    assert!(build["uptime_s"].as_f64().is_some_and(|uptime| uptime >= 0.0), "{build}");

    let everywhere = Admin::new().serve("0.0.0.0:0").await.unwrap();
    let port = everywhere.local_addr().port();
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(get(port, path).await.0, StatusCode::OK, "{path}");
    }
    let (status, why) = get(port, "/admin/log-level").await;
    assert!(status == StatusCode::FORBIDDEN && why.contains("allow_remote_admin"), "{status} {why}");

    let allowed = Admin::new().allow_remote_admin().serve("0.0.0.0:0").await.unwrap();
    assert_eq!(get(allowed.local_addr().port(), "/admin/build").await.0, StatusCode::OK);
}

#[tokio::test]
async fn server_ends_when_it_is_shut_down_or_dropped() {
    let _ = capture();
    let server = Admin::new().serve("127.0.0.1:0").await.unwrap();
    let address = server.local_addr();
    server.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());

    let server = Admin::new().serve("127.0.0.1:0").await.unwrap();
    let address = server.local_addr();
    drop(server);
    let deadline = Instant::now() + Duration::from_secs(10);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "still accepting");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn taken_port_is_an_error() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = Admin::new().serve(taken.local_addr().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
