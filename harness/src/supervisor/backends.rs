//! The servers that a system needs: where each of them is, and the containers of those that nobody else has started.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::assemble::{files, local, port_error};
use super::broker::BrokerApi;
use super::container::{self, Container, Recipe};
use super::environment::Places;
use super::ports::{Ports, Reserved};
use super::process::Launch;
use super::reach::Reach;
use super::readiness::Probe;
use super::service::{Service, State};
use super::spaces::Spaces;
use super::start::{StartError, StartOptions};
use super::system::BROKER;
use crate::config::{Backend, BackendKind, Broker, Config, Restart};

/// Variable with more arguments for RabbitMQ's virtual machine, and what a container of a run gets by it: queues are
/// counted often enough that waiting for rest does not take seconds.
const RABBITMQ_ARGUMENTS: (&str, &str) =
    ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-rabbit collect_statistics_interval 200");
/// After how much time a change of a queue shows then.
const FRESH: Duration = Duration::from_millis(500);

/// The backends of one system.
#[derive(Debug, Default)]
pub(super) struct Backends {
    pub(super) spaces: BTreeMap<String, Spaces>,
    /// Where each listens, of those that the harness starts.
    pub(super) addresses: BTreeMap<String, SocketAddr>,
    pub(super) reserved: Vec<Reserved>,
}

/// Names of the backends that the chosen services reach; all of them when everything is started.
pub(super) fn needed(config: &Config, chosen: &BTreeSet<String>, all: bool) -> BTreeSet<String> {
    let reached = |backend: &&String| {
        let mut services = config.services.values().filter(|service| chosen.contains(&service.name));
        all || services.any(|service| service.links().contains(*backend))
    };
    config.backends.keys().filter(reached).cloned().collect()
}

/// Finds each backend a place: its own server's, or ports for its container.
pub(super) fn place(
    config: &Config,
    needed: &BTreeSet<String>,
    mark: &str,
    ports: &mut Ports,
) -> Result<Backends, StartError> {
    let mut backends = Backends::default();
    for backend in config.backends.values().filter(|backend| needed.contains(&backend.name)) {
        let name = &backend.name;
        let reach = match &backend.server {
            Some(server) => Reach::running(backend.kind, server)
                .ok_or_else(|| StartError::NoServer { backend: name.clone(), variable: server.variable.clone() })?,
            None => {
                let mut free = || ports.free().map_err(|source| port_error(name, source));
                let port = free()?;
                let address = local(port.port());
                backends.addresses.insert(name.clone(), address);
                backends.reserved.push(port);
                let management = match backend.kind {
                    BackendKind::Postgres => None,
                    BackendKind::Rabbitmq => {
                        let port = free()?;
                        let base = format!("http://{}", local(port.port()));
                        backends.reserved.push(port);
                        Some(base)
                    }
                };
                let mut reach = Reach::container(backend, address.to_string(), management);
                reach.api = reach.api.map(|api| api.fresh_within(FRESH));
                reach
            }
        };
        let spaces = Spaces::new(config, name, reach, mark, backend.server.is_some());
        backends.spaces.insert(name.clone(), spaces);
    }
    Ok(backends)
}

impl Backends {
    /// The management API of the broker, when it is one of them.
    pub(super) fn broker(&self, config: &Config) -> Option<BrokerApi> {
        if config.broker != Some(Broker::Backend) {
            return None;
        }
        let spaces = self.spaces.get(BROKER)?;
        Some(spaces.reach.api.as_ref()?.in_vhost(spaces.of(BROKER)?))
    }

    /// The container of a backend as a service; nothing when somebody else has started it.
    pub(super) fn assemble(
        &self,
        backend: &Backend,
        places: &Places,
        run_dir: &Path,
        options: &StartOptions,
    ) -> Result<Option<Arc<Service>>, StartError> {
        let name = &backend.name;
        let Some((address, spaces)) = self.addresses.get(name).zip(self.spaces.get(name)) else { return Ok(None) };
        let reserved = |address: SocketAddr| self.reserved.iter().find(|reserved| reserved.port() == address.port());
        let Some(lock) = reserved(*address) else { return Ok(None) };
        let management = spaces.reach.api.as_ref().and_then(|api| api.base().rsplit_once(':')?.1.parse().ok());
        let container = container_name(&places.instance, name);
        let recipe = Recipe {
            name: container.clone(),
            image: &backend.image,
            args: &backend.args,
            env: environment(backend),
            ports: match backend.kind {
                BackendKind::Postgres => vec![(address.port(), 5432)],
                BackendKind::Rabbitmq => {
                    std::iter::once((address.port(), 5672)).chain(management.map(|port| (port, 15_672))).collect()
                }
            },
            memory: backend.memory,
            run_id: &places.run_id,
            lock: lock.lock(),
        };
        Ok(Some(Arc::new(Service {
            name: name.clone(),
            address: *address,
            launch: Launch {
                argv: Container::attached(&container),
                dir: run_dir.to_owned(),
                env: places.marks(),
                pattern: None,
            },
            container: Some(Container::new(recipe)),
            probe: Probe::Backend(Box::new(spaces.reach.clone())),
            within: backend.within,
            stop: backend.stop.clone(),
            restart: Restart::Never,
            log: files(name, places, run_dir, options)?,
            watchdog: options.watchdog.clone(),
            events: options.events.clone(),
            changing: tokio::sync::Mutex::default(),
            state: State::default(),
        })))
    }
}

/// What the file says, and what a server for one run is spared when the file says nothing.
fn environment(backend: &Backend) -> BTreeMap<String, String> {
    let mut env = backend.env.clone();
    match backend.kind {
        BackendKind::Postgres => {
            if !env.contains_key("POSTGRES_PASSWORD") {
                env.entry("POSTGRES_HOST_AUTH_METHOD".to_owned()).or_insert_with(|| "trust".to_owned());
            }
        }
        BackendKind::Rabbitmq => {
            let (name, value) = RABBITMQ_ARGUMENTS;
            env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    env
}

/// The system's mark, as a name that engines take.
fn container_name(instance: &str, backend: &str) -> String {
    let instance = instance.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-");
    format!("shakedown-{instance}-{backend}")
}

/// Removes what dead harnesses left on the engine, once it is known that there is one.
pub(super) async fn clear_engine() -> Result<usize, String> {
    container::sweep().await
}
