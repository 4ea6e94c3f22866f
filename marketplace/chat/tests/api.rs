//! The chat service over its real routes, on a database of its own.

use backends::Pair;
use platform::testing::TestApp;
use platform::{Caller, outbox};
use serde_json::{Value, json};

async fn chat(pair: Pair) -> TestApp {
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url())];
    TestApp::start("chat", &variables, chat::app).await.unwrap().holding(database)
}

fn ada() -> Caller {
    Caller::new("u-ada", "ada", "ada@example.test")
}

fn bob() -> Caller {
    Caller::new("u-bob", "bob", "bob@example.test")
}

fn eve() -> Caller {
    Caller::new("u-eve", "eve", "eve@example.test")
}

fn offer() -> Value {
    json!({
        "receiverUsername": "bob", "receiverEmail": "bob@example.test", "body": "How about this?",
        "offer": { "gigId": "g-1", "gigTitle": "A crest", "price": 4000, "currency": "USD",
                   "description": "Two drafts", "deliveryInDays": 2 },
    })
}

async fn send(chat: &TestApp, body: Value) -> Value {
    let answer = chat.post("/api/v1/message", &ada(), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["message"].clone()
}

async fn two_people_have_one_conversation(pair: Pair) {
    let chat = chat(pair).await;
    let first = send(&chat, json!({ "receiverUsername": "bob", "body": "hello" })).await;
    let body = json!({ "receiverUsername": "ada", "body": "hello yourself" });
    let second = chat.post("/api/v1/message", &bob(), body).await.json["message"].clone();
    assert_eq!(first["conversationId"], second["conversationId"]);
    for caller in [ada(), bob()] {
        let between = chat.get("/api/v1/message/ada/bob", &caller).await;
        assert_eq!(between.json["messages"].as_array().map(Vec::len), Some(2));
        let own = format!("/api/v1/message/conversation/{}", caller.username);
        let list = chat.get(&own, &caller).await;
        assert_eq!(list.json["conversations"][0]["lastMessage"]["body"], "hello yourself");
    }
    let one = chat.get("/api/v1/message/conversation/bob/ada", &ada()).await;
    assert_eq!(one.json["conversation"]["usernames"], json!(["ada", "bob"]));
    assert_eq!(outbox::pending(chat.database()).await.unwrap(), 0);
}

async fn others_cannot_read_or_decide(pair: Pair) {
    let chat = chat(pair).await;
    let message = send(&chat, offer()).await;
    let id = message["conversationId"].as_str().unwrap();
    for path in [
        "/api/v1/message/ada/bob".to_owned(),
        "/api/v1/message/conversation/ada".to_owned(),
        "/api/v1/message/conversation/ada/bob".to_owned(),
    ] {
        assert_eq!(chat.get(&path, &eve()).await.status, 403, "{path}");
    }
    assert_eq!(chat.get(&format!("/api/v1/message/{id}"), &eve()).await.status, 404);
    assert_eq!(chat.get(&format!("/api/v1/message/{id}"), &bob()).await.status, 200);
    let body = json!({ "messageId": message["id"], "type": "cancel" });
    assert_eq!(chat.put("/api/v1/message/offer", &eve(), body).await.status, 404);
    let tokenless = chat.call(axum::http::Method::GET, "/api/v1/message/ada/bob", None, &[], None).await;
    assert_eq!(tokenless.status, 401);
}

async fn offer_is_told_and_decided_once(pair: Pair) {
    let chat = chat(pair).await;
    let message = send(&chat, offer()).await;
    assert_eq!(message["offerStatus"], "pending");
    let (kind, body): (String, String) =
        sqlx::query_as("SELECT type, body FROM outbox").fetch_one(chat.database().pool()).await.unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(kind, "chat.offer_made.v1");
    assert_eq!(
        (&body["buyerEmail"], &body["sellerEmail"], &body["price"]),
        (&json!("bob@example.test"), &json!("ada@example.test"), &json!(4000))
    );
    let accept = json!({ "messageId": message["id"], "type": "accept" });
    let own = chat.put("/api/v1/message/offer", &ada(), accept.clone()).await;
    assert_eq!(own.json["code"], "not_your_offer");
    let accepted = chat.put("/api/v1/message/offer", &bob(), accept).await;
    assert_eq!(accepted.json["message"]["offerStatus"], "accepted");
    let cancel = json!({ "messageId": message["id"], "type": "cancel" });
    let late = chat.put("/api/v1/message/offer", &ada(), cancel).await;
    assert_eq!((late.status.as_u16(), &late.json["code"]), (409, &json!("offer_decided")));
}

async fn messages_are_read_by_their_receiver(pair: Pair) {
    let chat = chat(pair).await;
    let message = send(&chat, json!({ "receiverUsername": "bob", "body": "one" })).await;
    send(&chat, json!({ "receiverUsername": "bob", "body": "two" })).await;
    let body = json!({ "messageId": message["id"] });
    let own = chat.put("/api/v1/message/mark-as-read", &ada(), body.clone()).await;
    assert_eq!(own.status, 404);
    let read = chat.put("/api/v1/message/mark-as-read", &bob(), body).await;
    assert_eq!(read.json["message"]["isRead"], true);
    let body = json!({ "senderUsername": "ada" });
    let all = chat.put("/api/v1/message/mark-multiple-as-read", &bob(), body).await;
    assert_eq!(all.json["marked"], 1);
}

async fn invalid_messages_are_refused(pair: Pair) {
    let chat = chat(pair).await;
    for body in [
        json!({ "receiverUsername": "ada", "body": "to myself" }),
        json!({ "receiverUsername": "bob", "body": "  " }),
        json!({ "receiverUsername": "bob", "body": "x".repeat(4001) }),
    ] {
        let answer = chat.post("/api/v1/message", &ada(), body).await;
        assert_eq!(answer.json["code"], "invalid_message");
    }
    let mut unaddressed = offer();
    unaddressed["receiverEmail"] = json!("");
    let answer = chat.post("/api/v1/message", &ada(), unaddressed).await;
    assert_eq!(answer.json["code"], "receiver_email_missing");
    assert_eq!(outbox::pending(chat.database()).await.unwrap(), 0);
}

async fn lists_come_in_pages(pair: Pair) {
    let chat = chat(pair).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(send(&chat, json!({ "receiverUsername": "bob", "body": text })).await["id"].clone());
    }
    let bodies = |answer: platform::testing::Answer| -> Vec<String> {
        let messages = answer.json["messages"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
        messages.iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
    };
    let newest = chat.get("/api/v1/message/ada/bob?size=2", &bob()).await;
    let conversation = newest.json["messages"][0]["conversationId"].as_str().unwrap().to_owned();
    assert_eq!(bodies(newest), ["two", "three"]);
    let path = format!("/api/v1/message/{conversation}?size=2&before={}", ids[1].as_str().unwrap());
    assert_eq!(bodies(chat.get(&path, &ada()).await), ["one"]);
    send(&chat, json!({ "receiverUsername": "eve", "body": "hello" })).await;
    let first = chat.get("/api/v1/message/conversation/ada?size=1", &ada()).await;
    let first = &first.json["conversations"][0];
    assert_eq!(first["usernames"], json!(["ada", "eve"]));
    let path = format!("/api/v1/message/conversation/ada?before={}", first["id"].as_str().unwrap());
    let rest = chat.get(&path, &ada()).await;
    assert_eq!(rest.json["conversations"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest.json["conversations"][0]["usernames"], json!(["ada", "bob"]));
    for path in ["/api/v1/message/ada/bob?size=0", "/api/v1/message/conversation/ada?size=201"] {
        let answer = chat.get(path, &ada()).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (400, &json!("invalid_page")), "{path}");
    }
}

async fn message_sent_again_under_its_key_is_the_same_message(pair: Pair) {
    let chat = chat(pair).await;
    let post = async |caller: Caller, key: &str, text: &str| {
        let body = json!({ "receiverUsername": "bob", "receiverEmail": "bob@example.test", "body": text,
                           "offer": offer()["offer"] });
        chat.call(axum::http::Method::POST, "/api/v1/message", Some(&caller), &[("idempotency-key", key)], Some(body))
            .await
    };
    let first = post(ada(), "key-1", "hello").await;
    let again = post(ada(), "key-1", "hello").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.json, again.json);
    assert_eq!(outbox::pending(chat.database()).await.unwrap(), 1, "one offer was made");
    let other = post(ada(), "key-1", "something else").await;
    assert_eq!((other.status.as_u16(), &other.json["code"]), (422, &json!("idempotency_key_reused")));
    let eves = post(eve(), "key-1", "hello").await;
    assert_ne!(first.json["message"]["id"], eves.json["message"]["id"], "a key belongs to its caller");
}

async fn what_is_told_to_sockets_is_stored_with_what_has_changed(pair: Pair) {
    let chat = chat(pair).await;
    let message = send(&chat, offer()).await;
    let body = json!({ "messageId": message["id"], "type": "accept" });
    for _ in 0..2 {
        // The second time it is refused, and nothing is told.
        chat.put("/api/v1/message/offer", &bob(), body.clone()).await;
    }
    let pushes: Vec<(String, String, String)> =
        sqlx::query_as("SELECT event, usernames, message FROM pushes ORDER BY id")
            .fetch_all(chat.database().pool())
            .await
            .unwrap();
    let pushes: Vec<_> = pushes
        .iter()
        .map(|(event, usernames, message)| {
            let message: Value = serde_json::from_str(message).unwrap();
            (event.as_str(), usernames.as_str(), message["offerStatus"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(
        pushes,
        [
            ("message received", r#"["bob"]"#, "pending".to_owned()),
            ("message updated", r#"["ada","bob"]"#, "accepted".to_owned()),
        ]
    );
}
backends::on_each_pair!(
    two_people_have_one_conversation,
    others_cannot_read_or_decide,
    offer_is_told_and_decided_once,
    messages_are_read_by_their_receiver,
    invalid_messages_are_refused,
    lists_come_in_pages,
    message_sent_again_under_its_key_is_the_same_message,
    what_is_told_to_sockets_is_stored_with_what_has_changed,
);
