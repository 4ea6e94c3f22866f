//! Replay of messages.

use axum::response::Response;
use base64::Engine as _;
use contracts::result::Verdict;
use serde_json::{Value, json};

use crate::shop::{Shop, pact, paid, reply};

fn emitted(metadata: &Value, body: &Value) -> Response {
    let metadata = base64::engine::general_purpose::STANDARD.encode(metadata.to_string());
    reply(200, &[("Pact-Message-Metadata", &metadata)], body)
}

fn right() -> Response {
    emitted(
        &json!({ "type": "shop.order-paid.v1", "id": "99", "extra": "x" }),
        &json!({ "order": "other", "total": 3, "more": 1 }),
    )
}

#[tokio::test]
async fn right_message_passes_by_type_and_pattern_in_body_and_metadata() {
    let shop = Shop::start(right).await;
    let mut message = paid();
    message["providerStates"] = json!([{ "name": "a paid order exists", "params": { "id": 7 } }]);
    let result = shop.verify(&[pact(json!([message]))]).await;
    assert_eq!((result.verdict, result.verified), (Verdict::Pass, 1), "{result:?}");
    let requests = shop.seen.requests.lock().unwrap();
    let (uri, headers, body) = &requests[0];
    assert_eq!(uri, "/messages");
    assert_eq!(headers["x-correlation-id"], result.interactions[0].correlation_id.as_str());
    assert!(headers.contains_key("traceparent"));
    assert_eq!(
        serde_json::from_slice::<Value>(body).unwrap(),
        json!({
            "description": "an order was paid",
            "providerStates": [{ "name": "a paid order exists", "params": { "id": 7 } }],
        })
    );
}

#[tokio::test]
async fn wrong_body_is_named_by_path() {
    let shop = Shop::start(|| {
        emitted(&json!({ "type": "shop.order-paid.v1", "id": "1" }), &json!({ "orderId": "o", "total": 1.5 }))
    })
    .await;
    assert_eq!(
        shop.mismatches(paid()).await,
        [
            "$.order: expected a value like \"o-7\", but the field is missing (the answer has `orderId` instead)",
            "$.total: expected 1.5 (Decimal) to be an integer",
        ]
    );
}

#[tokio::test]
async fn wrong_metadata_is_named_by_key() {
    let shop = Shop::start(|| {
        emitted(&json!({ "type": "shop.order-paid.v2", "id": "x" }), &json!({ "order": "o", "total": 1 }))
    })
    .await;
    let mismatches = shop.mismatches(paid()).await;
    assert_eq!(mismatches.len(), 2, "{mismatches:?}");
    assert!(mismatches[0].starts_with("metadata `id`: expected"), "{mismatches:?}");
    assert!(mismatches[0].contains("^[0-9]+$"), "{mismatches:?}");
    assert!(mismatches[1].starts_with("metadata `type`: expected"), "{mismatches:?}");
    assert!(mismatches[1].contains("shop.order-paid.v2"), "{mismatches:?}");
}

#[tokio::test]
async fn missing_metadata_is_named_by_key() {
    let shop = Shop::start(|| reply(200, &[], &json!({ "order": "o", "total": 1 }))).await;
    assert_eq!(
        shop.mismatches(paid()).await,
        [
            "metadata `id`: expected `1`, but the key is missing",
            "metadata `type`: expected `shop.order-paid.v1`, but the key is missing",
        ]
    );
}

#[tokio::test]
async fn unreadable_metadata_is_named() {
    let shop = Shop::start(|| reply(200, &[("Pact-Message-Metadata", "%%%")], &json!({}))).await;
    let mismatches = shop.mismatches(paid()).await;
    assert!(
        mismatches[0].starts_with(
            "the message `an order was paid` has unreadable metadata: header `Pact-Message-Metadata` is not base64"
        ),
        "{mismatches:?}"
    );
}

#[tokio::test]
async fn message_that_the_provider_does_not_know_is_named() {
    let shop = Shop::start(|| reply(404, &[], &json!({ "code": "unknown_message" }))).await;
    assert_eq!(
        shop.mismatches(paid()).await,
        [r#"the message `an order was paid` was not emitted: the hook answered 404 with `{"code":"unknown_message"}`"#]
    );
}

#[tokio::test]
async fn message_without_a_hook_fails() {
    let mut shop = Shop::start(right).await;
    shop.provider.messages_url = None;
    assert_eq!(
        shop.mismatches(paid()).await,
        [
            "the message `an order was paid` cannot be asked for: provider `shop` has no message hook, expected a URL that emits it"
        ]
    );
}

#[tokio::test]
async fn rules_under_either_name_of_the_body_are_obeyed() {
    let shop = Shop::start(right).await;
    let mut message = paid();
    let rules = message["matchingRules"].as_object_mut().unwrap();
    let body = rules.remove("body").unwrap();
    rules.insert("content".into(), body);
    assert_eq!(shop.mismatches(message).await, Vec::<String>::new());
}
