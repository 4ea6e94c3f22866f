//! Replay of requests.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use contracts::result::{InteractionResult, Verdict};
use contracts::verify::{Filter, Options, Provider, verify};
use serde_json::json;
use tokio::net::TcpListener;

use crate::shop::{Shop, order, pact, quick, reply, texts};

fn right() -> axum::response::Response {
    let lines = json!([{ "title": "site", "more": 1 }, { "title": "logo" }]);
    reply(200, &[("x-page", "77")], &json!({ "total": 1, "currency": "USD", "lines": lines, "unknown": true }))
}

#[tokio::test]
async fn right_answer_passes_by_type_and_pattern() {
    let shop = Shop::start(right).await;
    let heard = Mutex::new(Vec::new());
    let result = verify(&shop.provider, &[pact(json!([order()]))], &quick(), |result: &InteractionResult| {
        heard.lock().unwrap().push(result.description.clone());
    })
    .await;
    assert_eq!((result.verdict, result.expected, result.verified), (Verdict::Pass, 1, 1), "{result:?}");
    assert_eq!(*heard.lock().unwrap(), ["the order"]);
}

#[tokio::test]
async fn request_carries_a_fresh_trace_and_a_stable_correlation_id() {
    let shop = Shop::start(right).await;
    let pacts = [pact(json!([order()]))];
    let (first, second) = (shop.verify(&pacts).await, shop.verify(&pacts).await);
    let (first, second) = (&first.interactions[0], &second.interactions[0]);
    assert_ne!(first.trace_id, second.trace_id);
    assert_eq!(first.correlation_id, second.correlation_id);
    let requests = shop.seen.requests.lock().unwrap();
    let (uri, headers, _) = &requests[0];
    assert_eq!(uri, "/orders/7?full=a+b%26c");
    assert_eq!(headers["x-correlation-id"], first.correlation_id.as_str());
    assert!(first.correlation_id.starts_with("contract-"), "{}", first.correlation_id);
    let traceparent = headers["traceparent"].to_str().unwrap();
    assert_eq!(traceparent.len(), 55);
    assert_eq!(&traceparent[..36], format!("00-{}-", first.trace_id));
    assert!(traceparent.ends_with("-01"));
}

#[tokio::test]
async fn wrong_type_is_named_by_path() {
    let shop = Shop::start(|| {
        let lines = json!([{ "title": "site" }]);
        reply(200, &[("x-page", "1")], &json!({ "total": "twelve", "currency": "EUR", "lines": lines }))
    })
    .await;
    assert_eq!(shop.mismatches(order()).await, ["$.total: expected 'twelve' (String) to be an integer"]);
}

#[tokio::test]
async fn renamed_and_missing_fields_are_named_with_what_is_there_instead() {
    let shop =
        Shop::start(|| reply(200, &[("x-page", "1")], &json!({ "amount": 12, "currency": "EUR", "lines": [{}] })))
            .await;
    assert_eq!(
        shop.mismatches(order()).await,
        [
            "$.lines[0].title: expected a value like \"logo\", but the field is missing",
            "$.total: expected a value like 1200, but the field is missing (the answer has `amount` instead)",
        ]
    );
}

#[tokio::test]
async fn wrong_status_shows_what_the_provider_said() {
    let shop = Shop::start(|| reply(404, &[("x-page", "1")], &json!({ "code": "no_such_order" }))).await;
    let mismatches = shop.mismatches(order()).await;
    assert_eq!(mismatches[0], r#"expected status 200, got 404, with `{"code":"no_such_order"}`"#, "{mismatches:?}");
}

#[tokio::test]
async fn missing_and_wrong_headers_are_named() {
    let shop =
        Shop::start(|| reply(200, &[], &json!({ "total": 1, "currency": "EUR", "lines": [{ "title": "a" }] }))).await;
    assert_eq!(shop.mismatches(order()).await, ["header `x-page`: expected `1`, but the header is missing"]);
    let shop = Shop::start(|| {
        reply(200, &[("x-page", "one")], &json!({ "total": 1, "currency": "EUR", "lines": [{ "title": "a" }] }))
    })
    .await;
    assert_eq!(shop.mismatches(order()).await, ["header `x-page`: expected 'one' to match '^[0-9]+$'"]);
}

#[tokio::test]
async fn body_of_another_type_is_a_mismatch() {
    let shop = Shop::start(|| {
        let builder = axum::response::Response::builder().header("content-type", "text/html").header("x-page", "1");
        builder.body("<html>".into()).unwrap()
    })
    .await;
    let mismatches = shop.mismatches(order()).await;
    assert!(
        mismatches.contains(&"expected a body of type `application/json`, got `text/html`".to_owned()),
        "{mismatches:?}"
    );
}

#[tokio::test]
async fn hanging_provider_costs_its_interaction_only_and_is_named() {
    let shop = Shop::start(right).await;
    let mut hanging = order();
    hanging["description"] = json!("the order that never comes");
    hanging["request"]["path"] = json!("/hang");
    let start = Instant::now();
    let result = shop.verify(&[pact(json!([hanging, order()]))]).await;
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!((result.verdict, result.expected, result.verified), (Verdict::Fail, 2, 1));
    let failed = result.interactions.iter().find(|each| each.verdict == Verdict::Fail).unwrap();
    assert_eq!(texts(failed), ["provider `shop` did not answer `GET /hang` within 500ms"]);
}

#[tokio::test]
async fn deadline_ends_a_verification_whose_provider_hangs_everywhere() {
    let shop = Shop::start(right).await;
    let interactions: Vec<_> = (0..40)
        .map(|index| {
            let mut hanging = order();
            hanging["description"] = json!(format!("order {index}"));
            hanging["request"]["path"] = json!("/hang");
            hanging
        })
        .collect();
    let options = Options { deadline: Duration::from_millis(700), ..quick() };
    let start = Instant::now();
    let result = verify(&shop.provider, &[pact(json!(interactions))], &options, |_| {}).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!((result.verdict, result.expected, result.verified), (Verdict::Fail, 40, 0));
    let last = texts(&result.interactions[39]);
    assert_eq!(last, ["not replayed: the 700ms allowed for provider `shop` were over"]);
}

#[tokio::test]
async fn provider_that_is_not_there_or_dies_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let base = format!("http://{address}").parse().unwrap();
    // Accepts, reads nothing, hangs up: what a crash in the middle of a request looks like.
    let dying = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        drop(socket);
    });
    let provider = Provider::new("shop", base);
    let pacts = [pact(json!([order()]))];
    let result = verify(&provider, &pacts, &quick(), |_| {}).await;
    let died = texts(&result.interactions[0]).join("");
    assert!(died.starts_with("provider `shop` broke the connection during `GET /orders/7` ("), "{died}");
    dying.await.unwrap();
    let result = verify(&provider, &pacts, &quick(), |_| {}).await;
    let gone = texts(&result.interactions[0]).join("");
    assert!(
        gone.starts_with(&format!("provider `shop` cannot be reached at `{address}` for `GET /orders/7` (")),
        "{gone}"
    );
    assert!(gone.ends_with("): is it running?"), "{gone}");
}

#[tokio::test]
async fn filter_that_matches_nothing_fails() {
    let shop = Shop::start(right).await;
    let filter = Filter { description: Some("nonsense".into()), ..Filter::default() };
    let result = verify(&shop.provider, &[pact(json!([order()]))], &Options { filter, ..quick() }, |_| {}).await;
    assert_eq!((result.verdict, result.expected, result.verified), (Verdict::Fail, 0, 0));
    assert_eq!(result.reason.as_deref(), Some("the filter matches none of the 1 interactions with `shop`"));
}

#[tokio::test]
async fn provider_of_which_nobody_expects_anything_fails() {
    let shop = Shop::start(right).await;
    let mut other = shop.provider.clone();
    other.name = "stock".into();
    let result = verify(&other, &[pact(json!([order()]))], &quick(), |_| {}).await;
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(result.reason.unwrap(), "no pact expects anything of provider `stock`: nothing was verified");
}

#[tokio::test]
async fn pending_interaction_is_shown_but_not_expected() {
    let shop = Shop::start(|| reply(404, &[], &json!({}))).await;
    let mut pending = order();
    pending["pending"] = json!(true);
    let result = shop.verify(&[pact(json!([pending]))]).await;
    assert_eq!((result.verdict, result.expected, result.interactions.len()), (Verdict::Fail, 0, 1));
    assert_eq!(result.reason.unwrap(), "every interaction with `shop` is pending: nothing was verified");
}

#[tokio::test]
async fn version_3_pact_is_replayed() {
    let shop = Shop::start(right).await;
    let old = json!({
        "consumer": { "name": "mail" },
        "provider": { "name": "shop" },
        "interactions": [{
            "description": "the order",
            "providerStates": [{ "name": "an order exists", "params": { "id": 7 } }],
            "request": { "method": "GET", "path": "/orders/7" },
            "response": {
                "status": 200,
                "headers": { "Content-Type": "application/json" },
                "body": { "total": 5 },
                "matchingRules": { "body": { "$.total": { "matchers": [{ "match": "type" }] } } },
            },
        }],
        "metadata": { "pactSpecification": { "version": "3.0.0" } },
    });
    let dir = tempfile::tempdir().unwrap();
    let path = crate::shop::write(dir.path(), "v3.json", &old);
    let result = shop.verify(&[contracts::store::load_file(&path).unwrap()]).await;
    assert_eq!((result.verdict, result.verified), (Verdict::Pass, 1), "{result:?}");
    assert_eq!(
        shop.seen.states.lock().unwrap()[0],
        json!({ "action": "setup", "state": "an order exists", "params": { "id": 7 } })
    );
}

#[tokio::test]
async fn body_of_the_request_is_sent_with_its_type() {
    let shop = Shop::start(|| reply(201, &[], &json!({}))).await;
    let create = json!({
        "type": "Synchronous/HTTP",
        "description": "creating an order",
        "request": {
            "method": "post",
            "path": "/orders",
            "body": { "contentType": "application/json", "content": { "gig": "g-1" } },
        },
        "response": { "status": 201 },
    });
    assert_eq!(shop.mismatches(create).await, Vec::<String>::new());
    let requests = shop.seen.requests.lock().unwrap();
    let (_, headers, body) = &requests[0];
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(body).unwrap(), json!({ "gig": "g-1" }));
}

#[tokio::test]
async fn verification_can_be_spawned() {
    // Callers run providers side by side, so the future has to be `Send`.
    let shop = Shop::start(right).await;
    let provider = shop.provider.clone();
    let pacts = vec![pact(json!([order()]))];
    let task = tokio::spawn(async move { verify(&provider, &pacts, &quick(), |_| {}).await });
    assert_eq!(task.await.unwrap().verified, 1);
}
