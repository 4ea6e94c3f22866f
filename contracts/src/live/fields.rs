//! Fields of a document that none of several examples has.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::canonical;

/// Deepest field that is looked at.
const DEEPEST: usize = 16;
/// Items of one list that are looked at.
const MOST_ITEMS: usize = 20;
/// Paths that are kept of one name.
const MOST_PATHS: usize = 50;

/// Paths that were found, at most so many, and whether there were more.
#[derive(Clone, Debug, Default)]
pub(super) struct Unknown {
    paths: BTreeSet<String>,
    beyond: BTreeSet<u64>,
}

impl Unknown {
    /// Takes in the fields of `document` that no example has.
    pub(super) fn add(&mut self, document: &Value, examples: &[&Value]) {
        self.walk(&mut "$".to_owned(), document, examples, 0);
    }

    /// The paths, and how many more there were.
    pub(super) fn list(&self) -> (Vec<String>, usize) {
        (self.paths.iter().cloned().collect(), self.beyond.len())
    }

    fn walk(&mut self, path: &mut String, document: &Value, examples: &[&Value], depth: usize) {
        if depth > DEEPEST {
            return;
        }
        let length = path.len();
        match document {
            Value::Object(members) => {
                for (key, value) in members {
                    path.push_str(&canonical::member(key));
                    let below: Vec<&Value> = examples.iter().filter_map(|example| example.get(key)).collect();
                    if below.is_empty() {
                        self.keep(path);
                    } else {
                        self.walk(path, value, &below, depth + 1);
                    }
                    path.truncate(length);
                }
            }
            Value::Array(items) => {
                let below: Vec<&Value> = examples.iter().filter_map(|one| one.as_array()).flatten().collect();
                // Of a list that is empty in every example nobody knows what its items are.
                if below.is_empty() {
                    return;
                }
                path.push_str("[*]");
                for item in items.iter().take(MOST_ITEMS) {
                    self.walk(path, item, &below, depth + 1);
                }
                path.truncate(length);
            }
            _ => {}
        }
    }

    fn keep(&mut self, path: &str) {
        if self.paths.contains(path) {
            return;
        }
        if self.paths.len() < MOST_PATHS {
            self.paths.insert(path.to_owned());
        } else if self.beyond.len() < MOST_PATHS * 20 {
            // Of what is not kept, enough to count it once.
            let mut hash = std::hash::DefaultHasher::new();
            std::hash::Hash::hash(path, &mut hash);
            self.beyond.insert(std::hash::Hasher::finish(&hash));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn unknown(document: &Value, examples: &[&Value]) -> Vec<String> {
        let mut unknown = Unknown::default();
        unknown.add(document, examples);
        unknown.list().0
    }

    #[test]
    fn field_is_unknown_when_no_example_has_it() {
        let seen = json!({ "id": 1, "buyer": { "name": "a", "mail": "b" }, "lines": [{ "x": 1 }, { "y": 2 }], "tags": [{ "z": 1 }] });
        let one = json!({ "id": 0, "lines": [{ "x": 0 }], "tags": [] });
        let other = json!({ "buyer": { "name": "" } });
        assert_eq!(unknown(&seen, &[&one, &other]), ["$.buyer.mail", "$.lines[*].y"]);
        assert_eq!(unknown(&json!({ "odd name": 1 }), &[&json!({})]), ["$['odd name']"]);
    }

    #[test]
    fn number_of_paths_is_bounded_and_the_rest_counted() {
        let seen: Value =
            (0..70).map(|number| (format!("field{number}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
        let mut unknown = Unknown::default();
        unknown.add(&seen, &[&json!({})]);
        unknown.add(&seen, &[&json!({})]);
        let (paths, more) = unknown.list();
        assert_eq!((paths.len(), more), (MOST_PATHS, 20));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i32>().prop_map(Value::from)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-d. ]{1,2}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn document_has_no_unknown_fields_beside_itself(document in any_json()) {
            prop_assert_eq!(unknown(&document, &[&document]), Vec::<String>::new());
        }
    }
}
