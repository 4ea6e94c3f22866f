//! Several documents of one provider: the one that fits best is meant, in whatever order they are named.

use contracts::coverage::{Promises, measure};
use contracts::document::Document;
use serde_json::{Value, json};

use crate::shop::{get, message, pact};

fn covered(documents: &[Value], interaction: &Value) -> (Vec<String>, Vec<String>) {
    let mut promises = Promises::default();
    for document in documents {
        promises.add("shop", Document::from_value("shop.json".as_ref(), document.clone()).unwrap());
    }
    let coverage = measure(&promises, &[pact("web", "shop", json!([interaction]))]);
    assert_eq!(coverage.problems, []);
    (coverage.operations.uncovered, coverage.events.uncovered)
}

#[test]
fn a_path_without_parameters_is_meant_before_a_template_of_another_document() {
    let with = |path: &str| json!({ "openapi": "3.1.0", "paths": { path: { "get": { "responses": { "200": {} } } } } });
    let documents = [with("/orders/{id}"), with("/orders/search")];
    let search = get("/orders/search", json!({ "status": 200 }));
    assert_eq!(covered(&documents, &search).0, ["shop GET /orders/{id}"]);
    let [open, exact] = documents;
    assert_eq!(covered(&[exact, open], &search).0, ["shop GET /orders/{id}"]);
}

#[test]
fn an_event_with_its_name_is_meant_before_one_with_its_address_in_another_document() {
    let with = |name: &str| {
        let channel = json!({ "address": "shop.orders", "messages": { name: { "payload": { "type": "object" } } } });
        json!({ "asyncapi": "3.0.0", "channels": { "orders": channel } })
    };
    let paid = message(json!({ "topic": "shop.orders", "type": "Paid" }), json!({}));
    assert_eq!(covered(&[with("Lost"), with("Paid")], &paid).1, ["shop Lost"]);
}
