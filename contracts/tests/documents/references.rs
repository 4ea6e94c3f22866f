//! Nothing in a document points nowhere.

use serde_json::Value;

use super::files;

#[test]
fn every_reference_resolves() {
    for (name, document) in files::openapi().into_iter().chain(files::asyncapi()) {
        let mut broken = Vec::new();
        visit(&document, &mut |reference| {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            if pointer.is_empty() || document.pointer(pointer).is_none() {
                broken.push(reference.to_owned());
            }
        });
        assert!(broken.is_empty(), "{name}: {broken:?}");
    }
}

fn visit(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                seen(reference);
            }
            members.values().for_each(|value| visit(value, seen));
        }
        Value::Array(values) => values.iter().for_each(|value| visit(value, seen)),
        _ => {}
    }
}
