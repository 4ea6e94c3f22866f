//! A message from the request that sends it to the sockets that it reaches is one trace, under one correlation id.

use axum::http::Method;
use serde_json::json;
use telemetry::testing::{Span, capture};

use crate::system::{System, token};

#[tokio::test]
async fn request_link_and_socket_are_one_flow() {
    let capture = capture();
    let system = System::start().await;
    let (one, two) = (system.gateway().await, system.gateway().await);
    let (bob_here, bob_there) = (one.browser("bob").await, two.browser("bob").await);
    let id = capture.correlation_id().as_str();
    let bearer = format!("Bearer {}", token("ada", 1));
    let headers = [("authorization", bearer.as_str()), ("x-correlation-id", id)];
    let body = json!({ "receiverUsername": "bob", "body": "hello" });
    let answer = one.app.call(Method::POST, "/api/v1/gateway/message", None, &headers, Some(body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    for bob in [&bob_here, &bob_there] {
        bob.bodies_until("message received", "hello").await;
        let told = bob.told().into_iter().find(|(event, _)| event == "message received").unwrap();
        assert_eq!(told.1[1]["correlationId"], id);
    }
    let on = |span: &Span, namespace: &str| span.attribute("messaging.destination.name") == namespace;
    let sent = |span: &Span, namespace: &str| span.name == "send message received" && on(span, namespace);
    let spans = capture
        .wait_for(|spans| {
            let count = |namespace| spans.iter().filter(|span| sent(span, namespace)).count();
            count("/gateway") == 2 && count("/") == 2
        })
        .await;
    let flow = capture.flow();
    let parent = |span: &Span| {
        let found = spans.iter().find(|other| Some(&other.span_id) == span.parent_id.as_ref());
        found.unwrap_or_else(|| panic!("no parent of {}: {}", span.name, flow.tree()))
    };
    for last in spans.iter().filter(|span| sent(span, "/")) {
        let received = parent(last);
        assert_eq!((received.name.as_str(), received.kind), ("receive message received", "consumer"));
        let linked = parent(received);
        assert!(sent(linked, "/gateway") && linked.kind == "producer", "{}", flow.tree());
        let chat = parent(linked);
        assert_eq!((chat.name.as_str(), chat.kind), ("POST /api/v1/message", "server"), "{}", flow.tree());
        let call = parent(chat);
        assert_eq!(call.kind, "client", "{}", flow.tree());
        assert_eq!(parent(call).name, "POST /api/v1/gateway/message");
    }
    assert!(spans.iter().all(|span| span.attribute("app.correlation_id") == id), "{}", flow.tree());
    assert!(flow.orphans().is_empty(), "{}", flow.tree());
}
