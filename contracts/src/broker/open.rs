//! The broker, wherever it is: its database, or its address.

use std::fmt;

use serde_json::Value;

use super::store::{ForVerification, Placement, PlacementKind, Publication, Question, Store, Verification};
use super::{BrokerError, Client, Credential};
use crate::canonical::one_line;
use crate::gate::{Decision, Judgement, Row, Version};

/// What pipelines ask and tell a contract broker.
///
/// # Examples
///
/// ```
/// use contracts::broker::Broker;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let broker = Broker::open(&format!("sqlite://{}/broker.db", dir.path().display()), None).await?;
/// broker.ensure_environment("production").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub enum Broker {
    /// Its database, without a server.
    Database(Store),
    /// Its HTTP interface.
    Http(Client),
}

/// A pact that was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Who must honour it.
    pub provider: String,
    /// Hash of its content.
    pub content: String,
    /// Whether nobody had published this content before; none when the broker does not say.
    pub new: Option<bool>,
}

/// A pact to verify.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Who expects.
    pub consumer: String,
    /// The pact.
    pub document: Value,
    /// Whether its failure fails nobody.
    pub pending: bool,
}

/// The answer to "can I deploy?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The answer.
    pub decision: Decision,
    /// A sentence for each reason.
    pub reasons: Vec<String>,
    /// Every pact that was required.
    pub rows: Vec<Row>,
}

impl From<Judgement> for Answer {
    fn from(judgement: Judgement) -> Self {
        let Judgement { decision, reasons, rows } = judgement;
        Self {
            decision,
            reasons: reasons.iter().map(|reason| one_line(&reason.to_string(), usize::MAX)).collect(),
            rows,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.decision)?;
        for reason in &self.reasons {
            write!(f, "\n  {reason}")?;
        }
        Ok(())
    }
}

impl Broker {
    /// The broker at `address`: `https://...` or `http://...` for whoever has `credential`, or its database, `sqlite://FILE`
    /// or `postgres://...`.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, or the address is none. An address is asked for nothing yet.
    pub async fn open(address: &str, credential: Option<Credential>) -> Result<Self, BrokerError> {
        if address.starts_with("http:") || address.starts_with("https:") {
            return Ok(Self::Http(Client::new(address, credential)?));
        }
        match credential {
            None => Ok(Self::Database(Store::open(address).await?)),
            Some(_) => Err(BrokerError::Invalid(
                "a database takes no credentials of a broker: expected them in its own URL, or `https://...`".into(),
            )),
        }
    }

    /// Publishes pacts of one version of a consumer, all of them or none.
    ///
    /// # Errors
    ///
    /// When a pact cannot be one, something else was published under this version, or the broker fails.
    pub async fn publish(&self, publication: &Publication) -> Result<Vec<Announced>, BrokerError> {
        match self {
            Self::Http(client) => client.publish(publication).await,
            Self::Database(store) => {
                let published = store.publish(publication).await?.into_iter();
                Ok(published
                    .map(|each| Announced { provider: each.provider, content: each.content, new: Some(!each.known) })
                    .collect())
            }
        }
    }

    /// The pacts that `provider` is to verify.
    ///
    /// # Errors
    ///
    /// When the question contradicts itself, or the broker fails.
    pub async fn for_verification(&self, provider: &str, asked: &ForVerification) -> Result<Vec<Given>, BrokerError> {
        match self {
            Self::Http(client) => client.for_verification(provider, asked).await,
            Self::Database(store) => {
                let mut given = Vec::new();
                for each in store.for_verification(provider, asked).await? {
                    let document = store.content(&each.pact.content).await?;
                    given.push(Given { consumer: each.pact.consumer.pacticipant, document, pending: each.pending });
                }
                Ok(given)
            }
        }
    }

    /// Makes sure that somebody has published the pact with this content.
    ///
    /// # Errors
    ///
    /// [`BrokerError::NotFound`] when nobody has; or the broker fails.
    pub async fn knows(&self, provider: &str, consumer: &str, content: &str) -> Result<(), BrokerError> {
        match self {
            Self::Http(client) => client.knows(provider, consumer, content).await,
            Self::Database(store) => store.pact_by_content(provider, consumer, content).await.map(drop),
        }
    }

    /// Keeps the results of several pacts, each with its consumer and content, and puts the version that was verified on
    /// its branch.
    ///
    /// # Errors
    ///
    /// For the first that is refused, or when the broker fails. In a database nothing was kept then; over HTTP what came
    /// before it was, which the error says.
    pub async fn record_verifications(
        &self,
        provider: &Version,
        branch: Option<&str>,
        verifications: &[(String, String, Verification)],
    ) -> Result<(), BrokerError> {
        match self {
            Self::Http(client) => client.record_verifications(provider, branch, verifications).await,
            Self::Database(store) => store.record_verifications(provider, branch, verifications).await.map(drop),
        }
    }

    /// Whether a version may go to an environment; pacts with `ignored` pacticipants do not count.
    ///
    /// # Errors
    ///
    /// When the environment is unknown, a name is empty, or the broker fails: nobody is told yes then.
    pub async fn can_i_deploy(
        &self,
        version: &Version,
        environment: &str,
        ignored: &[String],
    ) -> Result<Answer, BrokerError> {
        match self {
            Self::Http(client) => client.can_i_deploy(version, environment, ignored).await,
            Self::Database(store) => {
                let question = Question::deploy(&version.pacticipant, &version.number, environment);
                Ok(store.can_i_deploy(&Question { ignored: ignored.to_vec(), ..question }).await?.into())
            }
        }
    }

    /// Makes an environment unless there is one of this name.
    ///
    /// # Errors
    ///
    /// When the name cannot be one, or the broker fails.
    pub async fn ensure_environment(&self, name: &str) -> Result<(), BrokerError> {
        match self {
            Self::Http(client) => client.ensure_environment(name).await,
            Self::Database(store) => match store.environment(name).await {
                Err(BrokerError::NotFound(_)) => match store.create_environment(name, name, false).await {
                    // Somebody else has made it meanwhile.
                    Err(BrokerError::Conflict(_)) => Ok(()),
                    made => made.map(drop),
                },
                found => found.map(drop),
            },
        }
    }

    /// Says that a version is in an environment now.
    ///
    /// # Errors
    ///
    /// When nobody has heard of the version or the environment, or the broker fails.
    pub async fn record_placement(
        &self,
        kind: PlacementKind,
        version: &Version,
        environment: &str,
        target: Option<&str>,
    ) -> Result<Placement, BrokerError> {
        match self {
            Self::Http(client) => client.record_placement(kind, version, environment, target).await,
            Self::Database(store) => store.record_placement(kind, version, environment, target).await,
        }
    }
}
