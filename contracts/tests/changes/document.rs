//! The change as the provider's document tells it.

use contracts::diff::{Level, Usage, diff};
use contracts::document::Document;
use contracts::store::Pact;
use serde_json::Value;

use super::change::{Change, Found, contracts};

/// What is wrong with how the comparison of the documents judges the change.
pub(crate) fn judge(change: &Change, pacts: &[Pact]) -> Vec<String> {
    let path = contracts().join(change.document);
    let before: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let after = patched(before.clone(), &change.patch);
    assert!(before != after, "{}: its document does not change", change.name);
    let document = |root| Document::from_value(&path, root).unwrap_or_else(|error| panic!("{}: {error}", change.name));
    let findings = diff(&document(before), &document(after), &Usage::of(pacts, change.provider));
    let told: Vec<String> = findings.iter().map(|each| format!("{:?} {} {each:?}", each.level, each.rule)).collect();
    let errors = || findings.iter().filter(|each| each.level == Level::Error);
    match &change.found {
        None if errors().next().is_none() => Vec::new(),
        None => vec![format!("the documents break somebody: {told:#?}")],
        Some(Found { interaction, rule, .. }) => {
            let named = errors().filter(|each| each.rule == *rule).flat_map(|each| &each.used_by);
            let mut users = named.map(|user| (user.consumer.as_str(), user.description.as_str()));
            if users.any(|user| user == (change.consumer, *interaction)) {
                return Vec::new();
            }
            vec![format!("`{rule}` does not name {} and `{interaction}`: {told:#?}", change.consumer)]
        }
    }
}

/// A document after a JSON patch of `add`, `remove` and `replace`, in which an element of a list of texts may be named by
/// itself instead of its index: `/required/price`.
///
/// # Panics
///
/// When the patch names what is not there: then it tests nothing.
fn patched(mut document: Value, patch: &Value) -> Value {
    for operation in patch.as_array().unwrap() {
        let path = operation["path"].as_str().unwrap();
        let (parent, last) = path.rsplit_once('/').unwrap();
        let last = last.replace("~1", "/").replace("~0", "~");
        let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("`{path}` is below nothing"));
        let value = operation["value"].clone();
        match (operation["op"].as_str().unwrap(), parent) {
            ("add", Value::Object(members)) => assert!(members.insert(last, value).is_none(), "`{path}` is there"),
            ("add", Value::Array(items)) if last == "-" => items.push(value),
            ("replace", Value::Object(members)) => assert!(members.insert(last, value).is_some(), "no `{path}`"),
            ("remove", Value::Object(members)) => assert!(members.remove(&last).is_some(), "no `{path}`"),
            ("remove", Value::Array(items)) => {
                let index = items.iter().position(|item| *item == *last).unwrap_or_else(|| panic!("no `{path}`"));
                items.remove(index);
            }
            (other, _) => panic!("`{other}` of `{path}` is not an operation of these tests"),
        }
    }
    document
}
