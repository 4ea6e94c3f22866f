//! Pacts come from other teams and other tools: whatever is in them, reading one answers and never panics.

use contracts::result::Verdict;
use contracts::store::load_file;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::shop::{Shop, document, order, paid, reply, write};

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[$.\\[\\]'*a-z0-9/]{0,8}".prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        Just(json!({ "match": "regex" })),
        Just(json!({ "match": "type", "min": -1 })),
        Just(json!({ "matchers": [{ "match": "no-such-rule" }] })),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[$.a-z]{0,6}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON pointers of every node.
fn pointers(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointers(member, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A pact with these values in the place of some of its nodes.
fn damaged(nodes: Vec<(prop::sample::Index, Value)>) -> Value {
    let mut pact = document(json!([order(), paid()]));
    for (index, value) in nodes {
        let mut found = Vec::new();
        pointers(&pact, "", &mut found);
        if let Some(node) = pact.pointer_mut(index.get(&found[..]).as_str()) {
            *node = value;
        }
    }
    pact
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_pact_is_read_or_refused(nodes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4)) {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "damaged.json", &damaged(nodes));
        match load_file(&path) {
            Ok(pact) => prop_assert_eq!(pact.hash.len(), 64),
            Err(error) => prop_assert!(error.to_string().contains("damaged.json"), "{}", error),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("noise.json");
        std::fs::write(&path, bytes).unwrap();
        prop_assert!(load_file(&path).is_err());
    }
}

proptest! {
    // Each takes a provider and a replay of its own.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_pact_that_is_read_is_replayed_or_named(
        nodes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..3),
        answer in anything(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = write(dir.path(), "damaged.json", &damaged(nodes));
        let Ok(pact) = load_file(&path) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let result = runtime.block_on(async {
            let mut shop = Shop::start(move || reply(200, &[("x-page", "1")], &answer)).await;
            shop.provider.name = pact.provider.clone();
            shop.verify(std::slice::from_ref(&pact)).await
        });
        prop_assert_eq!(result.interactions.len(), pact.interactions.len());
        for each in result.interactions {
            prop_assert!(each.verdict == Verdict::Pass || !each.mismatches.is_empty());
        }
    }
}
