//! One form of JSON for one content: sorted keys, two spaces, a final newline; and its hash.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::version;

/// The value with the keys of every object in order, whatever map `serde_json` was built with.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            Value::Object(keys.into_iter().map(|key| (key.clone(), sorted(&members[key]))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// An interaction without the identifiers and links that a broker gave it, which are no part of the contract.
pub(crate) fn without_broker_keys(interaction: &Value) -> Value {
    let mut interaction = interaction.clone();
    if let Some(members) = interaction.as_object_mut() {
        members.remove("_id");
        members.remove("_links");
    }
    interaction
}

/// The canonical text.
pub(crate) fn text(value: &Value) -> String {
    // Alternate form is indented; serialising a `Value` cannot fail.
    format!("{:#}\n", sorted(value))
}

/// SHA-256 of the canonical form, hexadecimal. Spacing and the order of keys do not change it.
pub(crate) fn hash(value: &Value) -> String {
    hex::encode(Sha256::digest(sorted(value).to_string().as_bytes()))
}

/// Identity of an interaction between two: of what it says, whatever broker it passed through.
pub(crate) fn interaction_hash(consumer: &str, provider: &str, interaction: &Value) -> String {
    hash(&json!([consumer, provider, without_broker_keys(interaction)]))
}

/// Identity of what a pact says, and the only one there is: replay, matrix and broker mean the same pact by it. Layout,
/// the order of interactions, what a broker adds and which library wrote the file do not change it; the version of the
/// format does, because it decides what the rest means.
pub(crate) fn pact_hash(consumer: &str, provider: &str, document: &Value, interactions: &[Value]) -> String {
    let mut hashes: Vec<String> = interactions.iter().map(|each| hash(&without_broker_keys(each))).collect();
    hashes.sort_unstable();
    // As it is read: `4.0` and `4.0.0` mean the same, and so does its name in older files.
    let version = version::of(document).ok();
    hash(&json!([consumer, provider, version, hashes]))
}

/// JSON path of the first difference in document order, with both values (`null` where one is absent).
pub(crate) fn first_difference(left: &Value, right: &Value) -> Option<(String, Value, Value)> {
    fn walk(path: &mut String, left: &Value, right: &Value) -> Option<(String, Value, Value)> {
        let length = path.len();
        match (left, right) {
            (Value::Object(a), Value::Object(b)) => {
                let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
                keys.sort_unstable();
                keys.dedup();
                keys.into_iter().find_map(|key| {
                    path.truncate(length);
                    path.push_str(&member(key));
                    let found = walk(path, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                    path.truncate(length);
                    found
                })
            }
            (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|index| {
                path.truncate(length);
                path.push_str(&format!("[{index}]"));
                let found = walk(path, a.get(index).unwrap_or(&Value::Null), b.get(index).unwrap_or(&Value::Null));
                path.truncate(length);
                found
            }),
            _ if left == right => None,
            _ => Some((path.clone(), left.clone(), right.clone())),
        }
    }
    walk(&mut "$".to_owned(), left, right)
}

/// `.name`, or `['odd name']` where a dot would not do.
pub(crate) fn member(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { format!(".{name}") } else { format!("['{name}']") }
}

/// The value in few characters, for a sentence.
pub(crate) fn brief(value: &Value) -> String {
    shorten(&value.to_string(), 120)
}

/// At most `limit` characters, with an ellipsis where something was cut.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text.to_owned(),
    }
}

/// In one line without control characters, which somebody else's text must not send to a terminal or a pipeline's log.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    shorten(&text.replace(char::is_control, " "), limit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hash_ignores_spacing_and_order_of_keys() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{ "b": {"d": null, "c": [1, 2]}, "a": 1 }"#).unwrap();
        assert_eq!(hash(&one), hash(&other));
        assert_ne!(hash(&one), hash(&json!({"a": 1, "b": {"c": [2, 1], "d": null}})));
    }

    #[test]
    fn first_difference_names_the_path_and_both_values() {
        let left = json!({"a": [1, {"odd name": 2}], "z": 1});
        let right = json!({"a": [1, {"odd name": 3}], "z": 2});
        assert_eq!(first_difference(&left, &right), Some(("$.a[1]['odd name']".to_owned(), json!(2), json!(3))));
        assert_eq!(first_difference(&left, &left), None);
        assert_eq!(first_difference(&json!([1]), &json!([1, 2])), Some(("$[1]".to_owned(), Value::Null, json!(2))));
    }

    #[test]
    fn shorten_cuts_between_characters() {
        assert_eq!(shorten("grün", 2), "gr...");
        assert_eq!(shorten("grün", 3), "grü...");
        assert_eq!(shorten("grün", 4), "grün");
    }
}
