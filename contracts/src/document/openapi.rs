//! Operations of an OpenAPI document.

use serde_json::Value;

use super::error::Cause;
use super::model::{Body, Content, Header, Operation, Parameter, Place, Response};
use super::schema::Schema;
use super::walk::{At, Failure, Walk};

/// Most servers, and ways to authenticate, of one operation.
const MAX_LISTED: usize = 64;

const IGNORED: [&str; 3] = ["accept", "content-type", "authorization"];

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

pub(super) fn operations(root: &Value) -> Result<Vec<Operation<'_>>, Failure> {
    let mut walk = Walk::new(root);
    let document = walk.root();
    let bases = bases(&document);
    let mut operations = Vec::new();
    for (path, item) in walk.members(&document, "paths", "an object of paths")? {
        let item = walk.resolve(&item)?;
        if !item.value.is_object() {
            return Err((item.pointer, Cause::Shape { expected: "an object of methods" }));
        }
        for method in METHODS {
            if let Some(at) = item.get(method) {
                operations.push(operation(&mut walk, method, path, &item, &at, &bases)?);
            }
        }
    }
    Ok(operations)
}

fn operation<'a>(
    walk: &mut Walk<'a>,
    method: &str,
    path: &'a str,
    item: &At<'a>,
    at: &At<'a>,
    bases: &[String],
) -> Result<Operation<'a>, Failure> {
    let bases = [self::bases(at), self::bases(item), bases.to_vec()].into_iter().find(|bases| !bases.is_empty());
    let (security, anonymous) = security(walk.root, at);
    Ok(Operation {
        method: method.to_ascii_uppercase(),
        path,
        id: at.said("operationId"),
        parameters: parameters(walk, item, at)?,
        body: body(walk, at)?,
        responses: responses(walk, at)?,
        security,
        anonymous,
        bases: bases.unwrap_or_else(|| vec![String::new()]),
        pointer: at.pointer.clone(),
    })
}

/// Those of the operation, and those of its path that it does not say itself.
fn parameters<'a>(walk: &mut Walk<'a>, item: &At<'a>, at: &At<'a>) -> Result<Vec<Parameter<'a>>, Failure> {
    let mut parameters: Vec<Parameter<'a>> = Vec::new();
    for owner in [at, item] {
        for each in walk.items(owner, "parameters", "a list of parameters")? {
            let parameter = parameter(walk, &each)?;
            // The specification says that these are described elsewhere, and such parameters to be ignored.
            if parameter.place == Place::Header && IGNORED.iter().any(|name| parameter.name.eq_ignore_ascii_case(name))
            {
                continue;
            }
            let twin = |other: &Parameter<'_>| (other.place, other.name) == (parameter.place, parameter.name);
            if !parameters.iter().any(twin) {
                parameters.push(parameter);
            }
        }
    }
    Ok(parameters)
}

fn parameter<'a>(walk: &mut Walk<'a>, at: &At<'a>) -> Result<Parameter<'a>, Failure> {
    let at = walk.resolve(at)?;
    let place = match at.text("in", "a parameter with `in`")? {
        "path" => Place::Path,
        "query" => Place::Query,
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        _ => return Err((at.pointer, Cause::Shape { expected: "`in` to be path, query, header or cookie" })),
    };
    let name = at.text("name", "a parameter with a `name`")?;
    Ok(Parameter { place, name, required: place == Place::Path || at.flag("required"), schema: described(walk, &at)? })
}

fn body<'a>(walk: &mut Walk<'a>, at: &At<'a>) -> Result<Option<Body<'a>>, Failure> {
    let Some(body) = at.get("requestBody") else { return Ok(None) };
    let body = walk.resolve(&body)?;
    Ok(Some(Body { required: body.flag("required"), content: content(walk, &body)? }))
}

fn responses<'a>(walk: &mut Walk<'a>, at: &At<'a>) -> Result<Vec<Response<'a>>, Failure> {
    let mut responses = Vec::new();
    for (status, response) in walk.members(at, "responses", "an object of responses by status")? {
        if status.starts_with("x-") {
            continue;
        }
        let response = walk.resolve(&response)?;
        responses.push(Response { status, headers: headers(walk, &response)?, content: content(walk, &response)? });
    }
    Ok(responses)
}

fn headers<'a>(walk: &mut Walk<'a>, at: &At<'a>) -> Result<Vec<Header<'a>>, Failure> {
    let mut headers = Vec::new();
    for (name, header) in walk.members(at, "headers", "an object of headers by name")? {
        let header = walk.resolve(&header)?;
        if !name.eq_ignore_ascii_case("content-type") {
            headers.push(Header { name, required: header.flag("required"), schema: described(walk, &header)? });
        }
    }
    Ok(headers)
}

fn content<'a>(walk: &mut Walk<'a>, at: &At<'a>) -> Result<Vec<Content<'a>>, Failure> {
    let mut content = Vec::new();
    for (media_type, form) in walk.members(at, "content", "an object of bodies by media type")? {
        content.push(Content { media_type, schema: schema(walk, &form) });
    }
    Ok(content)
}

/// The schema of a parameter or header, which may be inside a `content` with one media type.
fn described<'a>(walk: &mut Walk<'a>, at: &At<'a>) -> Result<Schema<'a>, Failure> {
    let content = content(walk, at)?;
    Ok(content.into_iter().next().map_or_else(|| schema(walk, at), |content| content.schema))
}

fn schema<'a>(walk: &Walk<'a>, at: &At<'a>) -> Schema<'a> {
    at.value.get("schema").map_or_else(|| Schema::anything(walk.root), |value| Schema::new(walk.root, value))
}

/// Paths of the servers, without a slash at the end: `https://host/api/` is `/api`.
fn bases(at: &At<'_>) -> Vec<String> {
    let servers = at.value.get("servers").and_then(Value::as_array).into_iter().flatten().take(MAX_LISTED);
    let path = |server: &Value| {
        let url = server.get("url").and_then(Value::as_str).unwrap_or_default();
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
            None => url,
        };
        path.trim_end_matches('/').to_owned()
    };
    servers.map(path).collect()
}

/// Names of the schemes that one request needs together, by alternative; and whether none is an alternative too.
fn security(root: &Value, at: &At<'_>) -> (Vec<Vec<String>>, bool) {
    let Some(listed) = at.value.get("security").or_else(|| root.get("security")).and_then(Value::as_array) else {
        return (Vec::new(), true);
    };
    let names = |each: &Value| each.as_object().map(|schemes| schemes.keys().cloned().collect::<Vec<_>>());
    let all: Vec<Vec<String>> = listed.iter().take(MAX_LISTED).filter_map(names).collect();
    let anonymous = all.is_empty() || all.iter().any(Vec::is_empty);
    (all.into_iter().filter(|schemes| !schemes.is_empty()).collect(), anonymous)
}
