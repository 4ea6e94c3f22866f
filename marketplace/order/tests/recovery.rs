//! Orders whose payment was interrupted: by the death of the process, or by a provider that does not answer.

use std::time::{Duration, Instant};

use axum::http::Method;
use backends::Pair;
use platform::Caller;
use platform::testing::TestApp;
use serde_json::{Value, json};

#[allow(dead_code, reason = "each test file uses its part of it")]
mod provider;
use provider::{Captures, Provider, stuck};

const DEADLINE: Duration = Duration::from_secs(20);

fn buyer() -> Caller {
    Caller::new("u-buyer", "ada", "ada@example.test")
}

async fn service(pair: Pair, payments: &str, variables: &[(&str, &str)]) -> TestApp {
    let database = pair.database().await;
    let all = [&[("DATABASE_URL", database.url()), ("PAYMENTS_URL", payments)], variables].concat();
    TestApp::start("order", &all, order::app).await.unwrap().holding(database)
}

async fn intent(service: &TestApp) -> Value {
    let body = json!({ "gigId": "gig-1", "sellerId": "u-seller", "amount": 5000, "currency": "EUR" });
    let answer = service.post("/api/v1/order/create-payment-intent", &buyer(), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

fn request(intent: &Value) -> Value {
    json!({
        "paymentIntentId": intent["paymentIntentId"], "gigTitle": "A logo", "sellerUsername": "grace",
        "sellerEmail": "grace@example.test",
    })
}

async fn status(service: &TestApp, order: &str) -> Option<String> {
    let row: Option<(String,)> = sqlx::query_as("SELECT status FROM orders WHERE id = $1")
        .bind(order)
        .fetch_optional(service.database().pool())
        .await
        .unwrap();
    row.map(|(status,)| status)
}

async fn open_actions(service: &TestApp) -> i64 {
    let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM payment_actions WHERE done_at IS NULL")
        .fetch_one(service.database().pool())
        .await
        .unwrap();
    count
}

async fn events(service: &TestApp) -> Vec<String> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT type FROM outbox ORDER BY position").fetch_all(service.database().pool()).await.unwrap();
    rows.into_iter().map(|(kind,)| kind).collect()
}

async fn settled(service: &TestApp, order: &str, expected: &str) {
    let end = Instant::now() + DEADLINE;
    while status(service, order).await.as_deref() != Some(expected) || open_actions(service).await > 0 {
        assert!(Instant::now() < end, "not `{expected}` in time: {:?}", status(service, order).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn order_of_a_process_that_died_after_the_capture_is_finished_by_the_next(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let first = service(pair, &stuck(&provider.url, Captures::Unanswered).await, &[]).await;
    let intent = intent(&first).await;
    let id = intent["orderId"].as_str().unwrap();

    let end = Instant::now() + DEADLINE;
    {
        let body = Some(request(&intent));
        let buyer = buyer();
        let mut create = std::pin::pin!(first.call(Method::POST, "/api/v1/order", Some(&buyer), &[], body));
        // The request is dropped as soon as the money is taken: nobody will ever hear of it.
        while provider.entries().await.is_empty() {
            assert!(Instant::now() < end, "no capture");
            tokio::select! {
                answer = &mut create => panic!("answered without a reply of the provider: {}", answer.text),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    }
    assert_eq!(status(&first, id).await.as_deref(), Some("pending"));
    assert!(events(&first).await.is_empty());

    let database = first.database_url();
    let second = service(pair, &provider.url, &[("DATABASE_URL", &database)]).await;
    settled(&second, id, "in_progress").await;
    assert_eq!(events(&second).await, ["order.placed.v1"]);
    assert_eq!(provider.entries().await.len(), 1, "taken once");
}

async fn capture_without_an_answer_is_undone_when_it_had_happened(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let payments = stuck(&provider.url, Captures::Unanswered).await;
    let service = service(pair, &payments, &[("PAYMENTS_BUDGET_MS", "300")]).await;
    let intent = intent(&service).await;
    let answer = service.post("/api/v1/order", &buyer(), request(&intent)).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (503, &json!("payment_unavailable")), "{}", answer.text);
    settled(&service, intent["orderId"].as_str().unwrap(), "cancelled").await;
    let kinds: Vec<String> = provider.entries().await.into_iter().map(|(kind, ..)| kind).collect();
    assert_eq!(kinds, ["capture", "refund"]);
    assert_eq!(events(&service).await, ["order.placed.v1", "order.cancelled.v1"]);
}

async fn capture_that_never_arrived_leaves_no_order_and_no_money(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let payments = stuck(&provider.url, Captures::Swallowed).await;
    let service = service(pair, &payments, &[("PAYMENTS_BUDGET_MS", "300")]).await;
    let intent = intent(&service).await;
    let answer = service.post("/api/v1/order", &buyer(), request(&intent)).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    settled(&service, intent["orderId"].as_str().unwrap(), "failed").await;
    assert!(provider.entries().await.is_empty() && events(&service).await.is_empty());
    let again = service.post("/api/v1/order", &buyer(), request(&intent)).await;
    assert_eq!(again.json["code"], "payment_failed");
}

backends::on_each_pair!(
    order_of_a_process_that_died_after_the_capture_is_finished_by_the_next,
    capture_without_an_answer_is_undone_when_it_had_happened,
    capture_that_never_arrived_leaves_no_order_and_no_money,
);
