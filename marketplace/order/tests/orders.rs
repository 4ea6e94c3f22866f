//! Orders through the service's HTTP interface, paid at the real payment provider over a socket.

use axum::http::Method;
use backends::Pair;
use platform::testing::{Answer, TestApp};
use platform::{Caller, outbox};
use serde_json::{Value, json};

#[allow(dead_code, reason = "each test file uses its part of it")]
mod provider;
use provider::Provider;

fn buyer() -> Caller {
    Caller::new("u-buyer", "ada", "ada@example.test")
}

fn seller() -> Caller {
    Caller::new("u-seller", "grace", "grace@example.test")
}

fn stranger() -> Caller {
    Caller::new("u-stranger", "eve", "eve@example.test")
}

async fn service(pair: Pair, provider: &Provider) -> TestApp {
    let database = pair.database().await;
    let variables = [("DATABASE_URL", database.url()), ("PAYMENTS_URL", &*provider.url)];
    TestApp::start("order", &variables, order::app).await.unwrap().holding(database)
}

async fn intent(service: &TestApp, method: Option<&str>) -> Value {
    let body = json!({
        "gigId": "gig-1", "sellerId": "u-seller", "amount": 5000, "currency": "eur", "paymentMethod": method,
    });
    let answer = service.post("/api/v1/order/create-payment-intent", &buyer(), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json
}

fn request(intent: &Value) -> Value {
    json!({
        "paymentIntentId": intent["paymentIntentId"], "gigTitle": "A logo", "description": "for a bakery",
        "sellerUsername": "grace", "sellerEmail": "grace@example.test", "deliveryDays": 3,
    })
}

async fn create(service: &TestApp, intent: &Value) -> Answer {
    service.post("/api/v1/order", &buyer(), request(intent)).await
}

async fn placed(service: &TestApp) -> String {
    let answer = create(service, &intent(service, None).await).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["id"].as_str().unwrap().to_owned()
}

async fn events(service: &TestApp) -> Vec<String> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT type FROM outbox ORDER BY position").fetch_all(service.database().pool()).await.unwrap();
    rows.into_iter().map(|(kind,)| kind).collect()
}

async fn order_is_created_paid_once_and_announced(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let intent = intent(&service, None).await;
    assert_eq!((&intent["amount"], &intent["fee"], &intent["total"]), (&json!(5000), &json!(250), &json!(5250)));
    let answer = create(&service, &intent).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["status"], "in_progress");
    assert_eq!(answer.json["id"], intent["orderId"]);
    assert_eq!(answer.json["buyerUsername"], "ada");
    assert_eq!(events(&service).await, ["order.placed.v1"]);
    assert_eq!(provider.entries().await, [("capture".to_owned(), intent["orderId"].clone(), 5250)]);
}

async fn same_intent_again_is_the_same_order(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let intent = intent(&service, None).await;
    let (first, second) = (create(&service, &intent).await, create(&service, &intent).await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.json["id"], second.json["id"]);
    assert_eq!(provider.entries().await.len(), 1);
    assert_eq!(outbox::pending(service.database()).await.unwrap(), 1);
}

async fn lost_reply_of_a_capture_takes_the_money_once(pair: Pair) {
    let provider = Provider::start(pair, &[("LOSE_REPLY_EVERY", "2")]).await;
    let service = service(pair, &provider).await;
    for _ in 0..3 {
        placed(&service).await;
    }
    assert_eq!(provider.entries().await.len(), 3);
}

async fn declined_card_makes_no_order(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let intent = intent(&service, Some("pm_card_declined")).await;
    let answer = create(&service, &intent).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (402, &json!("payment_declined")));
    let id = intent["orderId"].as_str().unwrap();
    assert_eq!(service.get(&format!("/api/v1/order/{id}"), &buyer()).await.status, 404);
    assert_eq!(create(&service, &intent).await.json["code"], "payment_failed");
    assert!(events(&service).await.is_empty() && provider.entries().await.is_empty());
}

async fn completed_order_is_paid_out(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let id = placed(&service).await;
    let path = |action: &str| format!("/api/v1/order/{action}/{id}");
    let delivered = service.put(&path("deliver-order"), &seller(), json!({ "message": "done" })).await;
    assert_eq!(
        (delivered.status.as_u16(), &delivered.json["status"]),
        (200, &json!("delivered")),
        "{}",
        delivered.text
    );
    let approved = service.call(Method::PUT, &path("approve-order"), Some(&buyer()), &[], None).await;
    assert_eq!((approved.status.as_u16(), &approved.json["status"]), (200, &json!("completed")));
    assert_eq!(events(&service).await, ["order.placed.v1", "order.delivered.v1", "order.completed.v1"]);
    let entries = provider.entries().await;
    let kinds: Vec<(&str, i64)> = entries.iter().map(|(kind, _, amount)| (kind.as_str(), *amount)).collect();
    assert_eq!(kinds, [("capture", 5250), ("payout", 5000), ("fee", 250)]);
    let audit = service.get(&path("timeline"), &seller()).await.json;
    assert_eq!((&audit["state"], &audit["version"]), (&json!("completed"), &json!(4)));
}

async fn cancelled_order_is_refunded_once(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let id = placed(&service).await;
    let path = format!("/api/v1/order/cancel/{id}");
    let first = service.put(&path, &buyer(), json!({ "reason": "changed my mind" })).await;
    assert_eq!((first.status.as_u16(), &first.json["status"]), (200, &json!("cancelled")), "{}", first.text);
    let again = service.put(&path, &seller(), json!({})).await;
    assert_eq!((again.status.as_u16(), &again.json["code"]), (409, &json!("illegal_transition")));
    let kinds: Vec<(String, i64)> = provider.entries().await.into_iter().map(|(kind, _, sum)| (kind, sum)).collect();
    assert_eq!(kinds, [("capture".to_owned(), 5250), ("refund".to_owned(), 5250)]);
    assert_eq!(events(&service).await, ["order.placed.v1", "order.cancelled.v1"]);
}

async fn extension_is_asked_for_and_decided(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let id = placed(&service).await;
    let wish = json!({ "days": 2, "reason": "more to do" });
    let asked = service.put(&format!("/api/v1/order/extension/{id}"), &seller(), wish.clone()).await;
    assert_eq!(asked.json["extension"]["days"], 2, "{}", asked.text);
    let twice = service.put(&format!("/api/v1/order/extension/{id}"), &seller(), wish).await;
    assert_eq!(twice.json["code"], "extension_open");
    let odd = service.put(&format!("/api/v1/order/gig/perhaps/{id}"), &buyer(), json!({})).await;
    assert_eq!(odd.json["code"], "invalid_decision");
    let approved = service.put(&format!("/api/v1/order/gig/approve/{id}"), &buyer(), json!({})).await;
    assert_eq!((approved.status.as_u16(), &approved.json["extension"]), (200, &Value::Null));
    assert_eq!(approved.json["deliveryDue"], asked.json["extension"]["newDeliveryDue"]);
}

async fn only_the_two_sides_see_and_change_an_order(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let id = placed(&service).await;
    assert_eq!(service.get(&format!("/api/v1/order/{id}"), &seller()).await.status, 200);
    assert_eq!(service.get(&format!("/api/v1/order/{id}"), &stranger()).await.json["code"], "not_your_order");
    assert_eq!(service.get("/api/v1/order/buyer/u-buyer", &stranger()).await.status, 403);
    let cancel = service.put(&format!("/api/v1/order/cancel/{id}"), &stranger(), json!({})).await;
    assert_eq!(cancel.status, 403);
    let deliver = service.put(&format!("/api/v1/order/deliver-order/{id}"), &buyer(), json!({})).await;
    assert_eq!(deliver.json["code"], "wrong_side");
    let foreign = service.post("/api/v1/order", &stranger(), request(&intent(&service, None).await)).await;
    assert_eq!(foreign.json["code"], "not_your_payment_intent");
    assert_eq!(service.get(&format!("/api/v1/order/{id}"), &Caller::anonymous()).await.status, 401);
    let naked = service.call(Method::GET, &format!("/api/v1/order/{id}"), None, &[], None).await;
    assert_eq!((naked.status.as_u16(), &naked.json["code"]), (401, &json!("token_missing")));
}

async fn listings_tell_active_completed_and_cancelled_apart(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let (kept, gone) = (placed(&service).await, placed(&service).await);
    service.put(&format!("/api/v1/order/cancel/{gone}"), &seller(), json!({})).await;
    for (caller, side) in [(buyer(), "buyer/u-buyer"), (seller(), "seller/u-seller")] {
        for (status, expected) in [("active", vec![&kept]), ("cancelled", vec![&gone]), ("completed", vec![])] {
            let answer = service.get(&format!("/api/v1/order/{side}?status={status}"), &caller).await;
            let orders = answer.json["orders"].as_array().unwrap();
            let ids: Vec<&str> = orders.iter().map(|order| order["id"].as_str().unwrap()).collect();
            assert_eq!(ids, expected, "{side} {status}");
        }
    }
    let odd = service.get("/api/v1/order/buyer/u-buyer?status=lost", &buyer()).await;
    assert_eq!(odd.json["code"], "invalid_status");
}

async fn other_side_is_notified_and_can_mark_it_read(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let id = placed(&service).await;
    let list = service.get("/api/v1/order/notification/grace", &seller()).await.json;
    let first = &list["notifications"][0];
    assert_eq!((&first["orderId"], &first["isRead"]), (&json!(id), &json!(false)));
    let mark = json!({ "notificationId": first["id"] });
    let foreign = service.put("/api/v1/order/notification/mark-as-read", &buyer(), mark.clone()).await;
    assert_eq!(foreign.status, 404);
    let marked = service.put("/api/v1/order/notification/mark-as-read", &seller(), mark).await;
    assert_eq!(marked.json["notification"]["isRead"], true, "{}", marked.text);
}

async fn intent_for_one_gig_does_not_pay_for_another(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let intent = intent(&service, None).await;
    for (field, other) in [("gigId", "gig-2"), ("sellerId", "u-stranger")] {
        let mut body = request(&intent);
        body[field] = json!(other);
        let answer = service.post("/api/v1/order", &buyer(), body).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (409, &json!("other_gig")), "{}", answer.text);
    }
    let mut body = request(&intent);
    body["gigId"] = json!("gig-1");
    body["sellerId"] = json!("u-seller");
    assert_eq!(service.post("/api/v1/order", &buyer(), body).await.status, 201);
}

async fn bad_requests_are_refused_with_their_reason(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let own = json!({ "gigId": "gig-1", "sellerId": "u-buyer", "amount": 5000 });
    let free = json!({ "gigId": "gig-1", "sellerId": "u-seller", "amount": 0 });
    for (body, code) in [(own, "own_gig"), (free, "invalid_amount"), (json!({}), "invalid_body")] {
        let answer = service.post("/api/v1/order/create-payment-intent", &buyer(), body).await;
        assert_eq!(answer.json["code"], code, "{}", answer.text);
    }
    let unknown = service.post("/api/v1/order", &buyer(), request(&json!({ "paymentIntentId": "pi_none" }))).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json["code"]), (404, &json!("payment_intent_not_found")));
}

async fn order_sent_by_many_at_once_is_one_order(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let intent = intent(&service, None).await;
    let send = || create(&service, &intent);
    let answers: [_; 4] = tokio::join!(send(), send(), send(), send()).into();
    assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    assert_eq!(provider.entries().await.len(), 1);
    assert_eq!(events(&service).await, ["order.placed.v1"]);
}

async fn order_is_cancelled_or_delivered_never_both(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    for _ in 0..4 {
        let id = placed(&service).await;
        let (cancel, deliver) = (format!("/api/v1/order/cancel/{id}"), format!("/api/v1/order/deliver-order/{id}"));
        let (buyer, seller) = (buyer(), seller());
        let (cancelled, again, delivered) = tokio::join!(
            service.put(&cancel, &buyer, json!({})),
            service.put(&cancel, &buyer, json!({})),
            service.put(&deliver, &seller, json!({ "message": "done" })),
        );
        let mut statuses = [cancelled.status.as_u16(), again.status.as_u16(), delivered.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409]);
    }
    let refunds = provider.entries().await.iter().filter(|(kind, ..)| kind == "refund").count();
    let cancelled = events(&service).await.iter().filter(|kind| *kind == "order.cancelled.v1").count();
    assert_eq!(refunds, cancelled);
}

async fn intents_asked_for_at_once_under_one_key_are_one_intent(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let body = json!({ "gigId": "gig-1", "sellerId": "u-seller", "amount": 5000, "currency": "EUR" });
    let (path, headers, buyer) = ("/api/v1/order/create-payment-intent", [("idempotency-key", "k-1")], buyer());
    let ask = || service.call(Method::POST, path, Some(&buyer), &headers, Some(body.clone()));
    let (one, other) = tokio::join!(ask(), ask());
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201), "{} {}", one.text, other.text);
    assert_eq!(one.json["orderId"], other.json["orderId"]);
}

async fn orders_sent_at_once_under_one_key_are_one_order(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let (one, other) = (intent(&service, None).await, intent(&service, None).await);
    let (headers, buyer) = ([("idempotency-key", "k-1")], buyer());
    let send = |intent: &Value| {
        let body = request(intent);
        let (service, buyer, headers) = (&service, &buyer, &headers);
        async move { service.call(Method::POST, "/api/v1/order", Some(buyer), headers, Some(body)).await }
    };
    let (first, second) = tokio::join!(send(&one), send(&other));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422], "{} {}", first.text, second.text);
    assert_eq!(events(&service).await, ["order.placed.v1"]);
    // The one that was answered is answered again, the other one has no use of this key.
    let (right, wrong) = if first.status == 201 { (&one, &other) } else { (&other, &one) };
    assert_eq!(send(right).await.headers["idempotent-replayed"], "true");
    assert_eq!(send(wrong).await.status, 422);
}

async fn refused_order_leaves_its_key_for_a_better_one(pair: Pair) {
    let provider = Provider::start(pair, &[]).await;
    let service = service(pair, &provider).await;
    let intent = intent(&service, None).await;
    let (headers, buyer) = ([("idempotency-key", "k-1")], buyer());
    let send = |body: Value| service.call(Method::POST, "/api/v1/order", Some(&buyer), &headers, Some(body));
    let refused = send(request(&json!({ "paymentIntentId": "pi_none" }))).await;
    assert_eq!(refused.status, 404, "{}", refused.text);
    assert_eq!(send(request(&intent)).await.status, 201);
}

backends::on_each_pair!(
    orders_sent_at_once_under_one_key_are_one_order,
    refused_order_leaves_its_key_for_a_better_one,
    order_is_created_paid_once_and_announced,
    same_intent_again_is_the_same_order,
    lost_reply_of_a_capture_takes_the_money_once,
    declined_card_makes_no_order,
    completed_order_is_paid_out,
    cancelled_order_is_refunded_once,
    extension_is_asked_for_and_decided,
    only_the_two_sides_see_and_change_an_order,
    listings_tell_active_completed_and_cancelled_apart,
    other_side_is_notified_and_can_mark_it_read,
    intent_for_one_gig_does_not_pay_for_another,
    bad_requests_are_refused_with_their_reason,
    order_sent_by_many_at_once_is_one_order,
    order_is_cancelled_or_delivered_never_both,
    intents_asked_for_at_once_under_one_key_are_one_intent,
);
