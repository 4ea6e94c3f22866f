//! Documents come from other teams and tools: whatever is in them, they are read or refused, and bring nothing down.

use contracts::coverage::{Promises, measure};
use contracts::diff::{Usage, diff};
use contracts::document::Document;
use contracts::store::Pact;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shop::{asyncapi, body, get, message, openapi, pact, post};

fn anything() -> impl Strategy<Value = Value> {
    let reference = prop::sample::select(vec![
        "#",
        "#/",
        "#/paths",
        "#/components/schemas/Order",
        "#/components/parameters/Key",
        "#/channels/orders",
        "http://a/b",
        "#/%zz",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z{}/$~^(\\[*+]{0,6}".prop_map(Value::from),
        reference.prop_map(|to| json!({ "$ref": to })),
        Just(json!({ "type": ["object", "nothing"], "required": [7], "enum": [] })),
        Just(json!({ "oneOf": [{ "$ref": "#/components/schemas/Order" }, true, { "allOf": [] }], "minLength": -1 })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("(type|items|oneOf|properties|\\$ref|schema|in|[a-z]{0,3})", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn pointers(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    below.into_iter().for_each(|(key, value)| pointers(value, &format!("{path}/{key}"), found));
}

fn damaged(mut document: Value, damages: &[(prop::sample::Index, Value)]) -> Value {
    for (index, value) in damages {
        let mut found = Vec::new();
        pointers(&document, "", &mut found);
        let pointer: &String = index.get(&found[..]);
        *document.pointer_mut(pointer).unwrap() = value.clone();
    }
    document
}

fn pacts() -> Vec<Pact> {
    let order = json!({ "id": 7, "lines": [{ "title": "a" }], "parent": { "id": 6 } });
    vec![pact(
        "web",
        "shop",
        json!([
            get("/api/orders/7", json!({ "status": 200, "body": body(order) })),
            post(json!({ "body": body(json!({ "amount": 3 })) }), json!({ "status": 201 })),
            message(json!({ "type": "order.paid.v1" }), json!({ "order": "7" })),
        ]),
    )]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_documents_are_measured_and_compared_or_refused(
        damages in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..5),
    ) {
        let pacts = pacts();
        for sound in [openapi(), asyncapi()] {
            let before = Document::from_value("sound.json".as_ref(), sound.clone()).unwrap();
            match Document::from_value("damaged.json".as_ref(), damaged(sound, &damages)) {
                Ok(after) => {
                    let usage = Usage::of(&pacts, "shop");
                    for finding in [diff(&before, &after, &usage), diff(&after, &before, &usage)].concat() {
                        prop_assert!(!finding.sentence.is_empty());
                    }
                    prop_assert_eq!(diff(&after, &after, &usage), []);
                    let mut promises = Promises::default();
                    promises.add("shop", after);
                    let coverage = measure(&promises, &pacts);
                    prop_assert!(coverage.operations.covered <= coverage.operations.total);
                    prop_assert_eq!(coverage.fields.total - coverage.fields.covered, coverage.fields.uncovered.len());
                }
                Err(error) => prop_assert!(error.to_string().starts_with("`damaged.json`"), "{}", error),
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64), yaml in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(if yaml { "noise.yaml" } else { "noise.json" });
        std::fs::write(&path, bytes).unwrap();
        prop_assert!(Document::load(&path).is_err());
    }
}
