//! Creations under an `Idempotency-Key`: the same request again is the same thing, another request is refused.

use axum::http::Method;
use backends::Pair;
use serde_json::{Value, json};

use crate::system::System;
use crate::world::{Person, World, text};

/// Creates twice under one key, then something else under it, then under a key that is none.
async fn creates_once(world: &World, who: &Person, path: &str, body: Value, other: Value, id: &str) {
    let call = |key: &'static str, body: &Value| {
        let body = Some(body.clone());
        async move {
            let headers = [("idempotency-key", key)];
            world.system.call_with(Method::POST, path, Some(&who.token), &headers, body).await
        }
    };
    let first = call("key-1", &body).await;
    assert_eq!(first.status, 201, "{path}: {}", first.text);
    let again = call("key-1", &body).await;
    assert_eq!((again.status, text(&again.json, id)), (first.status, text(&first.json, id)), "{path}: {}", again.text);
    let reused = call("key-1", &other).await;
    assert_eq!((reused.status.as_u16(), &reused.json["code"]), (422, &json!("idempotency_key_reused")), "{path}");
    let none = call("clé", &other).await;
    assert_eq!((none.status.as_u16(), &none.json["code"]), (400, &json!("invalid_idempotency_key")), "{path}");
}

async fn orders_messages_and_reviews_are_created_once_under_one_key(pair: Pair) {
    let world = World::new(System::start(pair).await).await;
    let World { ada, gig, .. } = &world;
    let say = |text: &str| json!({ "receiverUsername": "bob", "body": text });
    creates_once(&world, ada, "/message", say("hello"), say("something else"), "/message/id").await;

    let order = async || json!({ "gigId": gig, "paymentIntentId": world.intent().await });
    let (one, other) = (order().await, order().await);
    creates_once(&world, ada, "/order", one, other, "/order/id").await;
    let orders = world.act(ada, Method::GET, &format!("/order/buyer/{}", ada.id), json!({})).await;
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(1), "{orders}");

    let intent = |quantity: i64| json!({ "gigId": gig, "quantity": quantity });
    // The keys of a service are those of all that it creates, so this goes by another person.
    creates_once(&world, &world.eve, "/order/create-payment-intent", intent(1), intent(2), "/paymentIntentId").await;

    let order = world.completed().await;
    let review = |rating: i64| json!({ "orderId": order, "rating": rating, "text": "well" });
    creates_once(&world, ada, "/review", review(5), review(4), "/review/id").await;
}

backends::on_each_pair!(
    (flavor = "multi_thread", worker_threads = 2) orders_messages_and_reviews_are_created_once_under_one_key
);
