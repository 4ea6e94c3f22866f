//! How a system is started, and why one does not run.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::environment::exe_dir;
use super::ports::PortError;
use super::service::ServiceError;
use super::watchdog::Watchdog;
use super::{LinkError, own_program};
use crate::collector::Store;
use crate::config::placeholder::PlaceholderError;
use crate::events::Events;
use crate::smtp::Sink;

/// How to start a system, beyond what its configuration says.
#[derive(Clone)]
pub struct StartOptions {
    /// Identifier of the run; every process carries it in its environment.
    pub run_id: String,
    /// Address of the collector's OTLP over HTTP.
    pub collector: SocketAddr,
    /// Receives every line that services print on standard output.
    pub store: Option<Arc<Store>>,
    /// The SMTP sink that `smtp` stands for.
    pub mail: Option<Arc<Sink>>,
    /// Hears what happens to services.
    pub events: Events,
    /// Kills everything when the harness dies.
    pub watchdog: Arc<Watchdog>,
    /// The services to start; all when absent. The broker comes along when one of them has a link to it.
    pub only: Option<Vec<String>>,
    /// Ends the start early; what was started by then is stopped again.
    pub cancel: CancellationToken,
    /// Environment on top of the file's, by service.
    pub env_extra: BTreeMap<String, BTreeMap<String, String>>,
    /// Folder below the run's directory for `logs` and `data`; that directory itself when absent.
    pub subdirectory: Option<String>,
    /// Program and first arguments of the embedded broker; `--listen`, `--management` and `--data` are added.
    pub broker: Vec<String>,
    /// What `${exe_dir}` stands for; `${profile}` follows from it.
    pub exe_dir: PathBuf,
}

impl StartOptions {
    /// Options for a run, with the running program as the broker and its folder as `${exe_dir}`.
    #[must_use]
    pub fn new(run_id: impl Into<String>, collector: SocketAddr, watchdog: Arc<Watchdog>) -> Self {
        Self {
            run_id: run_id.into(),
            collector,
            store: None,
            mail: None,
            events: Events::default(),
            watchdog,
            only: None,
            cancel: CancellationToken::new(),
            env_extra: BTreeMap::new(),
            subdirectory: None,
            broker: vec![own_program().display().to_string(), "amqp".to_owned()],
            exe_dir: exe_dir(),
        }
    }
}

impl fmt::Debug for StartOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartOptions").field("run_id", &self.run_id).field("only", &self.only).finish_non_exhaustive()
    }
}

/// Why the system does not run. Nothing of it is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A service did not become ready.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A service has no port.
    #[error("service `{service}`: {source}")]
    Port {
        /// The service.
        service: String,
        /// Why.
        source: PortError,
    },
    /// A placeholder has no value.
    #[error("service `{service}`: {source}")]
    Placeholder {
        /// The service.
        service: String,
        /// Why.
        source: PlaceholderError,
    },
    /// A link cannot be opened.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A folder or file of the run cannot be made.
    #[error("cannot create `{}`: {source}", path.display())]
    Files {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A backend's server is named by something that is no URL of one.
    #[error("backend `{backend}`: `{variable}` in the environment is no URL with a host")]
    NoServer {
        /// The backend.
        backend: String,
        /// The variable.
        variable: String,
    },
    /// There is no engine to run backends on.
    #[error("backend `{backend}` needs a Docker engine, or the variable of its `url_env` a server that runs: {reason}")]
    NoEngine {
        /// The backend.
        backend: String,
        /// What the engine's command line says.
        reason: String,
    },
    /// No room could be made in a backend.
    #[error("backend `{backend}`: this run could not be given room of its own there: {reason}")]
    NoRoom {
        /// The backend.
        backend: String,
        /// Why.
        reason: String,
    },
    /// It was to end before it had begun.
    #[error("stopped before the system was ready")]
    Interrupted,
    /// A service to start does not exist.
    #[error("there is no service `{0}` in the configuration")]
    Unknown(String),
}
