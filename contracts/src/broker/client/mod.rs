//! A contract broker at an address: ours, or the official one, over the Pact Broker's HTTP interface.
//!
//! Found by following links from the broker's index, as its documentation wants it, as far as there are links. What it answers is not trusted: answers
//! are bounded in size and time, links may not lead to another host, since credentials go with each request, and whatever is
//! not understood is an error with the address.

mod document;
mod exchange;
mod gate;
mod placing;
mod publishing;
mod verifying;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;

use super::{BrokerError, Credential};

/// How long a request may take if nothing else is said.
const ANSWERING: Duration = Duration::from_secs(30);

/// The client of one broker.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// As it was given.
    base: Url,
    credential: Option<Credential>,
    /// How long a request may take, its answer included.
    limit: Duration,
    /// The pacts that were fetched, by the hash of their content; a broker may tell apart what is one content here.
    fetched: Arc<Mutex<BTreeMap<String, Vec<Fetched>>>>,
}

/// What the broker calls a pact.
#[derive(Clone, Debug, PartialEq)]
struct Fetched {
    /// Where results go.
    results: Url,
    /// The broker's name of each interaction, by ours.
    interactions: BTreeMap<String, String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the broker at `address` (`https://broker.example/pacts`), for whoever has `credential`.
    ///
    /// Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// When it is no address of an HTTP server, or has more than a path behind its host.
    ///
    /// # Examples
    ///
    /// ```
    /// use contracts::broker::{Client, Credential};
    ///
    /// let client = Client::new("https://broker.example", Some(Credential::Bearer("t0ken".to_owned())))?;
    /// assert!(!format!("{client:?}").contains("t0ken"));
    /// # Ok::<(), contracts::broker::BrokerError>(())
    /// ```
    pub fn new(address: &str, credential: Option<Credential>) -> Result<Self, BrokerError> {
        // Without the address: there may be a password in it.
        let odd = |why: &str| BrokerError::Invalid(format!("the broker's address {why}"));
        let base = Url::parse(address).map_err(|error| odd(&format!("is none: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(odd("is none: expected `https://HOST` or `http://HOST`"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(odd("has a query: expected nothing behind its path"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(odd("has a name or a password in it: expected them apart, where they are not shown"));
        }
        let http = exchange::client(&base)?;
        Ok(Self { http, base, credential, limit: ANSWERING, fetched: Arc::default() })
    }

    /// The same, with another limit than 30 s for each request, its answer included.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The broker's address.
    #[must_use]
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}
