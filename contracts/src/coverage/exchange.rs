//! What an interaction of a pact says, in the form that it is compared with documents in.

use std::collections::BTreeMap;

use pact_models::bodies::OptionalBody;
use pact_models::content_types::ContentType;
use pact_models::v4::async_message::AsynchronousMessage;
use pact_models::v4::synch_http::SynchronousHttp;
use serde_json::Value;

use crate::document::is_json;
use crate::store::{Content, Interaction};

/// What the two sides say to each other.
#[derive(Clone, Debug)]
pub(crate) enum Talk {
    /// A request and its response.
    Http(Box<Exchange>),
    /// A message of the provider.
    Message(Message),
}

/// A request and its response.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Values by name; an empty text where only the name is there.
    pub(crate) query: BTreeMap<String, Vec<String>>,
    /// By name in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Payload>,
    pub(crate) status: u16,
    pub(crate) answer_headers: BTreeMap<String, String>,
    pub(crate) answer: Option<Payload>,
}

/// A message with its metadata.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) payload: Option<Payload>,
}

/// A body.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// Media type, when anything says it.
    pub(crate) media_type: Option<String>,
    /// Its content, when that is JSON.
    pub(crate) json: Option<Value>,
}

impl Talk {
    /// What an interaction says.
    pub(crate) fn of(interaction: &Interaction) -> Self {
        match &interaction.content {
            Content::Http(http) => Self::Http(Box::new(Exchange::of(http))),
            Content::Message(message) => Self::Message(Message::of(message)),
        }
    }
}

impl Exchange {
    fn of(http: &SynchronousHttp) -> Self {
        let (request, response) = (&http.request, &http.response);
        let query = request.query.iter().flatten().map(|(name, values)| {
            let values = values.iter().map(|value| value.clone().unwrap_or_default()).collect();
            (name.clone(), values)
        });
        Self {
            method: request.method.to_ascii_uppercase(),
            path: request.path.clone(),
            query: query.collect(),
            headers: headers(request.headers.as_ref()),
            body: payload(&request.body, request.content_type()),
            status: response.status,
            answer_headers: headers(response.headers.as_ref()),
            answer: payload(&response.body, response.content_type()),
        }
    }
}

impl Message {
    fn of(message: &AsynchronousMessage) -> Self {
        let contents = &message.contents;
        Self {
            metadata: contents.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            payload: payload(&contents.contents, contents.message_content_type()),
        }
    }

    /// Values of the metadata that are texts.
    pub(crate) fn words(&self) -> Vec<&str> {
        self.metadata.values().filter_map(Value::as_str).collect()
    }
}

fn headers(headers: Option<&std::collections::HashMap<String, Vec<String>>>) -> BTreeMap<String, String> {
    headers.into_iter().flatten().map(|(name, values)| (name.to_lowercase(), values.join(", "))).collect()
}

fn payload(body: &OptionalBody, said: Option<ContentType>) -> Option<Payload> {
    let OptionalBody::Present(bytes, own, _) = body else { return None };
    let media_type = own.clone().or(said).map(|media_type| media_type.to_string());
    let json = media_type.as_deref().is_none_or(is_json).then(|| serde_json::from_slice(bytes).ok()).flatten();
    Some(Payload { media_type, json })
}
