//! What is known about each route, made once: names and bound measurements.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};

use opentelemetry::trace::SpanContext;

use super::names::{METHODS, MethodName, bare_name};
use super::series::{self, Ending, Measured, Series};
use crate::core::Core;
use crate::redact;

/// Most routes kept; an application has fewer than this, and a stranger cannot add one.
const MAX_ROUTES: usize = 4096;

/// What everything beyond [`MAX_ROUTES`] is called.
const OVERFLOW: &str = "_OTHER";

/// Endings with bound measurements per endpoint; others are recorded the slow way.
const MAX_SERIES: usize = 16;

/// Routes a thread finds without asking anybody.
const CACHED: usize = 64;

/// Every route that was seen, for the life of the process.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    known: RwLock<HashMap<Option<&'static str>, &'static Route>>,
}

/// A route template, or requests without one.
#[derive(Debug)]
struct Route {
    template: Option<&'static str>,
    endpoints: [OnceLock<Endpoint>; METHODS.len()],
}

/// A method of a route.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Name of its spans.
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) route: Option<&'static str>,
    /// The route, if a parameter of it is a secret: then paths must be read against it before they are shown.
    pub(super) secret: Option<&'static str>,
    series: [OnceLock<Series>; MAX_SERIES],
}

/// A route of one core; texts of other routers may lie at the same address, so the text is compared too.
type Cached = Option<(*const Core, &'static Route)>;

thread_local! {
    static CACHE: RefCell<[Cached; CACHED]> = const { RefCell::new([None; CACHED]) };
}

/// The endpoint of `method` on the route with this template.
pub(super) fn endpoint(core: &'static Core, template: Option<&str>, method: MethodName) -> &'static Endpoint {
    // The text of a route stays where it is for as long as its router lives.
    let address = template.map_or(0, |text| text.as_ptr().addr());
    let place = (address >> 4) % CACHED;
    let route = CACHE.with_borrow_mut(|cache| match cache[place] {
        Some((known, route)) if std::ptr::eq(known, core) && route.template == template => route,
        _ => {
            let route = core.routes.route(template);
            cache[place] = Some((core, route));
            route
        }
    });
    route.endpoints[method.index()].get_or_init(|| Endpoint::new(route.template, method))
}

// === impl Routes ===

impl Routes {
    fn route(&self, template: Option<&str>) -> &'static Route {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(route) = known.get(&template) {
            return route;
        }
        let full = known.len() > MAX_ROUTES;
        drop(known);
        let template: Option<&'static str> = match template {
            Some(_) if full => Some(OVERFLOW),
            Some(text) => Some(Box::leak(Box::from(text))),
            None => None,
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // Leaked on purpose, and bounded: what is made of `&'static str` costs nothing to copy.
        known.entry(template).or_insert_with(|| Box::leak(Box::new(Route { template, endpoints: Default::default() })))
    }
}

// === impl Endpoint ===

impl Endpoint {
    fn new(route: Option<&'static str>, method: MethodName) -> Self {
        let name = match route {
            Some(route) => Box::leak(format!("{} {route}", bare_name(method.as_str())).into_boxed_str()),
            None => bare_name(method.as_str()),
        };
        let secret = route.filter(|route| redact::policy().has_secret_parameter(route));
        Self { name, method: method.as_str(), route, secret, series: Default::default() }
    }

    pub(super) fn record(&self, core: &Core, ending: Ending, measured: Measured, span: &SpanContext) {
        let instruments = &core.instruments;
        for series in &self.series {
            let series = series.get_or_init(|| Series::bind(instruments, self.method, self.route, ending));
            if series.ending == ending {
                return series.record(instruments, measured, span);
            }
        }
        series::record(instruments, self.method, self.route, ending, measured, span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::core;
    use http::Method;

    #[test]
    fn endpoint_is_made_once_and_not_confused_with_another() {
        let get = MethodName::of(&Method::GET);
        let first = endpoint(core(), Some("/routes/{id}"), get);
        assert_eq!((first.name, first.route), ("GET /routes/{id}", Some("/routes/{id}")));
        assert!(std::ptr::eq(first, endpoint(core(), Some("/routes/{id}"), get)));
        // The same address, as when a router was dropped and another took its place.
        let text = String::from("/routes/{id}/other");
        assert_eq!(endpoint(core(), Some(&text), get).name, "GET /routes/{id}/other");
        assert_eq!(endpoint(core(), Some(&text[..12]), get).name, "GET /routes/{id}");
        assert_eq!(endpoint(core(), None, MethodName::of(&Method::from_bytes(b"BREW").unwrap())).name, "HTTP");
    }

    #[test]
    fn routes_are_bounded() {
        let routes = Routes::default();
        for number in 0..MAX_ROUTES + 10 {
            routes.route(Some(&format!("/{number}")));
        }
        assert_eq!(routes.route(Some("/one-more")).template, Some(OVERFLOW));
        assert_eq!(routes.route(Some("/7")).template, Some("/7"));
    }
}
