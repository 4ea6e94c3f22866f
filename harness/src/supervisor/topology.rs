//! How messages travel in the broker: its exchanges and bindings, and where a client of the harness's own connects.

use reqwest::Method;
use serde::Deserialize;

use super::broker::{BrokerApi, BrokerApiError};
use super::system::{BROKER, RunningSystem};
use crate::config::Broker;

/// Beginning of the names of queues by which the harness itself listens; they are no part of the system.
pub(crate) const LISTENING: &str = "shakedown.listening.";

/// An exchange.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Exchange {
    /// Its name; empty for the default one.
    pub(crate) name: String,
    vhost: String,
    /// `topic`, `fanout`, `direct`, `headers` or a plug-in's.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    internal: bool,
}

impl Exchange {
    /// Whether producers of the system publish to it, and others can be bound to it.
    pub(crate) fn is_of_the_system(&self) -> bool {
        !self.name.is_empty() && !self.name.starts_with("amq.") && !self.internal
    }
}

/// A binding to an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Binding {
    /// The exchange.
    pub(crate) source: String,
    vhost: String,
    /// Routing key.
    pub(crate) routing_key: String,
}

impl BrokerApi {
    /// The exchanges of a virtual host.
    pub(crate) async fn exchanges(&self, vhost: &str) -> Result<Vec<Exchange>, BrokerApiError> {
        let all: Vec<Exchange> = self.list("/api/exchanges", "a list of exchanges").await?;
        Ok(all.into_iter().filter(|exchange| exchange.vhost == vhost).collect())
    }

    /// The bindings of a virtual host.
    pub(crate) async fn bindings(&self, vhost: &str) -> Result<Vec<Binding>, BrokerApiError> {
        let all: Vec<Binding> = self.list("/api/bindings", "a list of bindings").await?;
        Ok(all.into_iter().filter(|binding| binding.vhost == vhost).collect())
    }

    async fn list<T: for<'d> Deserialize<'d>>(
        &self,
        path: &str,
        expected: &'static str,
    ) -> Result<Vec<T>, BrokerApiError> {
        let answer = self.ask(Method::GET, path, None).await?;
        serde_json::from_value(answer).map_err(|_| self.shape(path, expected))
    }
}

impl RunningSystem {
    /// URL of the broker for a client that is not slowed down by any link; nothing when there is no broker.
    pub(crate) fn broker_url(&self) -> Option<String> {
        match self.config.broker.as_ref()? {
            Broker::Embedded => Some(format!("amqp://guest:guest@{}/%2f", self.places.services.get(BROKER)?)),
            Broker::Rabbitmq { url, .. } => Some(url.clone()),
            Broker::Backend => {
                let spaces = self.places.spaces.get(BROKER)?;
                Some(spaces.reach.url(&spaces.reach.address, spaces.of(BROKER)?))
            }
        }
    }
}
