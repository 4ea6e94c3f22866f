//! The provider through its HTTP interface.

use axum::http::Method;
use backends::Pair;
use platform::Caller;
use platform::testing::{Answer, TestApp};
use serde_json::{Value, json};

async fn provider(pair: Pair, variables: &[(&str, &str)]) -> TestApp {
    let database = pair.database().await;
    let all = [&[("DATABASE_URL", database.url())], variables].concat();
    TestApp::start("payments-sim", &all, payments_sim::app).await.unwrap().holding(database)
}

async fn post(provider: &TestApp, path: &str, key: Option<&str>, body: Value) -> Answer {
    let headers: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
    provider.call(Method::POST, path, None, &headers, Some(body)).await
}

async fn intent(provider: &TestApp) -> String {
    let body = json!({ "amount": 5250, "currency": "eur", "metadata": { "order_id": "order-1" } });
    let answer = post(provider, "/v1/payment_intents", None, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["status"], "requires_capture");
    answer.json["id"].as_str().unwrap().to_owned()
}

async fn ledger(provider: &TestApp) -> Value {
    provider.get("/ledger", &Caller::anonymous()).await.json
}

fn amounts(ledger: &Value) -> Vec<(String, i64)> {
    let entries = ledger["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| (entry["type"].as_str().unwrap().to_owned(), entry["amount"].as_i64().unwrap()))
        .collect()
}

async fn same_key_captures_once_and_answers_alike(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let path = format!("/v1/payment_intents/{}/capture", intent(&provider).await);
    let first = post(&provider, &path, Some("capture-order-1"), json!({})).await;
    let second = post(&provider, &path, Some("capture-order-1"), json!({})).await;
    assert_eq!((first.status, &first.text), (second.status, &second.text));
    let ledger = ledger(&provider).await;
    assert_eq!(amounts(&ledger), [("capture".to_owned(), 5250)]);
    assert_eq!(ledger["entries"][0]["order_id"], "order-1");
    assert_eq!(ledger["entries"][0]["idempotency_key"], "capture-order-1");
}

async fn calls_without_or_under_new_keys_all_take_effect(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let path = format!("/v1/payment_intents/{}/capture", intent(&provider).await);
    for key in [None, None, Some("a"), Some("b")] {
        assert_eq!(post(&provider, &path, key, json!({})).await.status, 200);
    }
    assert_eq!(amounts(&ledger(&provider).await).len(), 4);
}

async fn key_reused_for_another_request_is_refused(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let id = intent(&provider).await;
    post(&provider, &format!("/v1/payment_intents/{id}/capture"), Some("k"), json!({})).await;
    let answer = post(&provider, "/v1/refunds", Some("k"), json!({ "payment_intent": id })).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json["error"]["code"], "idempotency_key_in_use");
}

async fn captured_equals_held_paid_out_fees_and_refunded(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let id = intent(&provider).await;
    post(&provider, &format!("/v1/payment_intents/{id}/capture"), Some("c"), json!({})).await;
    assert_eq!(ledger(&provider).await["held"][0]["amount"], 5250);
    let payout = json!({ "payment_intent": id, "amount": 5000, "fee": 250, "destination": "seller-1" });
    assert_eq!(post(&provider, "/v1/payouts", Some("p"), payout).await.status, 200);
    let ledger = ledger(&provider).await;
    assert_eq!(ledger["held"][0]["amount"], 0);
    assert_eq!(amounts(&ledger)[1..], [("payout".to_owned(), 5000), ("fee".to_owned(), 250)]);
    let balances: i64 = ledger["balances"].as_array().unwrap().iter().map(|row| row["amount"].as_i64().unwrap()).sum();
    assert_eq!(balances, 0, "double entry balances");
}

async fn declined_card_captures_nothing(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let body = json!({ "amount": 100, "currency": "EUR", "payment_method": "pm_card_declined" });
    let id = post(&provider, "/v1/payment_intents", None, body).await.json["id"].as_str().unwrap().to_owned();
    let answer = post(&provider, &format!("/v1/payment_intents/{id}/capture"), Some("c"), json!({})).await;
    assert_eq!((answer.status.as_u16(), &answer.json["error"]["code"]), (402, &json!("card_declined")));
    assert!(amounts(&ledger(&provider).await).is_empty());
}

async fn canceled_intent_cannot_be_captured_and_a_captured_one_not_canceled(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let id = intent(&provider).await;
    assert_eq!(post(&provider, &format!("/v1/payment_intents/{id}/cancel"), None, json!({})).await.status, 200);
    let late = post(&provider, &format!("/v1/payment_intents/{id}/capture"), Some("c"), json!({})).await;
    assert_eq!(late.json["error"]["code"], "payment_intent_unexpected_state");
    let id = intent(&provider).await;
    post(&provider, &format!("/v1/payment_intents/{id}/capture"), Some("d"), json!({})).await;
    assert_eq!(post(&provider, &format!("/v1/payment_intents/{id}/cancel"), None, json!({})).await.status, 400);
}

async fn lost_reply_has_had_its_effect(pair: Pair) {
    let provider = provider(pair, &[("LOSE_REPLY_EVERY", "1")]).await;
    let path = format!("/v1/payment_intents/{}/capture", intent(&provider).await);
    let answer = post(&provider, &path, Some("c"), json!({})).await;
    assert_eq!(answer.text, "", "the body fails before its first byte");
    assert_eq!(amounts(&ledger(&provider).await), [("capture".to_owned(), 5250)]);
}

async fn malformed_intents_are_refused(pair: Pair) {
    let provider = provider(pair, &[]).await;
    for body in [json!({}), json!({ "amount": 0, "currency": "EUR" }), json!({ "amount": 1, "currency": "euro" })] {
        let answer = post(&provider, "/v1/payment_intents", None, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json["error"]["type"], "invalid_request_error");
    }
    assert_eq!(provider.get("/v1/payment_intents/pi_none", &Caller::anonymous()).await.status, 404);
}

async fn captures_at_once_are_booked_once_for_each_key_without_a_gap(pair: Pair) {
    let provider = provider(pair, &[]).await;
    let intents = [intent(&provider).await, intent(&provider).await];
    let capture = |index: usize| {
        let (provider, id) = (&provider, &intents[index]);
        async move { post(provider, &format!("/v1/payment_intents/{id}/capture"), Some(id), json!({})).await }
    };
    let answers: [_; 5] = tokio::join!(capture(0), capture(1), capture(0), capture(1), capture(0)).into();
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let ledger = ledger(&provider).await;
    let numbers: Vec<_> = ledger["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
}

async fn intent_is_captured_or_canceled_never_both(pair: Pair) {
    let provider = provider(pair, &[]).await;
    for round in 0..5 {
        let id = intent(&provider).await;
        let (capture, cancel) =
            (format!("/v1/payment_intents/{id}/capture"), format!("/v1/payment_intents/{id}/cancel"));
        let (captured, canceled) =
            tokio::join!(post(&provider, &capture, None, json!({})), post(&provider, &cancel, None, json!({})));
        let mut statuses = [captured.status.as_u16(), canceled.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "round {round}");
    }
}

backends::on_each_pair!(
    same_key_captures_once_and_answers_alike,
    calls_without_or_under_new_keys_all_take_effect,
    key_reused_for_another_request_is_refused,
    captured_equals_held_paid_out_fees_and_refunded,
    declined_card_captures_nothing,
    canceled_intent_cannot_be_captured_and_a_captured_one_not_canceled,
    lost_reply_has_had_its_effect,
    malformed_intents_are_refused,
    captures_at_once_are_booked_once_for_each_key_without_a_gap,
    intent_is_captured_or_canceled_never_both,
);
