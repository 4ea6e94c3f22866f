//! Orders, from a payment to approved work, and what one is told about them.

use contracts::Error;
use contracts::consumer::Recorder;
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::{each_like, json_pattern, like, term};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::super::calls::body;
use super::super::envelope::{NOON, TIME};
use super::{Browser, Failure, at, page, refusal, signed_in};

expectations!(
    preparing_a_payment,
    paying_for_a_gig_of_ones_own,
    placing_an_order,
    showing_an_order,
    showing_an_order_that_is_not_there,
    showing_an_order_of_strangers,
    showing_what_happened_to_an_order,
    listing_the_orders_one_sells,
    listing_the_orders_one_buys,
    cancelling_an_order,
    asking_for_more_time,
    granting_more_time,
    delivering_an_order,
    approving_an_order,
    approving_an_order_too_early,
    showing_notifications,
    marking_a_notification_as_read,
);

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    payment_intent_id: String,
    client_secret: String,
    order_id: String,
    amount: i64,
    fee: i64,
    total: i64,
    currency: String,
}

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    id: String,
    gig_title: String,
    buyer_username: String,
    seller_username: String,
    amount: i64,
    total: i64,
    currency: String,
    delivery_due: String,
    status: String,
}

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
struct Entry {
    version: u32,
    fact: String,
    at: String,
}

#[expect(dead_code, reason = "shown as it comes")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    id: String,
    order_id: String,
    sender_username: String,
    message: String,
    is_read: bool,
}

#[derive(Debug, Deserialize)]
struct OrderAnswer {
    order: Order,
}

#[derive(Debug, Deserialize)]
struct OrdersAnswer {
    orders: Vec<Order>,
}

#[derive(Debug, Deserialize)]
struct TimelineAnswer {
    timeline: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct NotificationAnswer {
    notification: Notification,
}

#[derive(Debug, Deserialize)]
struct NotificationsAnswer {
    notifications: Vec<Notification>,
}

/// An order in this state, which the user buys, sells, or has nothing to do with.
fn given(i: &mut InteractionBuilder, state: &str, role: &str) {
    i.given_with_params(state, &json!({ "role": role }));
}

fn order(status: &str) -> JsonPattern {
    order_that_is(status.into())
}

fn order_that_is(status: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": like!("order-1"),
        "gigTitle": like!("I will design a logo"),
        "buyerUsername": like!("web_user"),
        "sellerUsername": like!("ada"),
        "amount": like!(5000),
        "total": like!(5250),
        "currency": term!("^[A-Z]{3}$", "USD"),
        "deliveryDue": term!(TIME, NOON),
        "status": status,
    })
}

fn notification(is_read: JsonPattern) -> JsonPattern {
    json_pattern!({
        "id": like!("notification-1"),
        "orderId": like!("order-1"),
        "senderUsername": like!("grace"),
        "message": like!("placed an order for your gig."),
        "isRead": is_read,
    })
}

async fn preparing_a_payment(recorder: &Recorder) -> Result<(), Error> {
    let wish = json!({ "gigId": "web-gig-1", "quantity": 1 });
    page("preparing a payment", |i| {
        signed_in(i);
        i.given_with_params("a gig exists", &json!({ "gigId": "web-gig-1", "sellerId": "web-seller" }));
        at(i, "/order/create-payment-intent", &[]);
        i.request.post().json_body(wish.clone());
        i.response.created().json_body(json_pattern!({
            "paymentIntentId": like!("pi_1"),
            "clientSecret": like!("pi_1_secret"),
            "orderId": like!("order-1"),
            "amount": 5000,
            "fee": like!(250),
            "total": like!(5250),
            "currency": "USD",
        }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let intent: Intent = browser.post("/order/create-payment-intent", &wish).await?;
        assert_eq!((intent.amount, intent.total), (5000, intent.amount + intent.fee));
        Ok::<(), Failure>(())
    })
    .await
}

async fn paying_for_a_gig_of_ones_own(recorder: &Recorder) -> Result<(), Error> {
    let wish = json!({ "gigId": "web-gig-2", "quantity": 1 });
    page("preparing a payment for one's own gig", |i| {
        signed_in(i);
        i.given_with_params("a gig exists", &json!({ "gigId": "web-gig-2" }));
        at(i, "/order/create-payment-intent", &[]);
        i.request.post().json_body(wish.clone());
        refusal(i, 409, "own_gig");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.post::<Intent>("/order/create-payment-intent", &wish).await.unwrap_err();
        assert_eq!(refused.code(), "own_gig");
        Ok::<(), Failure>(())
    })
    .await
}

async fn placing_an_order(recorder: &Recorder) -> Result<(), Error> {
    let wish = json!({
        "gigId": "web-gig-1",
        "paymentIntentId": "pi_1",
        "quantity": 1,
        "description": "A logo for an engine",
    });
    page("placing an order", |i| {
        signed_in(i);
        i.given_with_params("a gig exists", &json!({ "gigId": "web-gig-1", "sellerId": "web-seller" }));
        i.given_with_params("a seller exists", &json!({ "sellerId": "web-seller" }));
        let paid = json!({ "gigId": "web-gig-1", "sellerId": "web-seller" });
        i.given_with_params("a payment intent exists", &paid);
        at(i, "/order", &[]);
        i.request.post();
        body(i, &wish, &[("paymentIntentId", "paymentIntentId")]);
        i.response.created().json_body(json_pattern!({ "order": order("in_progress") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.post("/order", &wish).await?;
        assert_eq!((answer.order.status.as_str(), answer.order.amount), ("in_progress", 5000));
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_an_order(recorder: &Recorder) -> Result<(), Error> {
    page("showing an order", |i| {
        signed_in(i);
        given(i, "an order in progress exists", "buyer");
        at(i, "/order/${orderId}", &[("orderId", "order-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "order": order("in_progress") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.get("/order/order-1").await?;
        assert_eq!(answer.order.status, "in_progress");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_an_order_that_is_not_there(recorder: &Recorder) -> Result<(), Error> {
    page("showing an order that is not there", |i| {
        signed_in(i);
        i.given("no order exists");
        at(i, "/order/${orderId}", &[("orderId", "order-1")]);
        i.request.get();
        refusal(i, 404, "order_not_found");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.get::<OrderAnswer>("/order/order-1").await.unwrap_err();
        assert_eq!(refused.code(), "order_not_found");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_an_order_of_strangers(recorder: &Recorder) -> Result<(), Error> {
    page("showing an order of strangers", |i| {
        signed_in(i);
        given(i, "an order in progress exists", "nobody");
        at(i, "/order/${orderId}", &[("orderId", "order-1")]);
        i.request.get();
        refusal(i, 403, "not_your_order");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.get::<OrderAnswer>("/order/order-1").await.unwrap_err();
        assert_eq!(refused.code(), "not_your_order");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_what_happened_to_an_order(recorder: &Recorder) -> Result<(), Error> {
    page("showing what happened to an order", |i| {
        signed_in(i);
        given(i, "a delivered order exists", "buyer");
        at(i, "/order/timeline/${orderId}", &[("orderId", "order-1")]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({
            "timeline": each_like!({ "version": like!(1), "fact": like!("placed"), "at": term!(TIME, NOON) }),
        }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: TimelineAnswer = browser.get("/order/timeline/order-1").await?;
        assert_eq!((answer.timeline[0].version, answer.timeline[0].fact.as_str()), (1, "placed"));
        Ok::<(), Failure>(())
    })
    .await
}

async fn listing_the_orders_one_sells(recorder: &Recorder) -> Result<(), Error> {
    page("listing the orders that one sells", |i| {
            signed_in(i);
            given(i, "an order in progress exists", "seller");
            at(i, "/order/seller/web-user", &[]);
            i.request.get().query_param("status", "active");
            i.response.ok().json_body(json_pattern!({ "orders": each_like!(order_that_is(term!("^(in_progress|delivered)$", "in_progress").into())) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrdersAnswer = browser.get("/order/seller/web-user?status=active").await?;
        assert_eq!(answer.orders[0].status, "in_progress");
        Ok::<(), Failure>(())
    })
    .await
}

async fn listing_the_orders_one_buys(recorder: &Recorder) -> Result<(), Error> {
    page("listing the orders that one buys", |i| {
        signed_in(i);
        given(i, "a cancelled order exists", "buyer");
        at(i, "/order/buyer/web-user", &[]);
        i.request.get().query_param("status", "cancelled");
        i.response.ok().json_body(
            json_pattern!({ "orders": each_like!(order_that_is(term!("^(cancelled)$", "cancelled").into())) }),
        );
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrdersAnswer = browser.get("/order/buyer/web-user?status=cancelled").await?;
        assert_eq!(answer.orders[0].status, "cancelled");
        Ok::<(), Failure>(())
    })
    .await
}

async fn cancelling_an_order(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "reason": "Changed my mind" });
    page("cancelling an order", |i| {
        signed_in(i);
        given(i, "an order in progress exists", "buyer");
        at(i, "/order/cancel/${orderId}", &[("orderId", "order-1")]);
        i.request.put().json_body(form.clone());
        i.response.ok().json_body(json_pattern!({ "order": order("cancelled") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.put("/order/cancel/order-1", &form).await?;
        assert_eq!(answer.order.status, "cancelled");
        Ok::<(), Failure>(())
    })
    .await
}

async fn asking_for_more_time(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "days": 3, "reason": "The brief has grown" });
    page("asking for more time", |i| {
        signed_in(i);
        given(i, "an order in progress exists", "seller");
        at(i, "/order/extension/${orderId}", &[("orderId", "order-1")]);
        i.request.put().json_body(form.clone());
        i.response.ok().json_body(json_pattern!({ "order": order("in_progress") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.put("/order/extension/order-1", &form).await?;
        assert_eq!(answer.order.status, "in_progress");
        Ok::<(), Failure>(())
    })
    .await
}

async fn granting_more_time(recorder: &Recorder) -> Result<(), Error> {
    page("granting more time", |i| {
        signed_in(i);
        given(i, "an order with an open extension exists", "buyer");
        at(i, "/order/gig/approve/${orderId}", &[("orderId", "order-1")]);
        i.request.put();
        i.response.ok().json_body(json_pattern!({ "order": order("in_progress") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.bare(Method::PUT, "/order/gig/approve/order-1").await?.json().await?;
        assert_eq!(answer.order.status, "in_progress");
        Ok::<(), Failure>(())
    })
    .await
}

async fn delivering_an_order(recorder: &Recorder) -> Result<(), Error> {
    let form = json!({ "message": "Here it is" });
    page("delivering an order", |i| {
        signed_in(i);
        given(i, "an order in progress exists", "seller");
        at(i, "/order/deliver-order/${orderId}", &[("orderId", "order-1")]);
        i.request.put().json_body(form.clone());
        i.response.ok().json_body(json_pattern!({ "order": order("delivered") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.put("/order/deliver-order/order-1", &form).await?;
        assert_eq!(answer.order.status, "delivered");
        Ok::<(), Failure>(())
    })
    .await
}

async fn approving_an_order(recorder: &Recorder) -> Result<(), Error> {
    page("approving an order", |i| {
        signed_in(i);
        given(i, "a delivered order exists", "buyer");
        at(i, "/order/approve-order/${orderId}", &[("orderId", "order-1")]);
        i.request.put();
        i.response.ok().json_body(json_pattern!({ "order": order("completed") }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: OrderAnswer = browser.bare(Method::PUT, "/order/approve-order/order-1").await?.json().await?;
        assert_eq!(answer.order.status, "completed");
        Ok::<(), Failure>(())
    })
    .await
}

async fn approving_an_order_too_early(recorder: &Recorder) -> Result<(), Error> {
    page("approving an order too early", |i| {
        signed_in(i);
        given(i, "an order in progress exists", "buyer");
        at(i, "/order/approve-order/${orderId}", &[("orderId", "order-1")]);
        i.request.put();
        refusal(i, 409, "illegal_transition");
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let refused = browser.bare(Method::PUT, "/order/approve-order/order-1").await.unwrap_err();
        assert_eq!(refused.code(), "illegal_transition");
        Ok::<(), Failure>(())
    })
    .await
}

async fn showing_notifications(recorder: &Recorder) -> Result<(), Error> {
    page("showing notifications", |i| {
        signed_in(i);
        i.given("a notification exists");
        at(i, "/order/notification/web_user", &[]);
        i.request.get();
        i.response.ok().json_body(json_pattern!({ "notifications": each_like!(notification(like!(false).into())) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: NotificationsAnswer = browser.get("/order/notification/web_user").await?;
        assert_eq!(answer.notifications[0].order_id, "order-1");
        Ok::<(), Failure>(())
    })
    .await
}

async fn marking_a_notification_as_read(recorder: &Recorder) -> Result<(), Error> {
    let read = json!({ "notificationId": "notification-1" });
    page("marking a notification as read", |i| {
        signed_in(i);
        i.given("a notification exists");
        at(i, "/order/notification/mark-as-read", &[]);
        i.request.put();
        body(i, &read, &[("notificationId", "notificationId")]);
        i.response.ok().json_body(json_pattern!({ "notification": notification(json_pattern!(true)) }));
    })
    .exercise(recorder, |base| async move {
        let browser = Browser::of_a_user(base);
        let answer: NotificationAnswer = browser.put("/order/notification/mark-as-read", &read).await?;
        assert!(answer.notification.is_read);
        Ok::<(), Failure>(())
    })
    .await
}
