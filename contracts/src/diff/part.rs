//! Parts of operations and events that have a schema.

use std::fmt;

use super::pair::{EventPair, OperationPair};
use super::usage::{Reader, Use};
use crate::coverage::Talk;
use crate::document::{Place, Side};
use serde_json::{Map, Value};

/// Which part of an operation or event a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part<'p> {
    /// A parameter of the request.
    Parameter(Place, &'p str),
    /// Body of the request.
    RequestBody,
    /// A header of the response with a status.
    ResponseHeader(&'p str, &'p str),
    /// Body of the response with a status.
    ResponseBody(&'p str),
    /// Headers of a message.
    Metadata,
    /// Body of a message.
    Payload,
}

impl Part<'_> {
    /// Who says what is in it.
    pub(crate) fn side(self) -> Side {
        match self {
            Self::Parameter(..) | Self::RequestBody => Side::Request,
            _ => Side::Response,
        }
    }

    /// What the consumers of an operation send or expect in this part of it.
    pub(crate) fn of_operation<'u>(self, pair: &OperationPair<'u>) -> Vec<Reader<'u>> {
        let values = |used: &'u Use| -> Vec<Value> {
            let Talk::Http(exchange) = &used.talk else { return Vec::new() };
            let status = || pair.before.response(exchange.status).map(|response| response.status);
            match self {
                Self::Parameter(Place::Path, name) => {
                    let values = pair.before.parameters_in(&exchange.path).unwrap_or_default();
                    values.into_iter().filter(|(key, _)| *key == name).map(|(_, value)| value.into()).collect()
                }
                Self::Parameter(Place::Query, name) => {
                    exchange.query.get(name).into_iter().flatten().map(|value| value.as_str().into()).collect()
                }
                Self::Parameter(Place::Header, name) => {
                    exchange.headers.get(&name.to_lowercase()).map(|value| value.as_str().into()).into_iter().collect()
                }
                Self::RequestBody => exchange.body.iter().filter_map(|body| body.json.clone()).collect(),
                Self::ResponseBody(wanted) if status() == Some(wanted) => {
                    exchange.answer.iter().filter_map(|body| body.json.clone()).collect()
                }
                Self::ResponseHeader(wanted, name) if status() == Some(wanted) => {
                    let value = exchange.answer_headers.get(&name.to_lowercase());
                    value.map(|value| value.as_str().into()).into_iter().collect()
                }
                _ => Vec::new(),
            }
        };
        pair.uses
            .iter()
            .copied()
            .flat_map(|used| values(used).into_iter().map(|value| Reader { used, value }))
            .collect()
    }

    /// What the consumers of an event expect in this part of it.
    pub(crate) fn of_event<'u>(self, pair: &EventPair<'u>) -> Vec<Reader<'u>> {
        let value = |used: &'u Use| -> Option<Value> {
            let Talk::Message(message) = &used.talk else { return None };
            match self {
                Self::Payload => message.payload.as_ref()?.json.clone(),
                Self::Metadata => {
                    let members = message.metadata.iter().map(|(key, value)| (key.clone(), value.clone()));
                    Some(Value::Object(members.collect::<Map<_, _>>()))
                }
                _ => None,
            }
        };
        pair.uses.iter().copied().filter_map(|used| Some(Reader { used, value: value(used)? })).collect()
    }
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(place, name) => {
                let place = match place {
                    Place::Path => "path",
                    Place::Query => "query",
                    Place::Header => "header",
                    Place::Cookie => "cookie",
                };
                write!(f, "{place} parameter `{name}`")
            }
            Self::RequestBody => f.write_str("request body"),
            Self::ResponseHeader(status, name) => write!(f, "header `{name}` of response {status}"),
            Self::ResponseBody(status) => write!(f, "response {status}"),
            Self::Metadata => f.write_str("metadata"),
            Self::Payload => f.write_str("payload"),
        }
    }
}
