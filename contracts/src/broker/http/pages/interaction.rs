//! One interaction, readable: states, what is sent, what is answered, and by which rules the answer is compared.

use maud::{Markup, html};
use serde_json::Value;

use super::parts;
use crate::canonical;

/// Most characters of a body, and of any other value.
const MOST: usize = 20_000;
/// Most headers, states or rules of a side.
const LINES: usize = 300;

/// An interaction with its place in the pact.
pub(super) struct Shown<'a> {
    pub(super) number: usize,
    pub(super) document: &'a Value,
    /// What the last verification says of it.
    pub(super) held: Option<bool>,
}

impl Shown<'_> {
    pub(super) fn description(&self) -> String {
        canonical::shorten(self.document["description"].as_str().unwrap_or("without a description"), 300)
    }
}

pub(super) fn interaction(shown: &Shown<'_>) -> Markup {
    let each = shown.document;
    let is_http = each.get("request").is_some() || each.get("response").is_some();
    html! {
        section.panel.interaction id=(shown.number) {
            h2 {
                span { (shown.description()) }
                @if each["pending"] == true { span.chip { "pending" } }
                @if let Some(held) = shown.held { (parts::verdict(Some(held))) }
            }
            (states(each))
            @if is_http {
                div.sides {
                    div { h3 { "Request" } (request(&each["request"])) }
                    div { h3 { "Response" } (response(&each["response"])) }
                }
            } @else { (message(each)) }
        }
    }
}

fn states(each: &Value) -> Markup {
    let listed = each["providerStates"].as_array().map_or(&[][..], Vec::as_slice);
    let old = each["providerState"].as_str();
    html! {
        @if let Some(name) = old { p { span.muted { "Given " } (name) } }
        @for state in listed.iter().take(LINES) {
            p {
                span.muted { "Given " } (canonical::shorten(state["name"].as_str().unwrap_or("a state"), 500))
                @if let Some(params) = state["params"].as_object().filter(|params| !params.is_empty()) {
                    " "
                    code.muted {
                        @for (at, (key, value)) in params.iter().take(LINES).enumerate() {
                            @if at > 0 { ", " }
                            (key) " = " (canonical::brief(value))
                        }
                    }
                }
            }
        }
    }
}

fn request(request: &Value) -> Markup {
    let method = request["method"].as_str().unwrap_or("GET").to_uppercase();
    html! {
        p.wire { b { (method) } " " (request["path"].as_str().unwrap_or("/")) (query(&request["query"])) }
        (side(request))
    }
}

fn response(response: &Value) -> Markup {
    html! {
        p.wire { b { @match response["status"].as_u64() { Some(status) => (status), None => { "any status" } } } }
        (side(response))
    }
}

fn message(each: &Value) -> Markup {
    let metadata = if each["metadata"].is_object() { &each["metadata"] } else { &each["metaData"] };
    html! {
        h3 { "Message" }
        (lines(metadata))
        (body(&each["contents"]))
        (rules(&each["matchingRules"], &each["generators"]))
    }
}

fn side(side: &Value) -> Markup {
    html! {
        (lines(&side["headers"]))
        (body(&side["body"]))
        (rules(&side["matchingRules"], &side["generators"]))
    }
}

/// A query of either form: a text, or lists by name.
fn query(query: &Value) -> String {
    match query {
        Value::String(text) if !text.is_empty() => format!("?{text}"),
        Value::Object(members) if !members.is_empty() => {
            let pairs = members.iter().flat_map(|(key, value)| {
                let values: Vec<&Value> =
                    value.as_array().map_or_else(|| vec![value], |values| values.iter().collect());
                values.into_iter().map(|value| format!("{key}={}", text(value))).collect::<Vec<_>>()
            });
            format!("?{}", pairs.collect::<Vec<_>>().join("&"))
        }
        _ => String::new(),
    }
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    canonical::shorten(&text, 1000)
}

fn lines(members: &Value) -> Markup {
    html! {
        @if let Some(members) = members.as_object().filter(|members| !members.is_empty()) {
            ul.headers {
                @for (key, value) in members.iter().take(LINES) { li { span.key { (key) ": " } (text(value)) } }
            }
        }
    }
}

/// A body: wrapped as in version 4 of the format, or bare as before.
fn body(body: &Value) -> Markup {
    let wrapped = body.as_object().is_some_and(|members| {
        members.contains_key("content") && (members.contains_key("contentType") || members.contains_key("encoded"))
    });
    let (content, kind) = if wrapped { (&body["content"], body["contentType"].as_str()) } else { (body, None) };
    let shown = match content {
        Value::Null => return html! {},
        Value::String(text) => text.clone(),
        other => format!("{other:#}"),
    };
    let encoded = match &body["encoded"] {
        Value::String(how) if wrapped => Some(how.as_str()),
        Value::Bool(true) if wrapped => Some("base64"),
        _ => None,
    };
    let cut = shown.chars().count().saturating_sub(MOST);
    html! {
        @if kind.is_some() || encoded.is_some() {
            p.small.muted { (kind.unwrap_or_default()) @if let Some(how) = encoded { " in " (how) } }
        }
        pre { (canonical::shorten(&shown, MOST)) }
        @if cut > 0 { p.small.muted { (cut) " more characters are not shown." } }
    }
}

fn rules(rules: &Value, generators: &Value) -> Markup {
    let mut listed = Vec::new();
    collect(String::new(), rules, &mut listed);
    let mut made = Vec::new();
    collect(String::new(), generators, &mut made);
    html! {
        @if !listed.is_empty() {
            h3 { "Compared by" }
            (table(&listed))
        }
        @if !made.is_empty() {
            h3 { "Made when it is replayed" }
            (table(&made))
        }
    }
}

fn table(rows: &[(String, String)]) -> Markup {
    html! {
        table { tbody { @for (place, rule) in rows { tr { td { code { (place) } } td { (rule) } } } } }
    }
}

/// Every rule below `value` with its place, whatever version of the format it is written in.
fn collect(place: String, value: &Value, into: &mut Vec<(String, String)>) {
    let Some(members) = value.as_object().filter(|_| into.len() < LINES) else { return };
    if let Some(matchers) = members.get("matchers").and_then(Value::as_array) {
        let how = if members.get("combine").and_then(Value::as_str) == Some("OR") { " or " } else { " and " };
        into.push((place, matchers.iter().map(rule).collect::<Vec<_>>().join(how)));
    } else if ["match", "type"].iter().any(|key| members.get(*key).is_some_and(Value::is_string)) {
        into.push((place, rule(value)));
    } else {
        for (key, value) in members {
            let place = if place.is_empty() { key.clone() } else { format!("{place} {key}") };
            collect(place, value, into);
        }
    }
}

/// A rule in words: `type, min 1`, `regex ^[0-9]+$`.
fn rule(rule: &Value) -> String {
    let Some(members) = rule.as_object() else { return text(rule) };
    let name = members.get("match").or_else(|| members.get("type")).map(text).unwrap_or_default();
    let mut words = vec![name];
    for (key, value) in members.iter().filter(|(key, _)| !matches!(key.as_str(), "match" | "type")) {
        words.push(match key.as_str() {
            "regex" | "value" | "format" => text(value),
            key => format!("{key} {}", text(value)),
        });
    }
    words.join(", ").replacen("regex, ", "regex ", 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_of_every_version_are_in_words() {
        let mut found = Vec::new();
        collect(String::new(), &json!({ "$.body.id": { "match": "type", "min": 1 } }), &mut found);
        let v4 = json!({
            "body": { "$.a": { "combine": "OR", "matchers": [{ "match": "regex", "regex": "^x$" }, { "match": "null" }] } },
            "path": { "combine": "AND", "matchers": [{ "match": "integer" }] },
        });
        collect(String::new(), &v4, &mut found);
        let expected = [("$.body.id", "type, min 1"), ("body $.a", "regex ^x$ or null"), ("path", "integer")];
        assert_eq!(found, expected.map(|(place, rule)| (place.to_owned(), rule.to_owned())));
    }

    #[test]
    fn anything_can_be_shown_and_none_of_it_is_markup() {
        let evil = "<script>alert(1)</script>";
        for document in [
            json!(null),
            json!([]),
            json!({ "description": evil, "request": evil, "response": [evil] }),
            json!({ "description": evil, "request": { "method": evil, "path": evil, "query": { evil: [evil] },
                "headers": { evil: [evil] }, "body": evil }, "response": { "status": evil, "body": { "content": evil,
                "contentType": evil, "encoded": evil }, "matchingRules": { evil: { "match": evil, evil: evil } } },
                "providerStates": [{ "name": evil, "params": { evil: evil } }] }),
            json!({ "description": evil, "contents": { evil: evil }, "metadata": { evil: evil }, "generators": { evil: { "type": evil } } }),
        ] {
            let page = interaction(&Shown { number: 1, document: &document, held: None }).into_string();
            assert!(!page.contains("<script"), "{page}");
        }
    }
}
