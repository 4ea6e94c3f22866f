//! The gateway reads orders and carries them from placed to completed.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::order::{Cancel, Deliver, Extension, MarkAsRead, NewIntent, NewOrder};
use gateway::clients::{CallError, OrderClient};
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Url;
use serde_json::json;

use super::calls::{caller, refusal, service, with_token};
use super::envelope::{NOON, TIME};

expectations!(
    reading_an_order,
    reading_an_order_that_is_not_there,
    reading_an_order_of_somebody_else,
    reading_the_timeline_of_an_order,
    listing_the_orders_of_a_buyer,
    listing_the_orders_of_a_seller,
    preparing_a_payment,
    placing_an_order,
    asking_for_more_time,
    granting_more_time,
    delivering_an_order,
    approving_an_order,
    approving_an_order_too_early,
    cancelling_an_order,
    listing_notifications,
    marking_a_notification_as_read,
);

/// What an order that is paid can be.
const STATES: &str = "^(pending|in_progress|delivered|completed|cancelled)$";

fn client(base: &Url) -> OrderClient {
    OrderClient::new(service("order", base))
}

/// Everything that the gateway reads of an order that is paid.
fn order<const N: usize>(status: &str, more: [(&str, JsonPattern); N]) -> JsonPattern {
    order_with(status.into(), more)
}

fn order_with<const N: usize>(status: JsonPattern, more: [(&str, JsonPattern); N]) -> JsonPattern {
    let common: [(&str, JsonPattern); 18] = [
        ("id", like!("order-1").into()),
        ("total", like!(5250).into()),
        ("paymentIntentId", like!("pi_1").into()),
        ("gigId", like!("gig-1").into()),
        ("gigTitle", like!("I will design a logo").into()),
        ("description", like!("A logo for an engine").into()),
        ("quantity", like!(1).into()),
        ("buyerId", like!("contract-caller").into()),
        ("buyerUsername", like!("contract_caller").into()),
        ("sellerId", like!("seller-1").into()),
        ("sellerUsername", like!("ada").into()),
        ("amount", like!(5000).into()),
        ("fee", like!(250).into()),
        ("currency", term!("^[A-Z]{3}$", "USD").into()),
        ("deliveryDue", term!(TIME, NOON).into()),
        ("version", like!(2).into()),
        ("requestedAt", term!(TIME, NOON).into()),
        ("placedAt", term!(TIME, NOON).into()),
    ];
    let status = [("status", status)];
    let fields = common.into_iter().chain(status).chain(more);
    JsonPattern::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn notification(is_read: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": like!("notification-1"),
        "userTo": "contract_caller",
        "senderUsername": like!("grace"),
        "orderId": like!("order-1"),
        "message": like!("placed an order for your gig."),
        "isRead": is_read,
        "createdAt": term!(TIME, NOON),
    })
}

fn delivery() -> JsonPattern {
    json_pattern!({ "message": like!("Here it is"), "deliveredAt": term!(TIME, NOON) })
}

/// The caller buys, or sells, an order in this state, whose path below `/api/v1/order/` starts with `path`.
fn given(i: &mut InteractionBuilder, state: &str, role: &str, path: &str) {
    i.given_with_params(state, &json!({ "role": role }));
    with_token(i);
    super::calls::path(i, &format!("/api/v1/order/{path}${{orderId}}"), &[("orderId", "order-1")]);
}

async fn reading_an_order(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("reading an order", |i| {
            given(i, "an order in progress exists", "buyer", "");
            i.request.get();
            i.response.ok().json_body(order("in_progress", []));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).order("order-1", &caller()).await?;
            assert_eq!((order.status.as_str(), order.amount), ("in_progress", 5000));
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_an_order_that_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("reading an order that is not there", |i| {
            given(i, "no order exists", "buyer", "");
            i.request.get();
            refusal(i, 404, "order_not_found");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).order("order-1", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(404), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_orders_of_a_buyer(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("listing the active orders of a buyer", |i| {
            i.given_with_params("an order in progress exists", &json!({ "role": "buyer" }));
            with_token(i);
            i.request.get().path("/api/v1/order/buyer/contract-caller").query_param("status", "active");
            i.response.ok().json_body(json_pattern!({
                "orders": each_like!(order_with(term!("^(in_progress|delivered)$", "in_progress").into(), [])),
            }));
        })
        .exercise(recorder, |base| async move {
            let orders = client(&base).of_buyer("contract-caller", Some("status=active"), &caller()).await?;
            assert_eq!(orders[0].id, "order-1");
            Ok::<(), CallError>(())
        })
        .await
}

async fn preparing_a_payment(recorder: &Recorder) -> Result<(), Error> {
    let intent = NewIntent {
        gig_id: "gig-1".into(),
        seller_id: "seller-1".into(),
        amount: 5000,
        quantity: 1,
        currency: "USD".into(),
    };
    let sent = json!(intent);
    HttpPact::new("gateway", "order")
        .interaction("preparing a payment", |i| {
            with_token(i);
            i.request.post().path("/api/v1/order/create-payment-intent").json_body(sent);
            i.response.created().json_body(json_pattern!({
                "paymentIntentId": like!("pi_1"),
                "clientSecret": like!("pi_1_secret"),
                "orderId": like!("order-1"),
                "total": like!(5250),
                "amount": 5000,
                "fee": like!(250),
                "currency": "USD",
            }));
        })
        .exercise(recorder, |base| async move {
            let answer = client(&base).create_payment_intent(&intent, None, &caller()).await?;
            assert_eq!((answer.amount, answer.currency.as_str()), (5000, "USD"));
            Ok::<(), CallError>(())
        })
        .await
}

async fn placing_an_order(recorder: &Recorder) -> Result<(), Error> {
    let new = NewOrder {
        payment_intent_id: "pi_1".into(),
        gig_id: "gig-1".into(),
        gig_title: "I will design a logo".into(),
        seller_id: "seller-1".into(),
        seller_username: "ada".into(),
        seller_email: "ada@example.test".into(),
        quantity: 1,
        description: "A logo for an engine".into(),
        delivery_days: 3,
    };
    HttpPact::new("gateway", "order")
        .interaction("placing an order", |i| {
            i.given("a payment intent exists");
            with_token(i);
            i.request.post().path("/api/v1/order");
            super::calls::body(i, &new, &[("paymentIntentId", "paymentIntentId")]);
            i.response.created().json_body(order("in_progress", []));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).create(&new, None, &caller()).await?;
            assert_eq!(order.status, "in_progress");
            Ok::<(), CallError>(())
        })
        .await
}

async fn delivering_an_order(recorder: &Recorder) -> Result<(), Error> {
    let body = Deliver { message: "Here it is".into(), file_url: None };
    let sent = json!(body);
    HttpPact::new("gateway", "order")
        .interaction("delivering an order", |i| {
            given(i, "an order in progress exists", "seller", "deliver-order/");
            i.request.put().json_body(sent);
            i.response.ok().json_body(order("delivered", [("delivery", delivery())]));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).deliver("order-1", &body, &caller()).await?;
            assert_eq!(order.delivery.map(|delivery| delivery.message).as_deref(), Some("Here it is"));
            Ok::<(), CallError>(())
        })
        .await
}

async fn approving_an_order(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("approving an order", |i| {
            given(i, "a delivered order exists", "buyer", "approve-order/");
            i.request.put().json_body(json!({}));
            let more = [("delivery", delivery()), ("completedAt", term!(TIME, NOON).into())];
            i.response.ok().json_body(order("completed", more));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).approve("order-1", &caller()).await?;
            assert_eq!(order.completed_at.as_deref(), Some(NOON));
            Ok::<(), CallError>(())
        })
        .await
}

async fn approving_an_order_too_early(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("approving an order too early", |i| {
            given(i, "an order in progress exists", "buyer", "approve-order/");
            i.request.put().json_body(json!({}));
            refusal(i, 409, "illegal_transition");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).approve("order-1", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(409), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn cancelling_an_order(recorder: &Recorder) -> Result<(), Error> {
    let body = Cancel { reason: "Changed my mind".into() };
    let sent = json!(body);
    HttpPact::new("gateway", "order")
        .interaction("cancelling an order", |i| {
            given(i, "an order in progress exists", "buyer", "cancel/");
            i.request.put().json_body(sent);
            let cancellation = json_pattern!({
                "by": "buyer",
                "reason": like!("Changed my mind"),
                "cancelledAt": term!(TIME, NOON),
            });
            i.response.ok().json_body(order("cancelled", [("cancellation", cancellation)]));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).cancel("order-1", &body, &caller()).await?;
            assert_eq!(order.cancellation.map(|cancellation| cancellation.by).as_deref(), Some("buyer"));
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_the_timeline_of_an_order(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("reading the timeline of an order", |i| {
            given(i, "an order in progress exists", "buyer", "timeline/");
            i.request.get();
            i.response.ok().json_body(json_pattern!({
                "timeline": each_like!({
                    "version": like!(1),
                    "fact": like!("placed"),
                    "state": term!(STATES, "in_progress"),
                    "at": term!(TIME, NOON),
                }),
            }));
        })
        .exercise(recorder, |base| async move {
            let timeline = client(&base).timeline("order-1", &caller()).await?;
            assert_eq!((timeline[0].version, timeline[0].fact.as_str()), (1, "placed"));
            Ok::<(), CallError>(())
        })
        .await
}

async fn reading_an_order_of_somebody_else(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("reading an order of somebody else", |i| {
            given(i, "an order in progress exists", "nobody", "");
            i.request.get();
            refusal(i, 403, "not_your_order");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).order("order-1", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(403), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_orders_of_a_seller(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("listing the completed orders of a seller", |i| {
            i.given_with_params("a completed order exists", &json!({ "role": "seller" }));
            with_token(i);
            i.request.get().path("/api/v1/order/seller/contract-caller").query_param("status", "completed");
            i.response.ok().json_body(json_pattern!({ "orders": each_like!(order("completed", [])) }));
        })
        .exercise(recorder, |base| async move {
            let orders = client(&base).of_seller("contract-caller", Some("status=completed"), &caller()).await?;
            assert_eq!(orders[0].status, "completed");
            Ok::<(), CallError>(())
        })
        .await
}

async fn asking_for_more_time(recorder: &Recorder) -> Result<(), Error> {
    let body = Extension { days: 3, reason: "The brief has grown".into() };
    HttpPact::new("gateway", "order")
        .interaction("asking for more time", |i| {
            given(i, "an order in progress exists", "seller", "extension/");
            i.request.put().json_body(json!(body));
            let extension = json_pattern!({
                "days": 3,
                "reason": like!("The brief has grown"),
                "newDeliveryDue": term!(TIME, NOON),
                "requestedAt": term!(TIME, NOON),
            });
            i.response.ok().json_body(order("in_progress", [("extension", extension)]));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).request_extension("order-1", &body, &caller()).await?;
            assert_eq!(order.extension.map(|extension| extension.days), Some(3));
            Ok::<(), CallError>(())
        })
        .await
}

async fn granting_more_time(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("granting more time", |i| {
            given(i, "an order with an open extension exists", "buyer", "gig/approve/");
            i.request.put().json_body(json!({}));
            i.response.ok().json_body(order("in_progress", []));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).decide_extension("approve", "order-1", &caller()).await?;
            assert_eq!(order.status, "in_progress");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_notifications(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("listing notifications", |i| {
            i.given("a notification exists");
            with_token(i);
            i.request.get().path("/api/v1/order/notification/contract_caller");
            i.response
                .ok()
                .json_body(json_pattern!({ "notifications": each_like!(notification(like!(false).into())) }));
        })
        .exercise(recorder, |base| async move {
            let notifications = client(&base).notifications("contract_caller", None, &caller()).await?;
            assert_eq!(notifications[0].user_to, "contract_caller");
            Ok::<(), CallError>(())
        })
        .await
}

async fn marking_a_notification_as_read(recorder: &Recorder) -> Result<(), Error> {
    let body = MarkAsRead { notification_id: "notification-1".into() };
    HttpPact::new("gateway", "order")
        .interaction("marking a notification as read", |i| {
            i.given("a notification exists");
            with_token(i);
            i.request.put().path("/api/v1/order/notification/mark-as-read");
            super::calls::body(i, &body, &[("notificationId", "notificationId")]);
            i.response.ok().json_body(json_pattern!({ "notification": notification(json_pattern!(true)) }));
        })
        .exercise(recorder, |base| async move {
            let notification = client(&base).mark_as_read(&body, &caller()).await?;
            assert!(notification.is_read, "{notification:?}");
            Ok::<(), CallError>(())
        })
        .await
}
