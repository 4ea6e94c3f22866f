//! Contracts of requests, found by provider, method and path.

use bytes::Bytes;
use pact_models::v4::synch_http::SynchronousHttp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::event::loosen;
use super::path;
use super::patience::Patience;
use super::tally::Nearest;
use crate::store::{Content, Pact};
use crate::verify::response_judged;

/// An answer that a client got.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Name of the provider in the pacts.
    pub provider: String,
    /// Method of the request, upper case.
    pub method: String,
    /// Path of the request, with or without its query.
    pub path: String,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Correlation id of the request, where it carried one.
    pub correlation_id: Option<String>,
}

/// A call between two services, as a trace shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// Who called, by its name in the pacts.
    pub consumer: String,
    /// Who answered, by its name in the pacts.
    pub provider: String,
    /// Method, upper case.
    pub method: String,
    /// Route such as `/orders/{id}`, or the path where no route is known.
    pub route: String,
}

/// What one consumer expects of one operation.
#[derive(Debug)]
pub(super) struct Expectation {
    pub(super) consumer: String,
    pub(super) provider: String,
    http: SynchronousHttp,
    pub(super) example: Option<Value>,
    /// Template of its operation, where a document of the provider has it.
    route: Option<String>,
    patience: Patience,
}

/// Every contract of a request.
#[derive(Debug, Default)]
pub(super) struct Operations {
    all: Vec<Expectation>,
}

impl Operations {
    /// Contracts of requests in `pacts`; what is pending need not hold and is left out.
    pub(super) fn of(pacts: &[Pact]) -> Self {
        let mut all = Vec::new();
        for pact in pacts {
            for interaction in pact.interactions.iter().filter(|interaction| !interaction.pending) {
                let Content::Http(http) = &interaction.content else { continue };
                let body = http.response.body.value();
                all.push(Expectation {
                    consumer: pact.consumer.clone(),
                    provider: pact.provider.clone(),
                    example: body.and_then(|body| serde_json::from_slice(&body).ok()),
                    http: by_shape(http),
                    route: None,
                    patience: Patience::default(),
                });
            }
        }
        Self { all }
    }

    /// Takes in the operations that documents have; `route` says which one a request of a provider is for.
    pub(super) fn locate(&mut self, route: impl Fn(&str, &str, &str) -> Option<String>) {
        for one in &mut self.all {
            one.route = route(&one.provider, &one.http.request.method.to_uppercase(), &one.http.request.path);
        }
    }

    /// Contracts of the operation of an answer, whatever its status; `route` is its template, where that is known.
    pub(super) fn find(&self, answer: &Answer, route: Option<&str>) -> Vec<&Expectation> {
        let of = |one: &&Expectation| {
            one.provider == answer.provider
                && one.http.request.method.eq_ignore_ascii_case(&answer.method)
                && one.is_path(&answer.path, route)
        };
        self.all.iter().filter(of).collect()
    }

    /// Whether somebody has a contract for a call.
    pub(super) fn covers(&self, call: &Call) -> bool {
        let of = |one: &Expectation| {
            one.provider == call.provider
                && one.consumer == call.consumer
                && one.http.request.method.eq_ignore_ascii_case(&call.method)
                && path::is_of_route(&one.http.request, &call.route)
        };
        self.all.iter().any(of)
    }
}

impl Expectation {
    fn is_path(&self, path: &str, route: Option<&str>) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        match (route, &self.route) {
            (Some(seen), Some(meant)) => seen == meant,
            _ => path::is(&self.http.request, path),
        }
    }

    /// Whether it is about an answer of this status.
    pub(super) fn is_about(&self, status: u16) -> bool {
        self.http.response.status == status
    }

    /// How an answer of its status differs; nothing when it fits.
    pub(super) async fn differences(&self, answer: &Answer) -> Option<Nearest> {
        let until = self.patience.until()?;
        let (headers, body) = (answer.headers.clone(), answer.body.clone());
        let mismatches = self.patience.proven(response_judged(&self.http, answer.status, headers, body, until).await);
        let description = self.http.description.clone();
        (!mismatches.is_empty()).then_some(Nearest { description, mismatches })
    }
}

/// The same interaction, the body of its answer compared by type wherever the pact has no rule. Of headers, only the type
/// of the body says something whatever the state is.
fn by_shape(http: &SynchronousHttp) -> SynchronousHttp {
    let mut http = http.clone();
    if let Some(headers) = &mut http.response.headers {
        headers.retain(|name, _| name.eq_ignore_ascii_case("content-type"));
    }
    loosen(http.response.matching_rules.add_category("body"));
    http
}
