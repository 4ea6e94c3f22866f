//! Names of low cardinality: methods, span names and status texts, each made once.

use std::collections::HashMap;
use std::sync::{LazyLock, RwLock};

use http::{Method, StatusCode, Version};

/// Most span names kept; an application has fewer routes than this, and a stranger cannot add one.
const MAX_NAMES: usize = 4096;

/// What everything beyond [`MAX_NAMES`] is called.
const OVERFLOW: (&str, &str) = ("_OTHER", "_OTHER");

type Names = HashMap<&'static str, HashMap<Box<str>, (&'static str, &'static str)>>;

static NAMES: LazyLock<RwLock<Names>> = LazyLock::new(RwLock::default);

/// HTTP's own methods, and what everything else is called.
pub(crate) const METHODS: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE", "_OTHER"];

/// One of [`METHODS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MethodName(u8);

impl MethodName {
    pub(crate) fn of(method: &Method) -> Self {
        Self(match *method {
            Method::GET => 0,
            Method::POST => 1,
            Method::PUT => 2,
            Method::DELETE => 3,
            Method::HEAD => 4,
            Method::OPTIONS => 5,
            Method::PATCH => 6,
            Method::CONNECT => 7,
            Method::TRACE => 8,
            _ => 9,
        })
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    pub(crate) fn as_str(self) -> &'static str {
        METHODS[self.index()]
    }

    pub(crate) fn is_other(self) -> bool {
        self.index() == METHODS.len() - 1
    }
}

/// The method as a metric attribute: `_OTHER` when it is not one of HTTP's own.
pub(crate) fn method(method: &Method) -> &'static str {
    MethodName::of(method).as_str()
}

/// `{METHOD} {route}` and the route, both kept for the life of the process. Only templates may be given, never paths.
pub(crate) fn span_name(method: &'static str, route: &str) -> (&'static str, &'static str) {
    if let Ok(names) = NAMES.read()
        && let Some(name) = names.get(method).and_then(|routes| routes.get(route))
    {
        return *name;
    }
    let Ok(mut names) = NAMES.write() else { return OVERFLOW };
    if names.values().map(HashMap::len).sum::<usize>() >= MAX_NAMES {
        return OVERFLOW;
    }
    // Leaked on purpose, and bounded: attributes made of `&'static str` cost nothing to copy.
    *names.entry(method).or_default().entry(route.into()).or_insert_with(|| {
        let shown = if method == "_OTHER" { "HTTP" } else { method };
        let name: &'static str = Box::leak(format!("{shown} {route}").into_boxed_str());
        (name, &name[shown.len() + 1..])
    })
}

/// The version of HTTP as the conventions write it.
pub(crate) fn version(version: Version) -> Option<&'static str> {
    Some(match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return None,
    })
}

/// The span name of a request without a route.
pub(crate) fn bare_name(method: &'static str) -> &'static str {
    if method == "_OTHER" { "HTTP" } else { method }
}

/// `error.type` of a failed status; `None` for a status that is no failure of the side that asks.
pub(crate) fn status_error(status: StatusCode, failure_from: u16) -> Option<&'static str> {
    let code = status.as_u16();
    if code < failure_from {
        return None;
    }
    Some(match code {
        400 => "400",
        401 => "401",
        403 => "403",
        404 => "404",
        405 => "405",
        408 => "408",
        409 => "409",
        410 => "410",
        413 => "413",
        415 => "415",
        422 => "422",
        425 => "425",
        428 => "428",
        429 => "429",
        500 => "500",
        501 => "501",
        502 => "502",
        503 => "503",
        504 => "504",
        507 => "507",
        _ if code < 500 => "4xx",
        _ => "5xx",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_name_is_made_once() {
        let (first, route) = span_name("GET", "/names/{id}");
        assert_eq!((first, route), ("GET /names/{id}", "/names/{id}"));
        assert!(std::ptr::eq(first, span_name("GET", "/names/{id}").0));
        assert_eq!(span_name("_OTHER", "/names/{id}").0, "HTTP /names/{id}");
    }

    #[test]
    fn unknown_method_is_other() {
        assert_eq!(method(&Method::from_bytes(b"BREW").unwrap()), "_OTHER");
        assert_eq!(bare_name(method(&Method::from_bytes(b"BREW").unwrap())), "HTTP");
    }

    #[test]
    fn only_failures_of_the_asking_side_are_errors() {
        assert_eq!(status_error(StatusCode::NOT_FOUND, 500), None);
        assert_eq!(status_error(StatusCode::NOT_FOUND, 400), Some("404"));
        assert_eq!(status_error(StatusCode::SERVICE_UNAVAILABLE, 500), Some("503"));
    }
}
