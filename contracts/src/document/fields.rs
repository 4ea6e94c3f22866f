//! The fields of a schema by path, and those that an example of it has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::schema::{Additional, Schema};
use crate::canonical::member;

/// Deepest field that is told; what is below belongs to it.
const MAX_DEPTH: usize = 12;
/// Most fields of one schema.
const MAX_FIELDS: usize = 5_000;

/// Paths of all fields, `$.orders[*].id`; `.*` stands for the keys of a map. A schema inside itself is told once.
pub(crate) fn fields(schema: &Schema<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(schema, &mut "$".to_owned(), &mut Vec::new(), &mut found);
    found
}

fn collect(schema: &Schema<'_>, path: &mut String, above: &mut Vec<Vec<*const Value>>, found: &mut BTreeSet<String>) {
    let identity = schema.identity();
    if above.len() >= MAX_DEPTH || above.contains(&identity) {
        return;
    }
    above.push(identity);
    let length = path.len();
    for (name, schema) in schema.known_properties() {
        if found.len() >= MAX_FIELDS {
            break;
        }
        path.push_str(&member(name));
        found.insert(path.clone());
        collect(&schema, path, above, found);
        path.truncate(length);
    }
    for (step, schema) in [("[*]", schema.known_items()), (".*", values(schema))] {
        if let Some(schema) = schema {
            path.push_str(step);
            collect(&schema, path, above, found);
            path.truncate(length);
        }
    }
    above.pop();
}

/// Paths of the fields that a value has, named as [`fields`] names them.
pub(crate) fn used(schema: &Schema<'_>, value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    mark(schema, value, &mut "$".to_owned(), &mut found);
    found
}

fn mark(schema: &Schema<'_>, value: &Value, path: &mut String, found: &mut BTreeSet<String>) {
    let length = path.len();
    match value {
        Value::Object(members) => {
            let (known, values) = (schema.known_properties(), values(schema));
            for (name, value) in members {
                let below = match (known.get(name.as_str()), &values) {
                    (None, Some(values)) => {
                        path.push_str(".*");
                        values
                    }
                    (Some(schema), _) => {
                        path.push_str(&member(name));
                        found.insert(path.clone());
                        schema
                    }
                    (None, None) => continue,
                };
                mark(below, value, path, found);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            let Some(each) = schema.known_items() else { return };
            path.push_str("[*]");
            for item in items {
                mark(&each, item, path, found);
            }
            path.truncate(length);
        }
        _ => {}
    }
}

fn values<'a>(schema: &Schema<'a>) -> Option<Schema<'a>> {
    match schema.additional() {
        Additional::Values(schema) => Some(schema),
        _ => None,
    }
}
