//! Secrets in URLs, and URLs as they may be shown.

use std::borrow::Cow;
use std::ops::Range;

use super::looked::Looked;
use super::{MASK, Policy, policy};

/// Longest user and password that are looked for, in bytes.
const MAX_CREDENTIALS: usize = 512;

/// What stands between `://` at `at` and the host.
pub(super) fn credentials(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + 3;
    let rest = &bytes[start..bytes.len().min(start + MAX_CREDENTIALS)];
    let ends = |b: &u8| b.is_ascii_whitespace() || b.is_ascii_control() || b"\"'<>`".contains(b);
    let word = &rest[..rest.iter().looked().position(ends).unwrap_or(rest.len())];
    let authority = word.iter().looked().position(|b| b"/?#".contains(b)).unwrap_or(word.len());
    // A password with an unescaped slash in it: nothing but digits follows the colon of a host.
    let colon = word[..authority].iter().looked().position(|b| *b == b':');
    let port = colon.is_none_or(|colon| {
        let port = &word[colon + 1..authority];
        word[0] == b'[' || (!port.is_empty() && port.iter().all(u8::is_ascii_digit))
    });
    let searched = if port { &word[..authority] } else { word };
    let end = searched.iter().looked().rposition(|b| *b == b'@')?;
    (end > 0).then(|| start..start + end)
}

impl Policy {
    /// Whether a parameter of the route holds a secret (`/verify/{token}`).
    pub(crate) fn has_secret_parameter(&self, template: &str) -> bool {
        template.split('/').any(|segment| self.is_secret_parameter(segment))
    }

    fn is_secret_parameter(&self, segment: &str) -> bool {
        segment.strip_prefix('{').is_some_and(|name| self.is_secret_key(name))
    }

    /// A path as it may be shown: segments that fill a secret parameter of the route (`/verify/{token}`) are masked.
    pub(crate) fn path<'a>(&self, template: Option<&str>, path: &'a str) -> Cow<'a, str> {
        let Some(template) = template.filter(|template| self.has_secret_parameter(template)) else {
            return self.text(path);
        };
        let mut parameters = template.split('/');
        let mut rest_is_secret = false;
        let shown: Vec<Cow<'_, str>> = path
            .split('/')
            .map(|segment| match parameters.next() {
                Some(parameter) if self.is_secret_parameter(parameter) => {
                    rest_is_secret = parameter.starts_with("{*");
                    Cow::Borrowed(MASK)
                }
                // A catch-all parameter takes all that follows.
                None if rest_is_secret => Cow::Borrowed(MASK),
                _ => self.text(segment),
            })
            .collect();
        Cow::Owned(shown.join("/"))
    }

    /// Whether `key` names a secret in a query, although it is harmless elsewhere: a code that can be exchanged for a token,
    /// the signature of a URL.
    pub(super) fn is_secret_parameter_of_query(&self, key: &str) -> bool {
        matches!(key, "code" | "sig") && !self.allows(key)
    }

    /// A query string as it may be shown: values of secret parameters are masked.
    pub(crate) fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let is_secret = |pair: &str| {
            pair.split_once('=').is_some_and(|(key, value)| {
                !value.is_empty() && (self.is_secret_key(key) || self.is_secret_parameter_of_query(key))
            })
        };
        if !query.split('&').any(is_secret) {
            return self.text(query);
        }
        let shown: Vec<Cow<'_, str>> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((key, _)) if is_secret(pair) => Cow::Owned(format!("{key}={MASK}")),
                _ => self.text(pair),
            })
            .collect();
        Cow::Owned(shown.join("&"))
    }
}

/// [`Policy::path`] of the policy in force.
pub(crate) fn path<'a>(template: Option<&str>, path: &'a str) -> Cow<'a, str> {
    policy().path(template, path)
}

/// [`Policy::query`] of the policy in force.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    policy().query(query)
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
        assert_eq!(path(Some("/files/{*secret}"), "/files/a/b"), "/files/[redacted]/[redacted]");
        assert_eq!(path(Some("/gigs/{id}"), "/gigs/42"), "/gigs/42");
        assert_eq!(path(None, "/users/eve@example.org"), "/users/[redacted]");
    }

    #[test]
    fn url_loses_credentials_and_secret_parameters() {
        let given = "http://user:hunter2@shop:8080/a?page=2&access_token=abc&q=x".parse().unwrap();
        assert_eq!(url(&given, None), "http://shop:8080/a?page=2&access_token=[redacted]&q=x");
    }

    #[test]
    fn codes_and_signatures_are_secret_in_queries() {
        assert_eq!(query("code=abc&sig=x&state=1"), "code=[redacted]&sig=[redacted]&state=1");
        assert_eq!(Policy::new().allow_key("code").query("code=42"), "code=42");
    }

    #[test]
    fn credentials_in_a_url_inside_a_text_are_masked() {
        for (given, shown) in [
            ("to amqp://guest:s3cret@rabbit:5672/%2f failed", "to amqp://[redacted]@rabbit:5672/%2f failed"),
            ("postgres://u:p@ss@db/x", "postgres://[redacted]@db/x"),
            ("postgres://u:pa/ss@db/x", "postgres://[redacted]@db/x"),
            ("http://token@host/", "http://[redacted]@host/"),
            ("http://shop:8080/a and http://[::1]:80/b", "http://shop:8080/a and http://[::1]:80/b"),
        ] {
            assert_eq!(Policy::new().text(given), shown);
        }
    }
}
