//! Keeps personal data and secrets out of logs and spans: one policy for both.
//!
//! A value goes when its key names a secret ([`is_secret_key`]); inside any other text, whatever looks like an e-mail
//! address, a bearer token, a JWT, a card number or a secret query parameter is replaced ([`text`]).

use std::borrow::Cow;

mod keys;
mod spans;
mod values;

pub use keys::is_secret_key;
pub use values::text;

pub(crate) use spans::span;

/// What stands where something was removed.
pub const MASK: &str = "[redacted]";

/// A path as it may be shown: segments that fill a secret parameter of the route (`/verify/{token}`) are masked.
pub(crate) fn path<'a>(template: Option<&str>, path: &'a str) -> Cow<'a, str> {
    let secret = template.is_some_and(|template| template.split('/').any(is_secret_parameter));
    if !secret {
        return text(path);
    }
    let mut parameters = template.unwrap_or_default().split('/');
    let shown: Vec<Cow<'_, str>> = path
        .split('/')
        .map(|segment| match parameters.next() {
            Some(parameter) if is_secret_parameter(parameter) => Cow::Borrowed(MASK),
            _ => text(segment),
        })
        .collect();
    Cow::Owned(shown.join("/"))
}

fn is_secret_parameter(segment: &str) -> bool {
    segment.strip_prefix('{').is_some_and(is_secret_key)
}

/// A query string as it may be shown: values of secret parameters are masked.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    if !query.split('&').any(|pair| pair.split_once('=').is_some_and(|(key, _)| is_secret_key(key))) {
        return text(query);
    }
    let shown: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((key, _)) if is_secret_key(key) => Cow::Owned(format!("{key}={MASK}")),
            _ => text(pair),
        })
        .collect();
    Cow::Owned(shown.join("&"))
}

/// A whole URL as it may be shown: no credentials, no secret parameters; `template` is the route of its path, if known.
pub(crate) fn url(url: &reqwest::Url, template: Option<&str>) -> String {
    let mut out = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        out.push(':');
        out.push_str(&port.to_string());
    }
    out.push_str(&path(template, url.path()));
    if let Some(given) = url.query() {
        out.push('?');
        out.push_str(&query(given));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_path_parameter_is_masked() {
        assert_eq!(path(Some("/verify/{token}/now"), "/verify/abc123/now"), "/verify/[redacted]/now");
        assert_eq!(path(Some("/gigs/{id}"), "/gigs/42"), "/gigs/42");
        assert_eq!(path(None, "/users/eve@example.org"), "/users/[redacted]");
    }

    #[test]
    fn url_loses_credentials_and_secret_parameters() {
        let given = "http://user:hunter2@shop:8080/a?page=2&access_token=abc&q=x".parse().unwrap();
        assert_eq!(url(&given, None), "http://shop:8080/a?page=2&access_token=[redacted]&q=x");
    }
}
