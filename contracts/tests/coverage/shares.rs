//! How much is covered.

use contracts::coverage::{Promises, measure};
use serde_json::json;

use crate::shop::{body, covered, get, message, pact, promises};

#[test]
fn what_is_covered_is_counted_by_provider_and_consumer() {
    let web = pact(
        "web",
        "shop",
        json!([
            get(
                "/api/orders/7",
                json!({ "status": 200, "body": body(json!({ "id": 7, "lines": [{ "title": "logo" }] })) })
            ),
            get("/api/orders/8", json!({ "status": 404 })),
        ]),
    );
    let mail = pact("mail", "shop", json!([message(json!({ "type": "order.paid.v1" }), json!({ "order": "7" }))]));
    let coverage = measure(&promises(), &[web, mail]);
    assert_eq!(coverage.problems, []);
    assert_eq!((coverage.operations.covered, coverage.operations.total), (1, 4));
    assert_eq!(
        coverage.operations.uncovered,
        ["shop DELETE /orders/{id}", "shop GET /orders/latest", "shop POST /orders"]
    );
    assert_eq!((coverage.events.covered, coverage.events.total), (1, 2));
    assert_eq!(coverage.events.uncovered, ["shop Lost"]);
    assert_eq!((coverage.statuses.covered, coverage.statuses.total), (2, 6));
    let provider = &coverage.providers[0];
    assert_eq!(
        provider.fields.uncovered,
        [
            "GET /orders/{id} 200: $.lines[*].price",
            "GET /orders/{id} 200: $.parent",
            "GET /orders/{id} 200: $.state",
            "Paid: $.total",
        ]
    );
    let consumers: Vec<_> = provider
        .consumers
        .iter()
        .map(|each| (each.consumer.as_str(), each.operations.covered, each.events.covered))
        .collect();
    assert_eq!(consumers, [("mail", 0, 1), ("web", 1, 0)]);
}

#[test]
fn of_two_paths_that_fit_the_literal_one_is_covered() {
    let coverage = covered(json!([get("/api/orders/latest", json!({ "status": 200 }))]));
    assert!(!coverage.operations.uncovered.contains(&"shop GET /orders/latest".to_owned()));
    assert!(coverage.operations.uncovered.contains(&"shop GET /orders/{id}".to_owned()));
    assert_eq!(coverage.problems, []);
}

#[test]
fn a_provider_without_a_document_is_a_problem_and_without_a_pact_is_uncovered() {
    let coverage =
        measure(&Promises::default(), &[pact("web", "shop", json!([get("/orders/7", json!({ "status": 200 }))]))]);
    assert_eq!(coverage.problems.len(), 1);
    assert!(coverage.problems[0].sentence.contains("no document of `shop` is known"), "{}", coverage.problems[0]);
    let coverage = measure(&promises(), &[]);
    assert_eq!((coverage.operations.covered, coverage.operations.total, coverage.operations.percent()), (0, 4, 0));
}

#[test]
fn a_percentage_is_never_rounded_up() {
    let share = contracts::coverage::Share { covered: 199, total: 200, uncovered: vec!["one".into()] };
    assert_eq!(share.percent(), 99);
}

#[test]
fn the_text_names_all_that_is_missing() {
    let coverage = covered(json!([get("/api/orders/7", json!({ "status": 201, "body": body(json!({ "id": 7 })) }))]));
    let text = coverage.to_string();
    for said in [
        "Operations that no pact covers:\n  shop DELETE /orders/{id}\n",
        "Events that no pact covers:\n  shop Lost\n  shop Paid\n",
        "  shop GET /orders/{id}: 200, 404\n",
        "`reading /api/orders/7`: response status: the document has no status 201, expected one of 200, 404\n",
    ] {
        assert!(text.contains(said), "{text}");
    }
}
