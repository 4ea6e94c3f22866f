//! The management API of the message broker: RabbitMQ's, as far as the harness needs it, and the embedded broker's
//! additions for faults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::LISTENING;
use crate::config::Broker;

/// After how much time a change of a queue shows in the API of a RabbitMQ as it comes: it collects every 5 s.
const STALE: Duration = Duration::from_secs(6);

/// Time for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Largest answer that is read.
const LARGEST: usize = 64 * 1024 * 1024;
/// Bytes of a message's body that are read.
const BODY: usize = 2048;

/// Why the broker did not answer as expected.
#[derive(Debug, thiserror::Error)]
pub enum BrokerApiError {
    /// No answer.
    #[error("{method} {url}: {source}")]
    Http {
        /// The method.
        method: Method,
        /// The address.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// Refused.
    #[error("{method} {url} answered {status}: {body}")]
    Status {
        /// The method.
        method: Method,
        /// The address.
        url: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        body: String,
    },
    /// Not what it should be.
    #[error("{url} answered something else than {expected}")]
    Shape {
        /// The address.
        url: String,
        /// What was expected.
        expected: &'static str,
    },
}

/// State of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// Messages that wait for a consumer.
    #[serde(default, rename = "messages_ready")]
    pub ready: u64,
    /// Messages that a consumer has and has not settled.
    #[serde(default, rename = "messages_unacknowledged")]
    pub unacked: u64,
    /// Consumers.
    #[serde(default)]
    pub consumers: u64,
}

/// A message that lies in a queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueuedMessage {
    /// The queue.
    pub queue: String,
    /// Message id, where it has one.
    pub message_id: String,
    /// Routing key with which it came.
    pub routing_key: String,
    /// `type` property or header, where it has one.
    pub kind: String,
    /// Why it was dead-lettered: a reason that the consumer wrote into a header, or the broker's own.
    pub reason: String,
    /// Beginning of the body.
    pub body: String,
    /// Headers.
    pub headers: BTreeMap<String, Value>,
}

impl QueuedMessage {
    /// Whether it was given up: dead-lettered by the broker, or by a consumer that says why.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        !self.reason.is_empty() || self.headers.contains_key("x-death")
    }
}

/// A broker's management API. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BrokerApi {
    base: String,
    user: String,
    password: String,
    faults: bool,
    /// The virtual host whose queues are meant; all of them when absent.
    vhost: Option<String>,
    stale: Duration,
    /// Made at the first use: most readers of a configuration never ask the broker anything.
    client: OnceLock<Client>,
}

impl BrokerApi {
    /// The API of the configured broker; an embedded one has its API at `management`. Nothing for one of the backends.
    pub(super) fn of(broker: &Broker, management: Option<SocketAddr>) -> Option<Self> {
        match broker {
            Broker::Embedded => {
                let address = management.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 15_672)));
                let (user, password) = guest();
                let api = Self::new(&format!("http://{address}"), &user, &password);
                Some(Self { faults: true, ..api.fresh_within(Duration::ZERO) })
            }
            Broker::Rabbitmq { url, management } => {
                let (user, password) = credentials(url).unwrap_or_else(guest);
                Some(Self::new(management, &user, &password))
            }
            Broker::Backend => None,
        }
    }

    /// The API at a base URL.
    pub(super) fn new(base: &str, user: &str, password: &str) -> Self {
        let (base, user, password) = (base.trim_end_matches('/').to_owned(), user.to_owned(), password.to_owned());
        Self { base, user, password, faults: false, vhost: None, stale: STALE, client: OnceLock::new() }
    }

    /// The API at a URL with a login in it; nothing when it is no URL.
    pub(crate) fn at(url: &str) -> Option<Self> {
        let mut parsed = reqwest::Url::parse(url).ok()?;
        let (user, password) = credentials(url).unwrap_or_else(guest);
        // A URL that has no login has none to be taken out.
        let _ = (parsed.set_username(""), parsed.set_password(None));
        Some(Self::new(parsed.as_str(), &user, &password))
    }

    /// The same for the queues of one virtual host.
    pub(super) fn in_vhost(&self, name: &str) -> Self {
        Self { vhost: Some(name.to_owned()), ..self.clone() }
    }

    /// The same for a broker whose changes show after this time.
    pub(super) fn fresh_within(self, stale: Duration) -> Self {
        Self { stale, ..self }
    }

    /// After how much time at the latest a change of a queue shows.
    pub(super) fn stale(&self) -> Duration {
        self.stale
    }

    /// Whether it answers.
    pub(super) async fn answers(&self) -> Result<(), BrokerApiError> {
        self.ask(Method::GET, "/api/overview", None).await.map(drop)
    }

    /// Its version, where it tells.
    pub(super) async fn version(&self) -> Result<Option<String>, BrokerApiError> {
        let overview = self.ask(Method::GET, "/api/overview", None).await?;
        Ok(overview.get("rabbitmq_version").and_then(Value::as_str).map(str::to_owned))
    }

    /// Makes a virtual host that the API's own user may do everything in.
    pub(super) async fn create_vhost(&self, name: &str) -> Result<(), BrokerApiError> {
        self.ask(Method::PUT, &format!("/api/vhosts/{}", escape(name)), Some(json!({}))).await?;
        let path = format!("/api/permissions/{}/{}", escape(name), escape(&self.user));
        let everything = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        self.ask(Method::PUT, &path, Some(everything)).await.map(drop)
    }

    /// Removes a virtual host with its queues and connections.
    pub(super) async fn delete_vhost(&self, name: &str) -> Result<(), BrokerApiError> {
        self.ask(Method::DELETE, &format!("/api/vhosts/{}", escape(name)), None).await.map(drop)
    }

    /// Its base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether the broker can be told to duplicate deliveries.
    #[must_use]
    pub fn supports_faults(&self) -> bool {
        self.faults
    }

    /// All queues of the system; those by which the harness listens are none.
    ///
    /// # Errors
    ///
    /// When the broker does not answer, or with something else.
    pub async fn queues(&self) -> Result<Vec<QueueState>, BrokerApiError> {
        let path = match &self.vhost {
            Some(vhost) => format!("/api/queues/{}", escape(vhost)),
            None => "/api/queues".to_owned(),
        };
        let answer = self.ask(Method::GET, &path, None).await?;
        let mut queues: Vec<QueueState> =
            serde_json::from_value(answer).map_err(|_| self.shape(&path, "a list of queues"))?;
        queues.retain(|queue| !queue.name.starts_with(LISTENING));
        Ok(queues)
    }

    /// The first messages of a queue, left where they are.
    ///
    /// # Errors
    ///
    /// When the broker does not answer, there is no such queue, or the answer is something else.
    pub async fn peek(&self, queue: &str, count: usize) -> Result<Vec<QueuedMessage>, BrokerApiError> {
        let vhost = self.vhost.as_deref().unwrap_or("/");
        let path = format!("/api/queues/{}/{}/get", escape(vhost), escape(queue));
        let body = json!({ "count": count, "ackmode": "ack_requeue_true", "encoding": "auto", "truncate": BODY });
        let answer = self.ask(Method::POST, &path, Some(body)).await?;
        let Value::Array(messages) = answer else { return Err(self.shape(&path, "a list of messages")) };
        Ok(messages.into_iter().map(|message| queued(queue, &message)).collect())
    }

    /// Makes the broker deliver messages of the queues that match a glob a second time, each with probability `p`.
    ///
    /// # Errors
    ///
    /// When the broker refuses, such as one that cannot do it.
    pub async fn duplicate(&self, queue_glob: &str, p: f64, seed: u64) -> Result<(), BrokerApiError> {
        let body = json!({ "queue": queue_glob, "p": p, "seed": seed });
        self.ask(Method::PUT, DUPLICATE, Some(body)).await.map(drop)
    }

    /// Deliveries duplicated since the broker was started.
    ///
    /// # Errors
    ///
    /// When the broker does not answer, or with something else.
    pub async fn duplicated(&self) -> Result<u64, BrokerApiError> {
        let answer = self.ask(Method::GET, DUPLICATE, None).await?;
        answer
            .get("delivered")
            .and_then(Value::as_u64)
            .ok_or_else(|| self.shape(DUPLICATE, "an object with `delivered`"))
    }

    /// Ends the duplication.
    ///
    /// # Errors
    ///
    /// When the broker does not answer.
    pub async fn clear_duplicates(&self) -> Result<(), BrokerApiError> {
        self.ask(Method::DELETE, DUPLICATE, None).await.map(drop)
    }

    pub(super) fn shape(&self, path: &str, expected: &'static str) -> BrokerApiError {
        BrokerApiError::Shape { url: format!("{}{path}", self.base), expected }
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, BrokerApiError> {
        let url = format!("{}{path}", self.base);
        let failed = |source| BrokerApiError::Http { method: method.clone(), url: url.clone(), source };
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                // Loopback or a machine named in the file: a proxy from the environment has no business here.
                let client = Client::builder().no_proxy().timeout(ANSWER).build().map_err(failed)?;
                self.client.get_or_init(|| client)
            }
        };
        let mut request = client.request(method.clone(), &url).basic_auth(&self.user, Some(&self.password));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST {
                return Err(self.shape(path, "less than 64 MiB"));
            }
        }
        if !status.is_success() {
            let body: String = String::from_utf8_lossy(&bytes).chars().take(300).collect();
            return Err(BrokerApiError::Status { method, url, status, body });
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|_| self.shape(path, "JSON"))
    }
}

const DUPLICATE: &str = "/api/faults/duplicate";

fn queued(queue: &str, message: &Value) -> QueuedMessage {
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let properties = message.get("properties");
    let property = |name: &str| properties.and_then(|properties| properties.get(name));
    let headers: BTreeMap<String, Value> = property("headers")
        .and_then(Value::as_object)
        .map(|headers| headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
        .unwrap_or_default();
    let header = |names: &[&str]| names.iter().find_map(|name| headers.get(*name));
    // The consumer's own words say more than the broker's `rejected`.
    let broker = headers.get("x-death").and_then(|deaths| deaths.get(0)?.get("reason"));
    let reason = header(&["x-dead-letter-reason", "x-error", "x-exception-message", "reason"]).or(broker);
    let reason = reason.or_else(|| header(&["x-first-death-reason"]));
    let kind = property("type")
        .filter(|kind| kind.as_str() != Some(""))
        .or_else(|| header(&["cloudEvents:type", "cloudEvents_type", "ce-type"]));
    let body: String = text(message.get("payload")).chars().take(BODY).collect();
    QueuedMessage {
        queue: queue.to_owned(),
        message_id: text(property("message_id")),
        routing_key: text(message.get("routing_key")),
        kind: text(kind),
        reason: text(reason),
        body,
        headers,
    }
}

fn guest() -> (String, String) {
    ("guest".to_owned(), "guest".to_owned())
}

/// `host:port` of an AMQP URL.
pub(super) fn authority(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.is_empty() {
        return None;
    }
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Some(if has_port { host.to_owned() } else { format!("{host}:5672") })
}

fn credentials(url: &str) -> Option<(String, String)> {
    let rest = url.split_once("://")?.1;
    let (user, _) = rest.split(['/', '?']).next()?.rsplit_once('@')?;
    let (user, password) = user.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// A name as one segment of a path.
pub(super) fn escape(name: &str) -> String {
    name.bytes().fold(String::with_capacity(name.len()), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broker_urls_are_taken_apart() {
        assert_eq!(authority("amqp://u:p@mq:5673/v").as_deref(), Some("mq:5673"));
        assert_eq!(authority("amqp://mq").as_deref(), Some("mq:5672"));
        assert_eq!(authority("mq"), None);
        assert_eq!(credentials("amqp://u:p@mq/"), Some(("u".to_owned(), "p".to_owned())));
        assert_eq!(credentials("amqp://mq/"), None);
        assert_eq!(escape("a b/ü"), "a%20b%2F%C3%BC");
    }

    #[test]
    fn a_dead_letter_says_why_it_is_dead() {
        let message = json!({
            "routing_key": "order.placed",
            "payload": "{oops",
            "properties": {
                "message_id": "m-1",
                "type": "",
                "headers": { "x-death": [{ "reason": "rejected", "queue": "users" }], "cloudEvents:type": "order.placed.v1" }
            }
        });
        let message = queued("users.dead", &message);
        assert_eq!((&*message.message_id, &*message.reason), ("m-1", "rejected"));
        assert_eq!((&*message.kind, &*message.body), ("order.placed.v1", "{oops"));
        let own =
            json!({ "properties": { "headers": { "x-death": [{ "reason": "rejected" }], "x-error": "no JSON" } } });
        assert_eq!(queued("q", &own).reason, "no JSON");
        assert_eq!(queued("q", &Value::Null).message_id, "");
    }
}
