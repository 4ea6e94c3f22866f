//! What a consumer expects over HTTP.

use std::fmt::Display;
use std::panic::Location;

use pact_consumer::builders::InteractionBuilder;
use pact_models::v4::http_parts::HttpRequest;
use pact_models::v4::interaction::V4Interaction as _;
use pact_models::v4::synch_http::SynchronousHttp;
use reqwest::Url;

use super::recorder::Recorder;
use super::stand_in::StandIn;
use crate::error::Error;
use crate::store::{Content, Pact};

/// Requests that `consumer` sends to `provider`, and the responses it needs.
#[derive(Clone, Debug)]
pub struct HttpPact {
    consumer: String,
    provider: String,
    interactions: Vec<SynchronousHttp>,
    origin: &'static Location<'static>,
}

impl HttpPact {
    /// A pact without interactions.
    #[track_caller]
    #[must_use]
    pub fn new(consumer: &str, provider: &str) -> Self {
        let (consumer, provider) = (consumer.to_owned(), provider.to_owned());
        Self { consumer, provider, interactions: Vec::new(), origin: Location::caller() }
    }

    /// The interactions over HTTP of a pact that exists, whoever recorded it: its stand-in answers what it promises.
    #[track_caller]
    #[must_use]
    pub fn of(pact: &Pact) -> Self {
        let http = pact.interactions.iter().filter_map(|interaction| match &interaction.content {
            Content::Http(http) => Some((**http).clone()),
            Content::Message(_) => None,
        });
        Self { interactions: http.collect(), ..Self::new(&pact.consumer, &pact.provider) }
    }

    /// Adds an interaction; `build` describes its states, request and response.
    #[must_use]
    pub fn interaction(mut self, description: &str, build: impl FnOnce(&mut InteractionBuilder)) -> Self {
        let mut builder = InteractionBuilder::new(description, "");
        build(&mut builder);
        let mut interaction = builder.build_v4();
        declare_type(&mut interaction.request);
        self.interactions.push(interaction);
        self
    }

    /// Runs the consumer's client against a stand-in for the provider at the given URL, and records the pact when the
    /// client succeeded, sent every request of the pact, and sent no other.
    ///
    /// # Errors
    ///
    /// When one of these does not hold, or the same description and states are recorded with different content.
    pub async fn exercise<F, R, E>(self, recorder: &Recorder, client: F) -> Result<(), Error>
    where
        F: FnOnce(Url) -> R,
        R: Future<Output = Result<(), E>>,
        E: Display,
    {
        let HttpPact { consumer, provider, interactions, origin } = self;
        let Some(first) = interactions.first() else {
            let reason =
                format!("the pact of `{consumer}` with `{provider}` has no interaction, expected at least one");
            return Err(Error::Interaction { description: String::new(), reason });
        };
        let stand_in = StandIn::start(interactions.clone())
            .await
            .map_err(|source| Error::StandIn { provider: provider.clone(), source })?;
        let outcome = super::run(&consumer, &first.description, client(stand_in.url())).await;
        let (unexpected, unused) = stand_in.stop();
        // In this order: a client that fails does so because of a request that nobody described, and then never sends
        // the others.
        if let Some((request, reason)) = unexpected {
            return Err(Error::UnexpectedRequest { consumer, provider, request, reason });
        }
        outcome?;
        if let Some(description) = unused {
            return Err(Error::UnusedInteraction { consumer, description });
        }
        for interaction in &interactions {
            recorder.record(&consumer, &provider, &interaction.to_json(), origin)?;
        }
        Ok(())
    }
}

/// Puts the type of the body into a header, unless there is one: other verifiers send the headers of a pact and no more, and
/// a provider would not know what it gets.
fn declare_type(request: &mut HttpRequest) {
    if let Some(content_type) = request.body.content_type().filter(|_| request.body.is_present()) {
        let headers = request.headers.get_or_insert_default();
        if !headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")) {
            headers.insert("content-type".to_owned(), vec![content_type.to_string()]);
        }
    }
}
