//! What a browser front-end of the gateway sends, and what it reads of the answers: one module for each part of its pages.
//!
//! The front-end is written here, small and typed: it reads what its views name and nothing else, and the pact promises
//! just that.

mod accounts;
mod gigs;
mod messages;
mod orders;
mod people;
mod reviews;

use std::fmt::{self, Display};

use contracts::consumer::HttpPact;
use pact_consumer::builders::InteractionBuilder;
use pact_consumer::prelude::*;
use pact_consumer::term;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Expectation;
use super::calls::refusal;

pub(crate) fn all() -> Vec<Expectation> {
    let parts = [accounts::all(), people::all(), gigs::all(), messages::all(), orders::all(), reviews::all()];
    parts.into_iter().flatten().collect()
}

/// Where the gateway's interface begins.
const API: &str = "/api/v1/gateway";
/// The shape of a session.
const SESSION: &str = "header.payload.signature";

/// The front-end's client: somebody's browser.
struct Browser {
    http: reqwest::Client,
    base: Url,
    cookie: Option<String>,
}

/// What the gateway refuses, as the front-end tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    status: u16,
    code: String,
    message: String,
    correlation_id: String,
}

/// Why a page cannot be shown.
#[derive(Debug)]
enum Failure {
    Refused(Refused),
    Broken(String),
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Refused { status, code, message, correlation_id }) => {
                write!(f, "{status} `{code}`: {message} ({correlation_id})")
            }
            Self::Broken(reason) => f.write_str(reason),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

impl Failure {
    fn code(&self) -> &str {
        match self {
            Self::Refused(refused) => &refused.code,
            Self::Broken(reason) => reason,
        }
    }
}

impl Browser {
    fn of_a_visitor(base: Url) -> Self {
        Self { http: reqwest::Client::new(), base, cookie: None }
    }

    fn of_a_user(base: Url) -> Self {
        Self { cookie: Some(format!("marketplace_session={SESSION}")), ..Self::of_a_visitor(base) }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Ok(self.send(Method::GET, path, None::<&()>).await?.json().await?)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        Ok(self.send(Method::POST, path, Some(body)).await?.json().await?)
    }

    async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        Ok(self.send(Method::PUT, path, Some(body)).await?.json().await?)
    }

    /// A request without a body, whatever it answers.
    async fn bare(&self, method: Method, path: &str) -> Result<reqwest::Response, Failure> {
        self.send(method, path, None::<&()>).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<reqwest::Response, Failure> {
        let url = self.base.join(&format!("{API}{path}")).map_err(|error| Failure::Broken(error.to_string()))?;
        let mut request = self.http.request(method, url);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Failure::Refused(response.json().await?))
    }
}

/// One thing that somebody does in their browser.
#[track_caller]
fn page(description: &str, describe: impl FnOnce(&mut InteractionBuilder)) -> HttpPact {
    HttpPact::new("web", "gateway").interaction(description, describe)
}

/// Somebody has signed in; on replay the gateway's state hook gives their session.
fn signed_in(i: &mut InteractionBuilder) {
    i.given("a user is signed in");
    let cookie = term!(r"^marketplace_session=[\w-]+\.[\w-]+\.[\w-]+$", format!("marketplace_session={SESSION}"));
    i.request.header_from_provider_state("cookie", "marketplace_session=${session}", cookie);
}

/// A path below the gateway's interface; see [`calls::path`](super::calls::path).
fn at(i: &mut InteractionBuilder, template: &str, examples: &[(&str, &str)]) {
    let template = format!("{API}{template}");
    if examples.is_empty() {
        i.request.path(template);
    } else {
        super::calls::path(i, &template, examples);
    }
}
