//! The fields of a schema by path, and those that an example of it has.

use std::collections::{BTreeMap, BTreeSet};

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
    let (schema, _) = schema.anew();
    collect(&schema, &mut "$".to_owned(), &mut Vec::new(), &mut found);
    found
}

fn collect(schema: &Schema<'_>, path: &mut String, above: &mut Vec<Vec<*const Value>>, found: &mut BTreeSet<String>) {
    let identity = schema.identity();
    schema.spend();
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
    let (schema, _) = schema.anew();
    mark(&schema, &[value], &mut "$".to_owned(), &mut found);
    found
}

/// All values that stand at the same path are gone through together, so that what is known of it is put together once.
fn mark(schema: &Schema<'_>, all: &[&Value], path: &mut String, found: &mut BTreeSet<String>) {
    let length = path.len();
    let items: Vec<&Value> = all.iter().filter_map(|value| value.as_array()).flatten().collect();
    if !items.is_empty()
        && let Some(each) = schema.known_items()
    {
        path.push_str("[*]");
        mark(&each, &items, path, found);
        path.truncate(length);
    }
    let mut members: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (name, value) in all.iter().filter_map(|value| value.as_object()).flatten() {
        members.entry(name).or_default().push(value);
    }
    if members.is_empty() {
        return;
    }
    let (known, values) = (schema.known_properties(), values(schema));
    let mut unnamed = Vec::new();
    for (name, below) in members {
        let Some(schema) = known.get(name) else {
            unnamed.extend(below);
            continue;
        };
        path.push_str(&member(name));
        found.insert(path.clone());
        mark(schema, &below, path, found);
        path.truncate(length);
    }
    if let Some(values) = values.filter(|_| !unnamed.is_empty()) {
        path.push_str(".*");
        mark(&values, &unnamed, path, found);
        path.truncate(length);
    }
}

fn values<'a>(schema: &Schema<'a>) -> Option<Schema<'a>> {
    match schema.additional() {
        Additional::Values(schema) => Some(schema),
        _ => None,
    }
}
