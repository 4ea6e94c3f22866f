//! Every document, and how it looks in a file.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// The documents of routes, by service.
pub(crate) fn openapi() -> [(&'static str, Value); 8] {
    [
        ("auth", auth::openapi()),
        ("chat", chat::openapi()),
        ("gateway", gateway::openapi()),
        ("gig", gig::openapi()),
        ("notification", notification::openapi()),
        ("order", order::openapi()),
        ("review", review::openapi()),
        ("users", users::openapi()),
    ]
}

/// The documents of events, by producer.
pub(crate) fn asyncapi() -> [(&'static str, Value); 6] {
    [
        ("auth", auth::events::asyncapi()),
        ("chat", chat::events::asyncapi()),
        ("gig", gig::events::asyncapi()),
        ("order", order::events::asyncapi()),
        ("review", review::events::asyncapi()),
        ("users", users::events::asyncapi()),
    ]
}

/// Every file, by its path below this crate, with its text.
pub(crate) fn all() -> Vec<(PathBuf, String)> {
    let file = |folder: &str, name: &str, document: &Value| {
        (PathBuf::from(folder).join(name).with_extension("json"), text(document))
    };
    let routes = openapi().into_iter().map(|(name, document)| file("openapi", name, &document));
    let events = asyncapi().into_iter().map(|(name, document)| file("asyncapi", name, &document));
    routes.chain(events).collect()
}

fn text(document: &Value) -> String {
    serde_json::to_string_pretty(&sorted(document)).unwrap() + "\n"
}

/// With the keys of objects in order, whatever features of `serde_json` this was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(Map::from_iter(members))
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        plain => plain.clone(),
    }
}
