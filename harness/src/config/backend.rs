//! What `[backends.NAME]` says.

use std::collections::BTreeMap;
use std::time::Duration;

use super::schema::Stop;

/// `[backends.NAME]`: a server that the services need and that is none of theirs.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: BackendKind,
    /// The container's image; `image_env` may have named it.
    pub image: String,
    /// A server that runs already, from the environment: no container is started.
    pub server: Option<RunningServer>,
    /// What the container runs; the image's own command when empty.
    pub args: Vec<String>,
    /// Environment of the container.
    pub env: BTreeMap<String, String>,
    /// Memory limit of the container in bytes.
    pub memory: Option<u64>,
    /// Time until it must answer.
    pub within: Duration,
    /// How the container is stopped.
    pub stop: Stop,
}

/// Kinds of servers that the harness can make room in and ask whether they are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendKind {
    /// PostgreSQL: each service that uses it has a database of its own.
    Postgres,
    /// RabbitMQ with its management plugin: the system has a virtual host of its own.
    Rabbitmq,
}

/// A server that somebody else has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningServer {
    /// The variable that names it.
    pub variable: String,
    /// Its URL, with a login that may create databases or virtual hosts.
    pub url: String,
    /// Base URL of its management API, with a login; RabbitMQ only.
    pub management: Option<String>,
}
