//! What a consumer expects of a message.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::panic::Location;

use bytes::Bytes;
use pact_consumer::patterns::{JsonPattern, Pattern as _};
use pact_models::bodies::OptionalBody;
use pact_models::content_types::JSON;
use pact_models::path_exp::DocPath;
use pact_models::provider_states::ProviderState;
use pact_models::v4::async_message::AsynchronousMessage;
use pact_models::v4::interaction::V4Interaction as _;
use pact_models::v4::message_parts::MessageContents;
use serde_json::Value;

use super::recorder::Recorder;
use crate::error::Error;

/// An example message, as the consumer's handler would get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The body.
    pub body: Bytes,
    /// Example values of the metadata: the message's headers.
    pub metadata: BTreeMap<String, String>,
}

/// One message that `provider` emits and `consumer` handles.
///
/// The message is put together by hand rather than with `pact_consumer`'s builder, whose rules for metadata never reach
/// the pact.
#[derive(Clone, Debug)]
pub struct MessagePact {
    consumer: String,
    provider: String,
    message: AsynchronousMessage,
    origin: &'static Location<'static>,
}

impl MessagePact {
    /// A message with neither metadata nor body.
    #[track_caller]
    #[must_use]
    pub fn new(consumer: &str, provider: &str, description: &str) -> Self {
        Self {
            consumer: consumer.to_owned(),
            provider: provider.to_owned(),
            message: AsynchronousMessage { description: description.to_owned(), ..AsynchronousMessage::default() },
            origin: Location::caller(),
        }
    }

    /// The provider must be in this state to emit it.
    #[must_use]
    pub fn given(mut self, state: &str) -> Self {
        self.message.provider_states.push(ProviderState::default(state));
        self
    }

    /// The provider must be in this state, with these parameters, to emit it.
    #[must_use]
    pub fn given_with<const N: usize>(mut self, state: &str, params: [(&str, Value); N]) -> Self {
        let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.message.provider_states.push(ProviderState { name: state.to_owned(), params });
        self
    }

    /// The message carries this metadata: an exact text, or a pattern.
    #[must_use]
    pub fn metadata(mut self, key: &str, value: impl Into<JsonPattern>) -> Self {
        let value = value.into();
        let contents = &mut self.message.contents;
        contents.metadata.insert(key.to_owned(), value.to_example());
        let rules = contents.matching_rules.add_category("metadata");
        value.extract_matching_rules(DocPath::root().join(key), rules);
        self
    }

    /// The message has this JSON body.
    #[must_use]
    pub fn json(mut self, body: impl Into<JsonPattern>) -> Self {
        let body = body.into();
        let contents = &mut self.message.contents;
        contents.contents = OptionalBody::Present(body.to_example().to_string().into(), Some(JSON.clone()), None);
        body.extract_matching_rules(DocPath::root(), contents.matching_rules.add_category("body"));
        self
    }

    /// Hands the example to the consumer's handler and records the pact when it succeeds.
    ///
    /// # Errors
    ///
    /// When the handler fails, or the same description and states are recorded with different content.
    pub async fn exercise<F, R, E>(self, recorder: &Recorder, handler: F) -> Result<(), Error>
    where
        F: FnOnce(Message) -> R,
        R: Future<Output = Result<(), E>>,
        E: Display,
    {
        let MessagePact { consumer, provider, message, origin } = self;
        super::run(&consumer, &message.description, handler(example(&message.contents))).await?;
        recorder.record(&consumer, &provider, &message.to_json(), origin)
    }
}

fn example(contents: &MessageContents) -> Message {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Message {
        body: contents.contents.value().unwrap_or_default(),
        metadata: contents.metadata.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
    }
}
