//! Messages and updates reach the sockets that they are for, each once, whatever breaks on the way.

use axum::http::Method;
use serde_json::json;

use crate::proxy::Proxy;
use crate::system::System;

const RECEIVED: &str = "message received";
const UPDATED: &str = "message updated";

#[tokio::test]
async fn message_arrives_once_at_each_socket_of_its_receiver_and_at_no_other() {
    let system = System::start().await;
    let (one, two) = (system.gateway().await, system.gateway().await);
    let (bob_here, bob_there) = (one.browser("bob").await, two.browser("bob").await);
    let (ada, eve) = (one.browser("ada").await, two.browser("eve").await);
    let message = one.send("ada", "bob", "hello").await;
    // What comes last shows that nothing else has come in between.
    for to in ["bob", "eve"] {
        two.send("ada", to, "last").await;
    }
    two.send("bob", "ada", "last").await;
    for bob in [&bob_here, &bob_there] {
        assert_eq!(bob.bodies_until(RECEIVED, "last").await, ["hello", "last"]);
    }
    for other in [&ada, &eve] {
        assert_eq!(other.bodies_until(RECEIVED, "last").await, ["last"]);
    }
    let told = bob_here.told().into_iter().find(|(event, _)| event == RECEIVED).unwrap();
    assert_eq!(told.1[0], message);
    assert!(told.1[1]["correlationId"].is_string(), "{told:?}");
}

#[tokio::test]
async fn what_becomes_of_a_message_is_told_to_both_people() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let (ada, bob, eve) = (gateway.browser("ada").await, gateway.browser("bob").await, gateway.browser("eve").await);
    let first = gateway.send("ada", "bob", "one").await;
    gateway.send("ada", "bob", "two").await;
    let body = Some(json!({ "messageId": first["id"] }));
    for _ in 0..2 {
        // The second time nothing changes, and nothing is told.
        let answer = gateway.call(Method::PUT, "/message/mark-as-read", "bob", body.clone()).await;
        assert_eq!(answer.json["message"]["isRead"], true, "{}", answer.text);
    }
    let body = Some(json!({ "senderUsername": "ada" }));
    let answer = gateway.call(Method::PUT, "/message/mark-multiple-as-read", "bob", body).await;
    assert_eq!(answer.json["marked"], 1, "{}", answer.text);
    for person in [&ada, &bob] {
        assert_eq!(person.bodies_until(UPDATED, "two").await, ["one", "two"]);
        let read = person.told().into_iter().filter(|(event, _)| event == UPDATED);
        assert!(read.into_iter().all(|(_, arguments)| arguments[0]["isRead"] == true));
    }
    gateway.send("ada", "eve", "last").await;
    eve.bodies_until(RECEIVED, "last").await;
    assert!(eve.bodies(UPDATED).is_empty());
}

#[tokio::test]
async fn messages_of_a_broken_link_follow_once_it_is_whole() {
    let system = System::start().await;
    let way = Proxy::to(system.chat.address).await;
    let (cut, whole) = (system.gateway_to(&way.url, &[]).await, system.gateway().await);
    let bob = cut.browser("bob").await;
    whole.send("ada", "bob", "before").await;
    bob.bodies_until(RECEIVED, "before").await;
    way.cut();
    bob.wait_until("degraded", |told| told.last().is_some_and(|(event, _)| event == "degraded")).await;
    whole.send("ada", "bob", "meanwhile").await;
    let newcomer = cut.open("eve").await.unwrap();
    newcomer.wait_until("degraded", |told| told.iter().any(|(event, _)| event == "degraded")).await;
    way.heal();
    bob.wait_until("restored", |told| told.iter().any(|(event, _)| event == "restored")).await;
    whole.send("ada", "bob", "after").await;
    assert_eq!(bob.bodies_until(RECEIVED, "after").await, ["before", "meanwhile", "after"]);
    let restored = bob.told().into_iter().find(|(event, _)| event == "restored").unwrap();
    assert_eq!(restored.1[0], json!({ "complete": true }));
}

#[tokio::test]
async fn instances_of_the_chat_service_deliver_for_each_other() {
    let system = System::start().await;
    let other = system.another_chat().await;
    let (one, two) = (system.gateway().await, system.gateway_to(&other.url(), &[]).await);
    let (bob_here, bob_there) = (one.browser("bob").await, two.browser("bob").await);
    one.send("ada", "bob", "through one").await;
    two.send("ada", "bob", "through two").await;
    for bob in [&bob_here, &bob_there] {
        for text in ["through one", "through two"] {
            bob.bodies_until(RECEIVED, text).await;
        }
        assert_eq!(bob.bodies(RECEIVED).len(), 2);
    }
}

#[tokio::test]
async fn message_sent_again_under_its_key_is_told_once() {
    let system = System::start().await;
    let gateway = system.gateway().await;
    let bob = gateway.browser("bob").await;
    let bearer = format!("Bearer {}", crate::system::token("ada", 1));
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "key-1")];
    let body = json!({ "receiverUsername": "bob", "body": "hello" });
    let mut answers = Vec::new();
    for _ in 0..2 {
        let path = "/api/v1/gateway/message";
        answers.push(gateway.app.call(Method::POST, path, None, &headers, Some(body.clone())).await.json);
    }
    assert_eq!(answers[0], answers[1]);
    gateway.send("ada", "bob", "last").await;
    assert_eq!(bob.bodies_until(RECEIVED, "last").await, ["hello", "last"]);
}
