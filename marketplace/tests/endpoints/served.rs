//! Which routes the gateway serves, asked of itself.

use std::collections::BTreeSet;

use axum::http::Method;

use crate::system::{PUBLIC, System};

/// Every route below the public path as `METHOD /path`, parameters in braces, without a slash at its end.
///
/// The paths come from what the router shows of itself, the methods from what it says it would take at each.
pub(crate) async fn routes(system: &System) -> BTreeSet<String> {
    let shown = format!("{:?}", system.gateway.router());
    let paths: BTreeSet<&str> = shown.split('"').filter(|text| text.starts_with(&format!("{PUBLIC}/"))).collect();
    assert!(!paths.is_empty(), "the router does not show its paths any more: {shown}");
    let mut routes = BTreeSet::new();
    for path in paths {
        let route = &path[PUBLIC.len()..];
        let concrete = route.replace(['{', '}'], "");
        let unheard_of = Method::from_bytes(b"UNHEARD-OF").unwrap();
        let answer = system.call(unheard_of, &concrete, None, None).await;
        assert_eq!(answer.status, 405, "{path}: {}", answer.text);
        let allowed =
            answer.headers.get("allow").unwrap_or_else(|| panic!("{path} takes any method")).to_str().unwrap();
        for method in allowed.split(',').map(str::trim).filter(|method| *method != "HEAD") {
            routes.insert(format!("{method} {}", route.trim_end_matches('/')));
        }
    }
    routes
}
