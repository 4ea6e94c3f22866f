//! What the gateway's document says of an endpoint, beside what the endpoint does.

use std::collections::BTreeSet;

use axum::http::Method;
use platform::testing::Answer;
use serde_json::Value;

use crate::schema;
use crate::system::PUBLIC;

/// The gateway's document.
pub(crate) struct Documented(Value);

impl Documented {
    pub(crate) fn new() -> Self {
        Self(gateway::openapi())
    }

    /// Every operation below the public path as `METHOD /path`.
    pub(crate) fn operations(&self) -> BTreeSet<String> {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        let paths = paths.filter_map(|(path, item)| Some((path.strip_prefix(PUBLIC)?, item)));
        let operation = |(path, item): (&str, &Value)| {
            let methods = item.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase());
            methods.map(|method| format!("{method} {path}")).collect::<Vec<_>>()
        };
        paths.flat_map(operation).collect()
    }

    /// How `body` is other than what the document asks for.
    pub(crate) fn misfit_of_request(&self, method: &Method, route: &str, body: Option<&Value>) -> Option<String> {
        match (&self.operation(method, route)["requestBody"], body) {
            (Value::Null, None) => None,
            (Value::Null, Some(body)) => Some(format!("{body} where no body is told")),
            (request, None) if request["required"] == false => None,
            (_, None) => Some("no body where one is told".to_owned()),
            (request, Some(body)) => schema::misfit(&self.0, schema_of(request), body),
        }
    }

    /// How `answer` is other than what the document promises: its status, its code, its body.
    pub(crate) fn misfit_of_answer(&self, method: &Method, route: &str, answer: &Answer) -> Option<String> {
        let response = &self.operation(method, route)["responses"][answer.status.as_str()];
        let Some(description) = response["description"].as_str() else {
            return Some(format!("{} is not told", answer.status));
        };
        if let Some(code) = answer.json["code"].as_str().filter(|_| !answer.status.is_success())
            && !description.contains(&format!("`{code}`"))
        {
            return Some(format!("`{code}` is not told, only {description}"));
        }
        match &response["content"] {
            Value::Null if answer.text.is_empty() => None,
            Value::Null => Some(format!("{} where no body is told", answer.text)),
            _ => schema::misfit(&self.0, schema_of(response), &answer.json),
        }
    }

    fn operation(&self, method: &Method, route: &str) -> &Value {
        &self.0["paths"][format!("{PUBLIC}{route}")][method.as_str().to_lowercase()]
    }
}

/// The schema of the body of a request or a response.
fn schema_of(told: &Value) -> &Value {
    &told["content"]["application/json"]["schema"]
}
