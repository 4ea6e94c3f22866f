//! Provider states around a replay.

use contracts::result::Verdict;
use serde_json::{Value, json};

use crate::shop::{Shop, order, pact, reply, texts};

fn right() -> axum::response::Response {
    reply(200, &[("x-page", "1")], &json!({ "total": 1, "currency": "USD", "lines": [{ "title": "a" }] }))
}

fn given(states: &Value) -> Value {
    let mut order = order();
    order["providerStates"] = states.clone();
    order
}

fn with_token(mut order: Value, expression: &str) -> Value {
    order["request"]["headers"] = json!({ "authorization": ["Bearer example"] });
    order["request"]["generators"] = json!({
        "header": { "authorization": { "type": "ProviderState", "expression": expression, "dataType": "STRING" } }
    });
    order
}

#[tokio::test]
async fn states_are_set_up_in_order_and_torn_down_in_reverse() {
    let shop = Shop::start(right).await;
    let states = json!([{ "name": "a seller exists" }, { "name": "an order exists", "params": { "id": 7 } }]);
    assert_eq!(shop.mismatches(given(&states)).await, Vec::<String>::new());
    let call = |action, state, params: Value| json!({ "action": action, "state": state, "params": params });
    assert_eq!(
        *shop.seen.states.lock().unwrap(),
        [
            call("setup", "a seller exists", json!({})),
            call("setup", "an order exists", json!({ "id": 7 })),
            call("teardown", "an order exists", json!({ "id": 7 })),
            call("teardown", "a seller exists", json!({})),
        ]
    );
}

#[tokio::test]
async fn interaction_without_a_state_resets_the_provider() {
    let shop = Shop::start(right).await;
    assert_eq!(shop.mismatches(order()).await, Vec::<String>::new());
    assert_eq!(*shop.seen.states.lock().unwrap(), [json!({ "action": "setup", "state": "", "params": {} })]);
}

#[tokio::test]
async fn values_of_a_state_reach_the_request() {
    let shop = Shop::start(right).await;
    let order = with_token(given(&json!([{ "name": "a token exists" }])), "Bearer ${token}");
    assert_eq!(shop.mismatches(order).await, Vec::<String>::new());
    assert_eq!(shop.seen.requests.lock().unwrap()[0].1["authorization"], "Bearer t-42");
}

#[tokio::test]
async fn value_that_no_state_gives_fails_instead_of_sending_the_example() {
    let shop = Shop::start(right).await;
    let order = with_token(given(&json!([{ "name": "nothing special", "params": { "id": 1 } }])), "Bearer ${token}");
    assert_eq!(
        shop.mismatches(order).await,
        ["the request needs the value `token` of a state, but the state hook gave `id`"]
    );
    assert!(shop.seen.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn failing_state_hook_fails_its_interaction_and_is_named() {
    let mut shop = Shop::start(right).await;
    let hook = shop.provider.states_url.as_mut().unwrap();
    hook.set_path("/states-that-fail");
    let result = shop.verify(&[pact(json!([given(&json!([{ "name": "an order exists" }]))]))]).await;
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(
        texts(&result.interactions[0])[0],
        "the setup of state `an order exists` failed: the hook answered 500 with `no database`"
    );
    assert!(shop.seen.requests.lock().unwrap().is_empty(), "the request makes no sense without its state");
}

#[tokio::test]
async fn failing_state_hook_leaves_other_interactions_alone() {
    async fn hook(body: String) -> (axum::http::StatusCode, String) {
        let broken = body.contains("a broken state");
        (if broken { axum::http::StatusCode::NOT_FOUND } else { axum::http::StatusCode::OK }, String::new())
    }
    let shop = Shop::start(right).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut provider = shop.provider.clone();
    provider.states_url = Some(format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap());
    let router = axum::Router::new().route("/", axum::routing::post(hook));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut broken = given(&json!([{ "name": "a broken state" }]));
    broken["description"] = json!("another order");
    let pacts = [pact(json!([broken, given(&json!([{ "name": "a good state" }]))]))];
    let result = contracts::verify::verify(&provider, &pacts, &crate::shop::quick(), |_| {}).await;
    assert_eq!((result.expected, result.verified), (2, 1), "{result:?}");
    assert_eq!(result.interactions[0].description, "another order");
    assert_eq!(result.interactions[0].verdict, Verdict::Fail);
    server.abort();
}

#[tokio::test]
async fn state_without_a_hook_fails() {
    let mut shop = Shop::start(right).await;
    shop.provider.states_url = None;
    assert_eq!(
        shop.mismatches(given(&json!([{ "name": "an order exists" }]))).await,
        [
            "the state `an order exists` cannot be set up: provider `shop` has no state hook, expected a URL that takes it"
        ]
    );
}

#[tokio::test]
async fn hanging_state_hook_is_named() {
    let mut shop = Shop::start(right).await;
    shop.provider.states_url.as_mut().unwrap().set_path("/hang");
    assert_eq!(
        shop.mismatches(given(&json!([{ "name": "an order exists" }]))).await[0],
        "provider `shop` did not answer the setup of state `an order exists` within 500ms"
    );
}

#[tokio::test]
async fn parameters_and_values_of_states_reach_every_part_of_the_request() {
    let shop = Shop::start(right).await;
    let mut order = given(&json!([
        { "name": "a seller exists", "params": { "seller": "s-1", "id": "overwritten by the next state" } },
        { "name": "a token exists", "params": { "id": "o-9", "note": { "text": "long" } } },
    ]));
    order["request"] = json!({
        "method": "PUT",
        "path": "/orders/7",
        "query": { "seller": ["example"] },
        "headers": { "authorization": ["Bearer example"], "content-type": ["application/json"] },
        "body": { "contentType": "application/json", "content": { "token": "example", "note": {} } },
        "generators": {
            "path": { "type": "ProviderState", "expression": "/orders/${id}", "dataType": "STRING" },
            "query": { "seller": { "type": "ProviderState", "expression": "${seller}", "dataType": "STRING" } },
            "header": { "authorization": { "type": "ProviderState", "expression": "Bearer ${token}", "dataType": "STRING" } },
            "body": { "$.token": { "type": "ProviderState", "expression": "${token}", "dataType": "STRING" } },
        },
    });
    assert_eq!(shop.mismatches(order).await, Vec::<String>::new());
    let requests = shop.seen.requests.lock().unwrap();
    let (uri, headers, body) = &requests[0];
    assert_eq!(uri, "/orders/o-9?seller=s-1");
    assert_eq!(headers["authorization"], "Bearer t-42");
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap(), json!({ "token": "t-42", "note": {} }));
}

#[tokio::test]
async fn values_of_a_state_end_with_their_interaction() {
    let shop = Shop::start(right).await;
    let mut first = with_token(given(&json!([{ "name": "a token exists" }])), "Bearer ${token}");
    first["description"] = json!("a first order");
    let second = with_token(order(), "Bearer ${token}");
    let result = shop.verify(&[pact(json!([first, second]))]).await;
    assert_eq!((result.expected, result.verified), (2, 1), "{result:?}");
    assert_eq!(
        texts(&result.interactions[1]),
        ["the request needs the value `token` of a state, but the state hook gave nothing"]
    );
}

#[tokio::test]
async fn state_is_torn_down_after_an_interaction_that_failed() {
    let shop = Shop::start(|| reply(500, &[], &json!({}))).await;
    let mut states_fail = given(&json!([{ "name": "an order exists" }]));
    states_fail["description"] = json!("a value is missing");
    let states_fail = with_token(states_fail, "Bearer ${absent}");
    let mut hanging = given(&json!([{ "name": "an order exists" }]));
    hanging["description"] = json!("a request that hangs");
    hanging["request"]["path"] = json!("/hang");
    let result =
        shop.verify(&[pact(json!([given(&json!([{ "name": "an order exists" }])), states_fail, hanging]))]).await;
    assert_eq!((result.expected, result.verified), (3, 0));
    let actions: Vec<Value> = shop.seen.states.lock().unwrap().iter().map(|call| call["action"].clone()).collect();
    assert_eq!(actions, ["setup", "teardown", "setup", "teardown", "setup", "teardown"]);
}

#[tokio::test]
async fn failing_teardown_fails_its_interaction_alone_and_every_state_is_torn_down() {
    async fn hook(
        axum::extract::State(calls): axum::extract::State<std::sync::Arc<std::sync::Mutex<Vec<String>>>>,
        axum::Json(call): axum::Json<Value>,
    ) -> (axum::http::StatusCode, &'static str) {
        let text = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
        calls.lock().unwrap().push(format!("{} {}", text("action"), text("state")));
        if call["action"] == "teardown" && call["state"] == "a locked order exists" {
            return (axum::http::StatusCode::CONFLICT, "still locked");
        }
        (axum::http::StatusCode::OK, "")
    }
    let shop = Shop::start(right).await;
    let calls = std::sync::Arc::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut provider = shop.provider.clone();
    provider.states_url = Some(format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap());
    let router = axum::Router::new().route("/", axum::routing::post(hook)).with_state(std::sync::Arc::clone(&calls));
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut locked = given(&json!([{ "name": "a seller exists" }, { "name": "a locked order exists" }]));
    locked["description"] = json!("a locked order");
    let pacts = [pact(json!([locked, given(&json!([{ "name": "a good state" }]))]))];
    let result = contracts::verify::verify(&provider, &pacts, &crate::shop::quick(), |_| {}).await;
    server.abort();
    assert_eq!((result.expected, result.verified), (2, 1), "{result:?}");
    assert_eq!(
        texts(&result.interactions[0]),
        ["the teardown of state `a locked order exists` failed: the hook answered 409 with `still locked`"]
    );
    assert!(calls.lock().unwrap().contains(&"teardown a seller exists".to_owned()), "{calls:?}");
}
