//! Calls to others: what is refused at once, what is left alone, and what comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use platform::outbound::{FAILURES, MAX_ANSWER, Outbound, OutboundError};
use telemetry::http::Client;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const PATIENCE: Duration = Duration::from_secs(10);

fn http() -> Client {
    Client::new(reqwest::Client::builder().no_proxy().build().unwrap())
}

async fn serve(listener: TcpListener, router: Router) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn anywhere() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Answers each request once the semaphore lets it.
fn gated(gate: Arc<Semaphore>, entered: Arc<Semaphore>) -> Router {
    let handler = move || async move {
        entered.add_permits(1);
        gate.acquire().await.unwrap().forget();
        "done"
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn call_beyond_the_bulkhead_is_refused_at_once_and_room_comes_back() {
    let (gate, entered) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let address = serve(anywhere().await, gated(Arc::clone(&gate), Arc::clone(&entered))).await;
    let (http, party) = (http(), Outbound::new(1));
    let first = tokio::spawn({
        let (request, party) = (http.get(format!("http://{address}/")), party.clone());
        async move { party.send(request).await }
    });
    entered.acquire().await.unwrap().forget();
    let refused = party.send(http.get(format!("http://{address}/")).timeout(PATIENCE)).await;
    assert!(matches!(refused, Err(OutboundError::Full)), "{refused:?}");
    // Another party has room of its own.
    let other = tokio::spawn({
        let request = http.get(format!("http://{address}/"));
        async move { Outbound::new(1).send(request).await }
    });
    gate.add_permits(3);
    assert_eq!(first.await.unwrap().unwrap(), (StatusCode::OK, "done".into()));
    assert_eq!(other.await.unwrap().unwrap().0, StatusCode::OK);
    assert_eq!(party.send(http.get(format!("http://{address}/"))).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn party_that_cannot_be_reached_is_left_alone_until_a_probe_succeeds() {
    let vacant = anywhere().await;
    let address = vacant.local_addr().unwrap();
    drop(vacant);
    let (http, party) = (http(), Outbound::new(64));
    let call = || party.send(http.get(format!("http://{address}/")).timeout(PATIENCE));
    for _ in 0..FAILURES {
        let error = call().await.unwrap_err();
        assert!(matches!(error, OutboundError::Unreachable(_)), "{error}");
    }
    let error = call().await.unwrap_err();
    assert!(matches!(error, OutboundError::Open), "{error}");
    let listener = TcpListener::bind(address).await.unwrap();
    serve(listener, Router::new().route("/", get(|| async { "back" }))).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call().await {
            Ok(answer) => break assert_eq!(answer, (StatusCode::OK, "back".into())),
            Err(OutboundError::Open) => assert!(Instant::now() < deadline, "the circuit did not close again"),
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    // Closed: not only the probe passes.
    assert!(call().await.is_ok() && call().await.is_ok());
}

#[tokio::test]
async fn abandoned_probe_lets_the_next_one_try() {
    let vacant = anywhere().await;
    let address = vacant.local_addr().unwrap();
    drop(vacant);
    let (http, party) = (http(), Outbound::new(64));
    let request = || http.get(format!("http://{address}/")).timeout(PATIENCE);
    for _ in 0..FAILURES {
        party.send(request()).await.unwrap_err();
    }
    let error = party.send(request()).await.unwrap_err();
    assert!(matches!(error, OutboundError::Open), "{error}");
    let (gate, entered) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let listener = TcpListener::bind(address).await.unwrap();
    serve(listener, gated(Arc::clone(&gate), Arc::clone(&entered))).await;
    let deadline = Instant::now() + PATIENCE;
    // The first that is let through hangs, and whoever waits for it goes away.
    loop {
        tokio::select! {
            answer = party.send(request()) => assert!(matches!(answer, Err(OutboundError::Open)), "{answer:?}"),
            permit = entered.acquire() => break permit.unwrap().forget(),
        }
        assert!(Instant::now() < deadline, "no call was let through");
        tokio::task::yield_now().await;
    }
    gate.add_permits(2);
    assert_eq!(party.send(request()).await.unwrap().0, StatusCode::OK);
}

#[tokio::test]
async fn refusals_are_answers_and_open_nothing() {
    let router = Router::new().route("/", get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "broken") }));
    let address = serve(anywhere().await, router).await;
    let (http, party) = (http(), Outbound::new(64));
    for _ in 0..2 * FAILURES {
        let answer = party.send(http.get(format!("http://{address}/"))).await.unwrap();
        assert_eq!(answer, (StatusCode::INTERNAL_SERVER_ERROR, "broken".into()));
    }
}

#[tokio::test]
async fn answer_without_end_is_not_kept() {
    const CHUNK: usize = 1024 * 1024;
    let sent = Arc::new(AtomicUsize::new(0));
    let endless = {
        let sent = Arc::clone(&sent);
        move || async move {
            let chunk = bytes::Bytes::from(vec![b'x'; CHUNK]);
            Body::from_stream(futures_util::stream::repeat_with(move || {
                sent.fetch_add(CHUNK, Ordering::Relaxed);
                Ok::<_, std::io::Error>(chunk.clone())
            }))
        }
    };
    let address = serve(anywhere().await, Router::new().route("/", get(endless))).await;
    let error = Outbound::new(1).send(http().get(format!("http://{address}/"))).await.unwrap_err();
    assert!(matches!(error, OutboundError::TooLarge), "{error}");
    // What lies in the buffers between the two is not much.
    assert!(sent.load(Ordering::Relaxed) < 2 * MAX_ANSWER, "{sent:?}");
}
