//! One answer of a provider, or one message, on its way out: what a planted change may touch.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

/// What was asked, and what is answered.
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Body of the request; null when there is none.
    pub(crate) request: Value,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Body of the answer or message; null when there is none.
    pub(crate) body: Value,
    /// Metadata of a message; none for the answer to a request.
    pub(crate) metadata: Option<Map<String, Value>>,
}

impl Exchange {
    /// Whether it answers such a request; `*` in the path stands for any one segment.
    pub(crate) fn answers(&self, method: &str, path: &str) -> bool {
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let (own, other) = (segments(&self.path), segments(path));
        let same = own.len() == other.len() && own.iter().zip(&other).all(|(own, other)| other == "*" || own == other);
        self.metadata.is_none() && self.method == method && same
    }

    /// Whether it is the message that a consumer calls so.
    pub(crate) fn is_message(&self, description: &str) -> bool {
        self.metadata.is_some() && self.request["description"] == description
    }

    /// Changes each object of the body that has `field`.
    pub(crate) fn each_with(&mut self, field: &str, change: impl Fn(&mut Map<String, Value>)) {
        visit(&mut self.body, &|object| {
            if object.contains_key(field) {
                change(object);
            }
        });
    }

    /// Refuses in the shape that all services have.
    pub(crate) fn refuse(&mut self, status: u16, code: &str) {
        self.status = StatusCode::from_u16(status).unwrap();
        self.body = json!({ "status": status, "code": code, "message": "no", "correlationId": "c-1" });
        self.header("content-type", "application/json");
    }

    pub(crate) fn header(&mut self, name: &'static str, value: &'static str) {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }

    /// The metadata of a message.
    pub(crate) fn metadata(&mut self) -> &mut Map<String, Value> {
        self.metadata.get_or_insert_default()
    }
}

/// Gives the field of an object another name.
pub(crate) fn rename(object: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = object.remove(from) {
        object.insert(to.to_owned(), value);
    }
}

fn visit(value: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|value| visit(value, change));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, change)),
        _ => {}
    }
}
