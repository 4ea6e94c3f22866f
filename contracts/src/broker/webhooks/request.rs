//! What is sent to a receiver.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::hosts::Hosts;
use super::template::{NAMES, Values, unknown};
use crate::broker::BrokerError;

/// What stands where a secret is.
pub(in crate::broker) const HIDDEN: &str = "**********";

/// Most bytes of a body, and of a header or address.
const MAX_BODY: usize = 64 * 1024;
const MAX_TEXT: usize = 4096;
/// Most headers.
const MAX_HEADERS: usize = 32;

/// Headers whose values are no secrets; every other value is hidden from readers.
const PLAIN: [&str; 3] = ["content-type", "accept", "user-agent"];

/// Headers that belong to the connection.
const REFUSED: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade"];

/// A request, with `${pactbroker.NAME}` where something of the occasion goes.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookRequest {
    /// Method, `POST` for example.
    pub method: String,
    /// Address; its host is fixed.
    pub url: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body: text, or JSON; `null` for none.
    #[serde(default)]
    pub body: Value,
    /// Name for basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password for basic authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl fmt::Debug for HookRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRequest")
            .field("method", &self.method)
            .field("url", &shown_url(&self.url))
            .finish_non_exhaustive()
    }
}

impl HookRequest {
    /// Whether it can be sent, and may.
    ///
    /// # Errors
    /// What is wrong with it; never a value that may be secret.
    pub(in crate::broker) fn check(&self, hosts: &Hosts) -> Result<(), BrokerError> {
        let invalid = |message: String| Err(BrokerError::Invalid(message));
        if !matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "GET" | "DELETE") {
            return invalid("the method of a webhook is none of `POST`, `PUT`, `PATCH`, `GET` and `DELETE`".into());
        }
        let url = match Url::parse(&Values::default().in_url(&self.url)) {
            Ok(url) if self.url.len() <= MAX_TEXT && matches!(url.scheme(), "http" | "https") => url,
            _ => return invalid(format!("the address of a webhook is no `https://...` of at most {MAX_TEXT} bytes")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("the address of a webhook has a password: expected it in `username` and `password`".into());
        }
        // Filled in with anything, it must lead to the same host.
        let filled = Values(NAMES.iter().map(|name| (*name, "x".to_owned())).collect());
        let host = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
        if Url::parse(&filled.in_url(&self.url)).map(|url| host(&url)) != Ok(host(&url)) {
            return invalid(
                "the host of a webhook is not fixed: `${pactbroker...}` goes into the path or the query".into(),
            );
        }
        if !hosts.allow(&url) {
            let (host, _) = host(&url);
            return invalid(format!("`{}` is not allowed: {}", host.unwrap_or_default(), hosts.described()));
        }
        if self.headers.len() > MAX_HEADERS {
            return invalid(format!("{} headers: expected at most {MAX_HEADERS}", self.headers.len()));
        }
        for (name, value) in &self.headers {
            let known = HeaderName::try_from(name.as_str()).is_ok() && HeaderValue::try_from(value.as_str()).is_ok();
            if !known || value.len() > MAX_TEXT || REFUSED.contains(&name.to_ascii_lowercase().as_str()) {
                let name = crate::canonical::shorten(name, 60);
                return invalid(format!(
                    "the header `{name}` cannot be sent: it is no header, or the connection's own"
                ));
            }
        }
        if self.body.to_string().len() > MAX_BODY {
            return invalid(format!("the body has more than {MAX_BODY} bytes"));
        }
        let body = self.body.to_string();
        let texts = [&self.url, &body].into_iter().chain(self.headers.values());
        if let Some(name) = texts.map(|text| unknown(text)).find_map(|found| found) {
            return invalid(format!("`${{pactbroker.{name}}}` stands for nothing: known are {}", NAMES.join(", ")));
        }
        Ok(())
    }

    /// The request for an occasion.
    ///
    /// # Errors
    /// What cannot be sent, in words without secrets.
    pub(super) fn build(&self, client: &Client, hosts: &Hosts, values: &Values) -> Result<Request, String> {
        self.check(hosts).map_err(|error| error.to_string())?;
        let url = Url::parse(&values.in_url(&self.url)).map_err(|_| "the address cannot be one".to_owned())?;
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|_| "the method cannot be one".to_owned())?;
        let mut request = client.request(method, url);
        let mut kind = None;
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("content-type") {
                kind = Some(value.to_ascii_lowercase());
            }
            request = request.header(name, values.in_header(value));
        }
        if let Some(user) = &self.username {
            request = request.basic_auth(user, self.password.as_ref());
        }
        request = match &self.body {
            Value::Null => request,
            Value::String(text) if kind.as_ref().is_none_or(|kind| kind.contains("json")) => {
                request.body(values.in_json_text(text))
            }
            Value::String(text) => request.body(values.in_text(text)),
            document => {
                if kind.is_none() {
                    request = request.header("content-type", "application/json");
                }
                request.body(values.in_json(document).to_string())
            }
        };
        request.build().map_err(|_| "the request cannot be sent".to_owned())
    }

    /// What readers see of it: everything but secrets.
    pub(in crate::broker) fn shown(&self) -> Value {
        let headers: BTreeMap<&str, &str> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let plain = PLAIN.contains(&name.to_ascii_lowercase().as_str());
                (name.as_str(), if plain { value.as_str() } else { HIDDEN })
            })
            .collect();
        let mut shown = json!({
            "method": self.method,
            "url": shown_url(&self.url),
            "headers": headers,
            "body": shown_body(&self.body),
        });
        if let Some(user) = &self.username {
            shown["username"] = json!(user);
            shown["password"] = json!(HIDDEN);
        }
        shown
    }

    /// Puts the secrets of `before` back where somebody sends what they were shown.
    pub(in crate::broker) fn keep_secrets(&mut self, before: &Self) {
        if self.url == shown_url(&before.url) {
            self.url.clone_from(&before.url);
        }
        for (name, value) in &mut self.headers {
            if let Some(kept) = before.headers.get(name).filter(|_| value == HIDDEN) {
                value.clone_from(kept);
            }
        }
        if self.body == shown_body(&before.body) {
            self.body.clone_from(&before.body);
        }
        if self.password.as_deref() == Some(HIDDEN) {
            self.password.clone_from(&before.password);
        }
    }
}

/// An address without the values of its query, and without parts of its path that look like tokens.
fn shown_url(url: &str) -> String {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let token = |part: &str| {
        let has = |kind: fn(&u8) -> bool| part.bytes().filter(kind).count() >= 2;
        part.len() >= 16 && !part.contains("${") && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    let mut shown: Vec<&str> = path.split('/').collect();
    // Behind the scheme and the host.
    for part in shown.iter_mut().skip(3) {
        if token(part) {
            *part = HIDDEN;
        }
    }
    let mut shown = shown.join("/");
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if value.starts_with("${pactbroker.") => format!("{name}={value}"),
            Some((name, _)) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        });
        shown = format!("{shown}?{}", pairs.collect::<Vec<_>>().join("&"));
    }
    shown
}

/// A body without what its keys call secret.
fn shown_body(body: &Value) -> Value {
    let secret = |key: &str| {
        let key = key.to_ascii_lowercase();
        ["token", "secret", "password", "passwd", "auth", "key", "credential", "signature"]
            .iter()
            .any(|word| key.contains(word))
    };
    match body {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, value)| (key.clone(), if secret(key) { json!(HIDDEN) } else { shown_body(value) }))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(shown_body).collect()),
        // Text may be JSON, a form, or anything: shown only where it can be looked into.
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(document @ (Value::Object(_) | Value::Array(_))) => json!(shown_body(&document).to_string()),
            _ if text.contains('=') || text.len() > 200 => json!(HIDDEN),
            _ => body.clone(),
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> HookRequest {
        let headers = [("Authorization", "Bearer s3cret"), ("X-Api", "s3cret"), ("Content-Type", "application/json")];
        HookRequest {
            method: "POST".into(),
            url: "https://ci.example/services/T0123456789ABCDEFs3cret/run?token=s3cret&c=${pactbroker.consumerName}"
                .into(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: json!({ "event": "${pactbroker.eventName}", "apiToken": "s3cret", "in": [{ "password": ["s3cret"] }] }),
            username: Some("ada".into()),
            password: Some("s3cret".into()),
        }
    }

    #[test]
    fn secrets_are_not_shown_and_are_kept_when_what_was_shown_is_sent_back() {
        let request = request();
        let shown = request.shown();
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
        assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
        assert_eq!(
            (&shown["body"]["event"], &shown["headers"]["Content-Type"]),
            (&json!("${pactbroker.eventName}"), &json!("application/json"))
        );
        let mut back: HookRequest = serde_json::from_value(shown).unwrap();
        back.keep_secrets(&request);
        assert_eq!(back, request);
        for text in [r#"{"token":"s3cret"}"#, "token=s3cret"] {
            assert!(!shown_body(&json!(text)).to_string().contains("s3cret"));
        }
    }

    #[test]
    fn what_cannot_or_may_not_be_sent_is_refused_without_its_secrets() {
        let hosts = Hosts::new(["ci.example"]).unwrap();
        request().check(&hosts).unwrap();
        type Change = fn(&mut HookRequest);
        let changes: [(Change, &str); 9] = [
            (|r| r.method = "s3cret".into(), "the method"),
            (|r| r.url = "ftp://ci.example/s3cret".into(), "the address"),
            (|r| r.url = "https://ada:s3cret@ci.example/".into(), "has a password"),
            (|r| r.url = "https://${pactbroker.consumerName}.ci.example/".into(), "is not fixed"),
            (|r| r.url = "https://ci.example${pactbroker.consumerName}/".into(), "is not fixed"),
            (
                |r| r.url = "http://169.254.169.254/latest?s3cret".into(),
                "is not allowed: webhooks may reach `ci.example`",
            ),
            (|r| drop(r.headers.insert("Host".into(), "s3cret".into())), "the header `Host`"),
            (|r| drop(r.headers.insert("x".into(), "s3cret\r\nx: y".into())), "the header `x`"),
            (|r| r.body = json!("${pactbroker.secretName}"), "stands for nothing"),
        ];
        for (change, reason) in changes {
            let mut odd = request();
            change(&mut odd);
            let error = odd.check(&hosts).unwrap_err().to_string();
            assert!(error.contains(reason) && !error.contains("s3cret"), "{error}, expected {reason}");
        }
        assert!(request().check(&Hosts::default()).unwrap_err().to_string().contains("webhooks may reach nobody here"));
    }
}
