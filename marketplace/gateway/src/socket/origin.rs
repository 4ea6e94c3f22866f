//! From which web sites a browser may connect. WebSockets know no same-origin policy: without this, any site could open
//! a socket with the cookie of whoever visits it.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use platform::Env;
use reqwest::Url;

/// The origins that are let in besides the gateway's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(BTreeSet<String>);

impl Origins {
    /// Reads `ALLOWED_ORIGINS`, a list such as `https://shop.example,https://admin.shop.example`.
    pub(super) fn from_env(env: &Env) -> Self {
        const NAME: &str = "ALLOWED_ORIGINS";
        let list = env.optional(NAME).unwrap_or_default();
        let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty()).filter_map(|text| {
            let origin = parse(text).map(|url| url.origin().ascii_serialization());
            if origin.is_none() {
                env.problem::<()>(format!("`{NAME}` has `{text}`: expected origins such as `https://shop.example`"));
            }
            origin
        });
        Self(origins.collect())
    }

    /// Whether who asks may connect: no browser (which always says its origin), the own site, or one of the list.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        let Some(origin) = origin.to_str().ok().and_then(parse).filter(|_| origins.next().is_none()) else {
            return false;
        };
        self.0.contains(&origin.origin().ascii_serialization()) || is_own(&origin, headers)
    }
}

/// An origin: scheme, host, perhaps a port, and nothing else.
fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    (bare && matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn is_own(origin: &Url, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else { return false };
    // Read under the origin's scheme, so that a port that goes without saying counts as said.
    Url::parse(&format!("{}://{host}", origin.scheme())).is_ok_and(|own| own.origin() == origin.origin())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn allows(origins: &Origins, host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: &str| headers.append(name, HeaderValue::from_str(value).unwrap());
        add(HOST, host);
        if let Some(origin) = origin {
            add(ORIGIN, origin);
        }
        origins.allow(&headers)
    }

    #[test]
    fn own_site_and_listed_ones_are_let_in() {
        let env = Env::from_pairs(&[("ALLOWED_ORIGINS", "https://admin.shop.example, http://localhost:3000")]);
        let origins = Origins::from_env(&env);
        env.check().unwrap();
        for origin in
            ["https://shop.example", "https://shop.example:443", "https://admin.shop.example", "http://localhost:3000"]
        {
            assert!(allows(&origins, "shop.example", Some(origin)), "{origin}");
        }
        assert!(allows(&origins, "shop.example", None), "no browser");
        for origin in [
            "https://evil.example",
            "https://shop.example.evil.example",
            "https://shop.example:8443",
            "null",
            "",
            "https://shop.example@evil.example",
            "file:///",
            "https://localhost:3000",
        ] {
            assert!(!allows(&origins, "shop.example", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("shop.example"));
        headers.append(ORIGIN, HeaderValue::from_static("https://shop.example"));
        headers.append(ORIGIN, HeaderValue::from_static("https://evil.example"));
        assert!(!Origins::default().allow(&headers));
    }

    #[test]
    fn mistakes_of_the_list_are_told() {
        let env = Env::from_pairs(&[("ALLOWED_ORIGINS", "shop.example,https://shop.example/path")]);
        Origins::from_env(&env);
        let error = env.check().unwrap_err().to_string();
        assert!(error.contains("`shop.example`") && error.contains("`https://shop.example/path`"), "{error}");
    }

    proptest! {
        #[test]
        fn no_other_host_is_let_in(other in "[a-z]{1,10}\\.[a-z]{2,5}") {
            prop_assume!(other != "shop.example");
            let origin = format!("https://{other}");
            prop_assert!(!allows(&Origins::default(), "shop.example", Some(&origin)));
        }

        #[test]
        fn no_header_panics(origin in "[ -~]{0,60}", host in "[ -~]{0,60}") {
            let _ = allows(&Origins::default(), &host, Some(&origin));
        }
    }
}
