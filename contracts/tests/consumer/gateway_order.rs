//! The gateway reads orders and carries them from placed to completed.

use contracts::Error;
use contracts::consumer::{HttpPact, Recorder};
use gateway::clients::order::Deliver;
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
    listing_the_orders_of_a_buyer,
    delivering_an_order,
    approving_an_order,
    approving_an_order_too_early,
);

fn client(base: &Url) -> OrderClient {
    OrderClient::new(service("order", base))
}

/// Everything that the gateway reads of an order that is paid.
fn order<const N: usize>(status: &str, more: [(&str, JsonPattern); N]) -> JsonPattern {
    let common: [(&str, JsonPattern); 17] = [
        ("orderId", "order-1".into()),
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
    let status = [("status", JsonPattern::from(status))];
    let fields = common.into_iter().chain(status).chain(more);
    JsonPattern::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn delivery() -> JsonPattern {
    json_pattern!({ "message": like!("Here it is"), "deliveredAt": term!(TIME, NOON) })
}

/// The caller buys, or sells, the order `order-1` in this state.
fn given(i: &mut InteractionBuilder, state: &str, role: &str) {
    i.given_with_params(state, &json!({ "orderId": "order-1", "callerIs": role }));
    with_token(i);
}

async fn reading_an_order(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("reading an order", |i| {
            given(i, "an order in progress exists", "buyer");
            i.request.get().path("/api/v1/order/order-1");
            i.response.ok().json_body(json_pattern!({ "order": order("in_progress", []) }));
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
            with_token(i);
            i.request.get().path("/api/v1/order/no-such-order");
            refusal(i, 404, "order_not_found");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).order("no-such-order", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(404), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}

async fn listing_the_orders_of_a_buyer(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("listing the orders of a buyer", |i| {
            given(i, "an order in progress exists", "buyer");
            i.request.get().path("/api/v1/order/buyer/contract-caller");
            i.response.ok().json_body(json_pattern!({ "orders": each_like!(order("in_progress", [])) }));
        })
        .exercise(recorder, |base| async move {
            let orders = client(&base).of_buyer("contract-caller", None, &caller()).await?;
            assert_eq!(orders[0].order_id, "order-1");
            Ok::<(), CallError>(())
        })
        .await
}

async fn delivering_an_order(recorder: &Recorder) -> Result<(), Error> {
    let body = Deliver { message: "Here it is".into(), file_url: None };
    let sent = json!(body);
    HttpPact::new("gateway", "order")
        .interaction("delivering an order", |i| {
            given(i, "an order in progress exists", "seller");
            i.request.put().path("/api/v1/order/deliver-order/order-1").json_body(sent);
            i.response.ok().json_body(json_pattern!({ "order": order("delivered", [("delivery", delivery())]) }));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).deliver("order-1", &body, &caller()).await?;
            assert_eq!(order.status, "delivered");
            Ok::<(), CallError>(())
        })
        .await
}

async fn approving_an_order(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("approving an order", |i| {
            given(i, "a delivered order exists", "buyer");
            i.request.put().path("/api/v1/order/approve-order/order-1").json_body(json!({}));
            i.response.ok().json_body(json_pattern!({ "order": order("completed", [("delivery", delivery()), ("completedAt", term!(TIME, NOON).into())]) }));
        })
        .exercise(recorder, |base| async move {
            let order = client(&base).approve("order-1", &caller()).await?;
            assert_eq!(order.status, "completed");
            Ok::<(), CallError>(())
        })
        .await
}

async fn approving_an_order_too_early(recorder: &Recorder) -> Result<(), Error> {
    HttpPact::new("gateway", "order")
        .interaction("approving an order too early", |i| {
            given(i, "an order in progress exists", "buyer");
            i.request.put().path("/api/v1/order/approve-order/order-1").json_body(json!({}));
            refusal(i, 409, "illegal_transition");
        })
        .exercise(recorder, |base| async move {
            let refused = client(&base).approve("order-1", &caller()).await.unwrap_err();
            assert_eq!(refused.refused_with(), Some(409), "{refused}");
            Ok::<(), CallError>(())
        })
        .await
}
