//! A browser that does not read.

use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use futures_util::stream::SplitStream;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use telemetry::testing::capture;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::system::{Served, System, token};

/// More than what the sockets of both sides and the gateway's buffer hold, with messages of this size.
const ROUNDS: usize = 200;
const AT_ONCE: usize = 8;

#[tokio::test]
async fn browser_that_does_not_read_is_cut_and_costs_nobody_else_anything() {
    let capture = capture();
    let system = System::start().await;
    let gateway = system.gateway().await;
    let eve = gateway.browser("eve").await;
    let (mut bob, alive) = deaf(&gateway, "bob").await;
    eve.wait_for_online(&["bob", "eve"]).await;
    // The longest message there is: four bytes for each character.
    let text = "\u{1f980}".repeat(4000);
    let bearer = format!("Bearer {}", token("ada", 1));
    let headers = [("authorization", bearer.as_str()), ("x-correlation-id", capture.correlation_id().as_str())];
    let body = || Some(json!({ "receiverUsername": "bob", "body": text }));
    let cut = || capture.log_lines().iter().any(|line| line.message() == "a socket that does not read was cut");
    for _ in 0..ROUNDS {
        if cut() {
            break;
        }
        let path = "/api/v1/gateway/message";
        let sent = (0..AT_ONCE).map(|_| gateway.app.call(Method::POST, path, None, &headers, body()));
        assert!(join_all(sent).await.iter().all(|answer| answer.status == 201));
    }
    assert!(cut(), "more was sent than can wait");
    // At once, and not when its heartbeats are missed.
    eve.wait_for_online(&["eve"]).await;
    // Nothing is lost but the socket: what it has not read is there over HTTP.
    let stored = gateway.call(Method::GET, "/message/ada/bob?size=1", "bob", None).await;
    assert_eq!(stored.json["messages"][0]["body"], text.as_str());
    let end = async { while bob.next().await.is_some_and(|message| message.is_ok()) {} };
    tokio::time::timeout(crate::browser::DEADLINE, end).await.expect("the connection has ended");
    alive.abort();
    gateway.send("ada", "eve", "hello").await;
    eve.bodies_until("message received", "hello").await;
}

/// What a deaf browser would read.
type Unread = SplitStream<WebSocketStream<TcpStream>>;

/// A socket of `username` with a small window, which reads nothing, but says that it is alive.
async fn deaf(gateway: &Served, username: &str) -> (Unread, JoinHandle<()>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(gateway.address).await.unwrap();
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", gateway.address);
    let (stream, _) = client_async(url, stream).await.unwrap();
    let (mut say, unread) = stream.split();
    let hello = format!("40{}", json!({ "token": token(username, 1) }));
    say.send(Message::text(hello)).await.unwrap();
    let alive = tokio::spawn(async move {
        let mut heartbeat = tokio::time::interval(Duration::from_secs(1));
        while say.send(Message::text("3")).await.is_ok() {
            heartbeat.tick().await;
        }
    });
    (unread, alive)
}
