//! Whether a path that was seen is the one that a pact means.

use std::collections::HashMap;

use pact_matching::{CoreMatchingContext, DiffConfig, match_path};
use pact_models::generators::{Generator, GeneratorCategory};
use pact_models::path_exp::DocPath;
use pact_models::v4::http_parts::HttpRequest;

/// Whether a request of a client with this path is one that the pact describes: by the pact's rule for the path, by what
/// a provider state puts into it, or segment by segment, where one with a digit in it stands for any identifier.
pub(super) fn is(expected: &HttpRequest, path: &str) -> bool {
    if let Some(rules) = expected.matching_rules.rules_for_category("path").filter(|rules| rules.is_not_empty()) {
        let context = CoreMatchingContext::new(DiffConfig::AllowUnexpectedKeys, &rules);
        return match_path(&expected.path, path, &context).is_ok();
    }
    match template(expected) {
        Some(template) => alike(&template, path, |segment| segment.contains("${")),
        None => alike(&expected.path, path, is_identifier),
    }
}

/// Whether a route such as `/orders/{id}`, as a trace has it, leads to the path of the pact.
pub(super) fn is_of_route(expected: &HttpRequest, route: &str) -> bool {
    alike(route, &expected.path, |segment| segment.starts_with(['{', ':', '<', '*'])) || is(expected, route)
}

fn template(expected: &HttpRequest) -> Option<String> {
    let generators: &HashMap<DocPath, Generator> = expected.generators.categories.get(&GeneratorCategory::PATH)?;
    generators.values().find_map(|generator| match generator {
        Generator::ProviderStateGenerator(expression, _) if expression.starts_with('/') => Some(expression.clone()),
        _ => None,
    })
}

fn alike(template: &str, path: &str, any: impl Fn(&str) -> bool) -> bool {
    let (mut left, mut right) = (segments(template), segments(path));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || any(one) => {}
            _ => return false,
        }
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('?').next().unwrap_or_default().trim_matches('/').split('/')
}

/// A segment of an example that other requests have another value for; `v1` is a version of the interface.
fn is_identifier(segment: &str) -> bool {
    let version = segment.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    !version && segment.contains(|c: char| c.is_ascii_digit())
}

/// A path under which all requests of one operation are counted.
pub(super) fn general(path: &str) -> String {
    let general = segments(path).map(|segment| if is_identifier(segment) { "{}" } else { segment });
    format!("/{}", general.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn get(path: &str) -> HttpRequest {
        HttpRequest { path: path.to_owned(), ..HttpRequest::default() }
    }

    #[test]
    fn example_in_a_path_stands_for_any_identifier() {
        assert!(is(&get("/api/v1/orders/order-1/lines"), "/api/v1/orders/019a/lines?full=1"));
        for other in ["/api/v2/orders/order-1/lines", "/api/v1/orders/7", "/api/v1/gigs/7/lines"] {
            assert!(!is(&get("/api/v1/orders/order-1/lines"), other), "{other}");
        }
        assert_eq!(general("/api/v1/orders/019a-7/lines"), "/api/v1/orders/{}/lines");
    }

    #[test]
    fn route_of_a_trace_leads_to_the_example() {
        assert!(is_of_route(&get("/orders/buyer/somebody"), "/orders/buyer/{buyer_id}"));
        assert!(!is_of_route(&get("/orders/seller/somebody"), "/orders/buyer/{buyer_id}"));
    }

    proptest! {
        #[test]
        fn every_path_is_its_own(path in "(/[a-z0-9.{}:-]{0,6}){0,5}") {
            prop_assert!(is(&get(&path), &path));
            prop_assert!(is_of_route(&get(&path), &path));
            prop_assert_eq!(general(&general(&path)), general(&path));
        }
    }
}
