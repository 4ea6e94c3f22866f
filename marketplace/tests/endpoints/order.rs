//! Orders, payments, and what is told about them.

use axum::http::Method;
use serde_json::{Value, json};

use super::Things;
use super::row::{Call, Row, endpoint, to};
use crate::world::World;

pub(super) fn rows(world: &World, things: &Things) -> Vec<Row> {
    let mut rows = looking(world, things);
    rows.extend(paying(world, things));
    rows.extend(working(world, things));
    rows
}

fn looking(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, .. } = world;
    let of_seller = format!("/order/seller/{}", bob.id);
    let of_buyer = format!("/order/buyer/{}", ada.id);
    let read = |id: &str| to("/order/notification/mark-as-read").with(json!({ "notificationId": id }));
    vec![
        endpoint("Order by id", Method::GET, "/order/{order_id}")
            .right(ada, to(format!("/order/{}", things.order)), 200, &["/order/id", "/order/total", "/order/status"])
            .wrong(to("/order/none"), 404, "order_not_found")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Timeline of an order", Method::GET, "/order/timeline/{order_id}")
            .right(bob, to(format!("/order/timeline/{}", things.order)), 200, &["/timeline/0/fact"])
            .wrong(to("/order/timeline/none"), 404, "order_not_found")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Seller's orders", Method::GET, "/order/seller/{seller_id}")
            .right(bob, to(format!("{of_seller}?status=completed")), 200, &["/orders/0/id"])
            .wrong(to(format!("{of_seller}?status=lost")), 400, "invalid_status")
            .wrong(to(format!("{of_seller}?size=0")), 400, "invalid_page")
            .wrong_for(ada, to(&of_seller), 403, "not_your_orders")
            .refused_to_strangers(403, "not_your_orders"),
        endpoint("Buyer's orders", Method::GET, "/order/buyer/{buyer_id}")
            .right(ada, to(format!("{of_buyer}?status=active&size=2")), 200, &["/orders/1/id"])
            .wrong(to(format!("{of_buyer}?status=lost")), 400, "invalid_status")
            .wrong(to(format!("{of_buyer}?before=")), 400, "invalid_page")
            .wrong_for(bob, to(&of_buyer), 403, "not_your_orders")
            .refused_to_strangers(403, "not_your_orders"),
        endpoint("Notifications of a user", Method::GET, "/order/notification/{user_to}")
            .right(bob, to("/order/notification/bob"), 200, &["/notifications/0/id"])
            .wrong(to("/order/notification/bob?size=0"), 400, "invalid_page")
            .refused_to_strangers(403, "not_your_notifications"),
        endpoint("Mark a notification as read", Method::PUT, "/order/notification/mark-as-read")
            .right(bob, read(&things.notification), 200, &["/notification/isRead"])
            .wrong(read("none"), 404, "notification_not_found")
            .refused_to_strangers(404, "notification_not_found"),
    ]
}

fn paying(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, gig, .. } = world;
    let intent = |gig: &str, quantity: i64| {
        to("/order/create-payment-intent").with(json!({ "gigId": gig, "quantity": quantity }))
    };
    let order = |gig: &str, intent: &str, quantity: i64| {
        to("/order/").with(json!({ "gigId": gig, "paymentIntentId": intent, "quantity": quantity }))
    };
    vec![
        endpoint("Create payment intent", Method::POST, "/order/create-payment-intent")
            .right(ada, intent(gig, 2), 201, &["/paymentIntentId", "/clientSecret", "/total"])
            .wrong(intent(gig, 0), 400, "invalid_quantity")
            .wrong(intent("none", 1), 404, "gig_not_found")
            .wrong_for(bob, intent(gig, 1), 409, "own_gig")
            .nobodys(),
        endpoint("Create order", Method::POST, "/order")
            .right(ada, order(gig, &things.intent, 1), 201, &["/order/id", "/order/placedAt"])
            .wrong(order(gig, "none", 1), 404, "payment_intent_not_found")
            .wrong(order(gig, &things.intent, 2), 409, "other_quantity")
            .wrong(order(&things.paused_gig, &things.intent, 1), 404, "gig_not_found")
            .refused_to_strangers(403, "not_your_payment_intent"),
    ]
}

fn working(world: &World, things: &Things) -> Vec<Row> {
    let World { ada, bob, .. } = world;
    let act = |verb: &str, order: &str, body: Value| -> Call { to(format!("/order/{verb}/{order}")).with(body) };
    let more = |order: &str, days: i64| act("extension", order, json!({ "days": days, "reason": "rain" }));
    let deliver = |order: &str, url: &str| act("deliver-order", order, json!({ "message": "here", "fileUrl": url }));
    let file = "https://files.example/logo.svg";
    let why = json!({ "reason": "changed my mind" });
    vec![
        endpoint("Cancel order", Method::PUT, "/order/cancel/{order_id}")
            .right(ada, act("cancel", &things.cancelled_order, why.clone()), 200, &["/order/cancellation"])
            .wrong(act("cancel", "none", why.clone()), 404, "order_not_found")
            .wrong(act("cancel", &things.completed_order, why), 409, "illegal_transition")
            .wrong(act("cancel", &things.cancelled_order, json!({ "reason": "x".repeat(4001) })), 400, "invalid_body")
            .once(409, "illegal_transition")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Request an extension", Method::PUT, "/order/extension/{order_id}")
            .right(bob, more(&things.extended_order, 3), 200, &["/order/extension"])
            .wrong(more(&things.extended_order, 0), 400, "invalid_body")
            .wrong(more("none", 3), 404, "order_not_found")
            .wrong_for(ada, more(&things.extended_order, 3), 403, "wrong_side")
            .once(409, "extension_open")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Approve or reject the extension", Method::PUT, "/order/gig/{decision}/{order_id}")
            .right(ada, to(format!("/order/gig/approve/{}", things.decided_order)), 200, &["/order/deliveryDue"])
            .wrong(to(format!("/order/gig/perhaps/{}", things.decided_order)), 400, "invalid_decision")
            .wrong(to(format!("/order/gig/reject/{}", things.order)), 409, "no_extension")
            .wrong_for(bob, to(format!("/order/gig/approve/{}", things.decided_order)), 403, "wrong_side")
            .once(409, "no_extension")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Deliver order", Method::PUT, "/order/deliver-order/{order_id}")
            .right(bob, deliver(&things.delivered_order, file), 200, &["/order/delivery/fileUrl"])
            .wrong(deliver("none", file), 404, "order_not_found")
            .wrong(deliver(&things.delivered_order, "javascript:alert(1)"), 400, "invalid_body")
            .wrong_for(ada, deliver(&things.delivered_order, file), 403, "wrong_side")
            .once(409, "illegal_transition")
            .refused_to_strangers(403, "not_your_order"),
        endpoint("Approve (complete) order", Method::PUT, "/order/approve-order/{order_id}")
            .right(ada, to(format!("/order/approve-order/{}", things.approved_order)), 200, &["/order/completedAt"])
            .wrong(to(format!("/order/approve-order/{}", things.order)), 409, "illegal_transition")
            .wrong_for(bob, to(format!("/order/approve-order/{}", things.approved_order)), 403, "wrong_side")
            .once(409, "illegal_transition")
            .refused_to_strangers(403, "not_your_order"),
    ]
}
