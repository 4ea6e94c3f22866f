//! OpenAPI 3.1 of a server: its routes, and what the platform adds to each of them.

use serde_json::{Map, Value, json};
use utoipa::PartialSchema as _;
use utoipa_axum::router::OpenApiRouter;

use super::responses::{Server, complete};
use super::{Document, VERSION};
use crate::error::Problem;

/// The document of a service that the gateway calls with an internal token.
///
/// # Examples
///
/// ```
/// use platform::document::{self, OpenApiRouter, routes};
/// use platform::{Json, Path};
///
/// /// One lamp.
/// #[utoipa::path(get, path = "/{id}", responses((status = 200, description = "The lamp's name.", body = String)))]
/// async fn one(Path(id): Path<String>) -> Json<String> {
///     Json(id)
/// }
///
/// let router: OpenApiRouter = OpenApiRouter::default().nest("/api/v1/lamps", OpenApiRouter::default().routes(routes!(one)));
/// let document = document::service("lamps", "Lamps of the house.", router);
/// assert_eq!(document["paths"]["/api/v1/lamps/{id}"]["get"]["operationId"], "lampsOne");
/// ```
#[must_use]
pub fn service<S>(name: &str, description: &str, router: OpenApiRouter<S>) -> Document
where
    S: Clone + Send + Sync + 'static,
{
    let scheme = json!({ "internalToken": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": format!("Signed by the gateway for one request; its audience is `{name}`.")
    } });
    document(name, description, router, Server::Service, &scheme, &json!([{ "internalToken": [] }]))
}

/// The document of the gateway, whose clients carry a session in a cookie or as a bearer.
#[must_use]
pub fn gateway<S>(name: &str, description: &str, cookie: &str, router: OpenApiRouter<S>) -> Document
where
    S: Clone + Send + Sync + 'static,
{
    let schemes = json!({
        "cookie": { "type": "apiKey", "in": "cookie", "name": cookie, "description": "Set at sign-up and sign-in." },
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The `token` that sign-up and sign-in answer; it goes before the cookie."
        }
    });
    document(name, description, router, Server::Gateway, &schemes, &json!([{ "cookie": [] }, { "bearer": [] }]))
}

fn document<S>(
    name: &str,
    description: &str,
    router: OpenApiRouter<S>,
    server: Server,
    schemes: &Value,
    security: &Value,
) -> Document
where
    S: Clone + Send + Sync + 'static,
{
    // Both are plain data, which is always writable.
    let mut document = serde_json::to_value(router.into_openapi()).unwrap_or_default();
    document["info"] = json!({ "title": name, "description": description, "version": VERSION });
    // Paths are whole, so that they follow whatever address the server has.
    document["servers"] = json!([{ "url": "/" }]);
    document["security"] = security.clone();
    document["components"]["securitySchemes"] = schemes.clone();
    let mut tags = std::collections::BTreeSet::new();
    for (path, item) in members(&mut document["paths"]) {
        let tag = tag(path);
        for (method, operation) in members(item) {
            if METHODS.contains(&method.as_str()) {
                operation["tags"] = json!([tag]);
                let function = operation["operationId"].as_str().unwrap_or_default();
                operation["operationId"] = camel_case(&format!("{tag}_{function}")).into();
                parameters(path, operation);
                complete(operation, server);
            }
        }
        tags.insert(tag);
    }
    if !tags.is_empty() {
        document["components"]["schemas"]["Problem"] = serde_json::to_value(Problem::schema()).unwrap_or_default();
    }
    probes(&mut document["paths"]);
    tags.insert("health".to_owned());
    document["tags"] = tags.into_iter().map(|tag| json!({ "name": tag })).collect();
    document
}

/// The keys of a path that are operations.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn members(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().into_iter().flatten()
}

/// The area that a path belongs to: its first part after the version, and after the gateway.
fn tag(path: &str) -> String {
    path.split('/').skip(3).find(|part| *part != "gateway").unwrap_or_default().to_owned()
}

fn camel_case(snake_case: &str) -> String {
    let mut words = snake_case.split(['_', '-']);
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let mut letters = word.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        text + &capital.into_iter().chain(letters).collect::<String>()
    })
}

/// Adds the parameters that the path itself names; an operation says more of those that are not just any text.
fn parameters(path: &str, operation: &mut Value) {
    let mut declared = match operation["parameters"].take() {
        Value::Array(declared) => declared,
        _ => Vec::new(),
    };
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in in_path {
        if !declared.iter().any(|parameter| parameter["in"] == "path" && parameter["name"] == name) {
            let schema = json!({ "type": "string", "minLength": 1 });
            declared.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }
    match declared.is_empty() {
        true => drop(operation.as_object_mut().and_then(|operation| operation.remove("parameters"))),
        false => operation["parameters"] = declared.into(),
    }
}

/// What every server answers to orchestrators, without a token.
fn probes(paths: &mut Value) {
    let report = json!({
        "type": "object", "required": ["status"],
        "properties": { "status": { "type": "string", "enum": ["up", "down"] } }
    });
    let json = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": report } } });
    let probe = |operation: &str, summary: &str, responses: Value| {
        json!({ "get": {
            "tags": ["health"], "operationId": operation, "summary": summary, "security": [], "responses": responses
        } })
    };
    let all = paths.as_object_mut().map_or_else(Map::new, std::mem::take);
    let added = [
        ("/health/live", probe("healthLive", "Whether the process answers.", json!({ "200": json("It does.") }))),
        (
            "/health/ready",
            probe(
                "healthReady",
                "Whether the server can work, by the dependencies that it names.",
                json!({ "200": json("It can."), "503": json("A dependency is missing.") }),
            ),
        ),
        (
            "/metrics",
            probe(
                "healthMetrics",
                "All metrics, in Prometheus' or OpenMetrics' text format.",
                json!({ "200": {
                    "description": "The metrics.", "content": { "text/plain": { "schema": { "type": "string" } } }
                } }),
            ),
        ),
    ];
    *paths = all.into_iter().chain(added.map(|(path, item)| (path.to_owned(), item))).collect::<Map<_, _>>().into();
}
