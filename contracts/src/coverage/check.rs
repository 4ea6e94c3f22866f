//! The static check: what one interaction says against what the document says.

use serde_json::{Map, Value};

use super::bind::Bound;
use super::exchange::{Exchange, Message, Payload, Talk};
use crate::canonical::shorten;
use crate::document::{Content, Event, Operation, Parameter, Place, Schema, Side, Types, content_for, misfits};

/// One thing that does not fit: part, path in it, sentence.
pub(super) type Found = (&'static str, String, String);

/// Everything in an interaction that does not fit.
pub(super) fn check(talk: &Talk, bound: Bound<'_, '_>) -> Vec<Found> {
    let mut found = Vec::new();
    match (talk, bound) {
        (Talk::Http(exchange), Bound::Operation(operation)) => {
            // Who expects a refusal may well send what the document forbids.
            if !(400..500).contains(&exchange.status) {
                request(exchange, operation, &mut found);
            }
            response(exchange, operation, &mut found);
        }
        (Talk::Message(message), Bound::Event(event)) => self::message(message, event, &mut found),
        _ => {}
    }
    found
}

fn request(exchange: &Exchange, operation: &Operation<'_>, found: &mut Vec<Found>) {
    let mut in_path = operation.parameters_in(&exchange.path).unwrap_or_default();
    in_path.retain(|(_, value)| !value.is_empty());
    for parameter in &operation.parameters {
        let name = parameter.name;
        let (part, values): (_, Vec<&str>) = match parameter.place {
            Place::Path => {
                ("request path", in_path.iter().filter(|(key, _)| *key == name).map(|(_, value)| *value).collect())
            }
            Place::Query => {
                ("request query", exchange.query.get(name).into_iter().flatten().map(String::as_str).collect())
            }
            Place::Header => {
                let value = exchange.headers.get(&name.to_lowercase());
                ("request header", value.map(String::as_str).into_iter().collect())
            }
            // Cookies come as one header, which a proxy may add to.
            Place::Cookie => continue,
        };
        if values.is_empty() && parameter.required {
            found.push((part, name.to_owned(), "the document requires it, but it is missing".into()));
        }
        parameter_value(parameter, &values, part, found);
    }
    let known = |name: &str| {
        let query = operation.parameters.iter().filter(|parameter| parameter.place == Place::Query);
        // An object or a list may be spread over names of its own: `filter[state]`, `ids[]`.
        query.into_iter().any(|parameter| name == parameter.name || name.split('[').next() == Some(parameter.name))
    };
    for name in exchange.query.keys().filter(|name| !known(name)) {
        found.push(("request query", name.clone(), "the document has no such parameter".into()));
    }
    match (&operation.body, &exchange.body) {
        (Some(body), Some(payload)) => payload_fits(&body.content, payload, Side::Request, "request body", found),
        (Some(body), None) if body.required => {
            found.push(("request body", String::new(), "the document requires one, but the pact has none".into()));
        }
        // Clients that always send an object say nothing with an empty one.
        (None, Some(payload)) if payload.json.as_ref().is_none_or(|body| *body != Value::Object(Map::new())) => {
            found.push(("request body", String::new(), "the document has none, but the pact sends one".into()));
        }
        _ => {}
    }
}

/// A text stands for a number or a truth value where the document says so.
fn parameter_value(parameter: &Parameter<'_>, values: &[&str], part: &'static str, found: &mut Vec<Found>) {
    let schema = &parameter.schema;
    let listed = schema.types().contains(Types::ARRAY);
    let each = if listed { schema.items() } else { None };
    // How lists and objects are spread over texts is the business of `style`, which is not judged.
    if listed && values.iter().any(|value| value.contains(',')) || schema.types() == Types::OBJECT {
        return;
    }
    let schema = each.as_ref().unwrap_or(schema);
    for value in values {
        let best = readings(value).into_iter().map(|value| misfits(schema, &value, Side::Request));
        let best = best.min_by_key(Vec::len).unwrap_or_default();
        found.extend(best.into_iter().map(|misfit| (part, parameter.name.to_owned(), misfit.sentence)));
    }
}

fn readings(text: &str) -> Vec<Value> {
    let plain = serde_json::from_str(text).ok().filter(|value: &Value| value.is_number() || value.is_boolean());
    [Value::from(text)].into_iter().chain(plain).collect()
}

fn response(exchange: &Exchange, operation: &Operation<'_>, found: &mut Vec<Found>) {
    let Some(response) = operation.response(exchange.status) else {
        let declared: Vec<&str> = operation.responses.iter().map(|response| response.status).collect();
        let sentence =
            format!("the document has no status {}, expected one of {}", exchange.status, declared.join(", "));
        return found.push(("response status", String::new(), sentence));
    };
    for (name, value) in exchange.answer_headers.iter().filter(|(name, _)| *name != "content-type") {
        match response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)) {
            Some(header) => {
                let best = readings(value).into_iter().map(|value| misfits(&header.schema, &value, Side::Response));
                let best = best.min_by_key(Vec::len).unwrap_or_default();
                found.extend(best.into_iter().map(|misfit| ("response header", name.clone(), misfit.sentence)));
            }
            None => found.push(("response header", name.clone(), "the document promises no such header".into())),
        }
    }
    if let Some(payload) = &exchange.answer {
        if response.content.is_empty() {
            let sentence =
                format!("the document has no body with status {}, but the pact expects one", exchange.status);
            found.push(("response body", String::new(), sentence));
        } else {
            payload_fits(&response.content, payload, Side::Response, "response body", found);
        }
    }
}

fn payload_fits(content: &[Content<'_>], payload: &Payload, side: Side, part: &'static str, found: &mut Vec<Found>) {
    let media_type = payload.media_type.as_deref().unwrap_or("application/json");
    let Some(declared) = content_for(content, media_type) else {
        let declared: Vec<&str> = content.iter().map(|each| each.media_type).collect();
        let sentence = format!(
            "the document has no `{}` here, expected {}",
            shorten(media_type, 120),
            if declared.is_empty() { "no body".to_owned() } else { declared.join(" or ") }
        );
        return found.push((part, String::new(), sentence));
    };
    body_fits(&declared.schema, payload, side, part, found);
}

fn body_fits(schema: &Schema<'_>, payload: &Payload, side: Side, part: &'static str, found: &mut Vec<Found>) {
    if let Some(value) = &payload.json {
        found.extend(misfits(schema, value, side).into_iter().map(|misfit| (part, misfit.path, misfit.sentence)));
    }
}

fn message(message: &Message, event: &Event<'_>, found: &mut Vec<Found>) {
    if let Some(payload) = &message.payload {
        match (event.content_type, payload.media_type.as_deref()) {
            (Some(declared), Some(media_type)) if !same_type(declared, media_type) => {
                let sentence = format!("expected `{declared}`, got `{}`", shorten(media_type, 120));
                found.push(("payload", String::new(), sentence));
            }
            _ => body_fits(&event.payload, payload, Side::Response, "payload", found),
        }
    }
    // Only what the document describes can be compared: metadata also has what the transport adds.
    for (name, schema) in event.headers.known_properties() {
        let Some(value) = message.metadata.get(name) else { continue };
        let misfits = misfits(&schema, value, Side::Response);
        found.extend(misfits.into_iter().map(|misfit| ("metadata", name.to_owned(), misfit.sentence)));
    }
}

fn same_type(one: &str, other: &str) -> bool {
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence(one) == essence(other)
}
