//! What is started, and how: the services of a system put together from configuration and options.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::environment::Places;
use super::logs::Log;
use super::ports::PortError;
use super::process::Launch;
use super::readiness::Probe;
use super::service::{Service, State};
use super::start::{StartError, StartOptions};
use super::system::BROKER;
use crate::config::{Broker, Config, ReadyCondition, Restart, Stop, StopSignal};

/// Time for the embedded broker to become ready.
const BROKER_READY: Duration = Duration::from_secs(10);
/// Time for the embedded broker to stop.
const BROKER_STOP: Duration = Duration::from_secs(3);

/// Names of what is to be started.
pub(super) fn chosen(config: &Config, only: Option<&[String]>) -> Result<BTreeSet<String>, StartError> {
    let mut chosen: BTreeSet<String> = match only {
        None => config.services.keys().cloned().collect(),
        Some(only) => only.iter().cloned().collect(),
    };
    if let Some(unknown) = chosen.iter().find(|name| !config.services.contains_key(*name)) {
        return Err(StartError::Unknown(unknown.clone()));
    }
    let links_to_broker = |name: &String| config.services[name].links().iter().any(|peer| peer == BROKER);
    if config.broker == Some(Broker::Embedded) && (only.is_none() || chosen.iter().any(links_to_broker)) {
        chosen.insert(BROKER.to_owned());
    }
    Ok(chosen)
}

pub(super) fn assemble(
    service: &crate::config::Service,
    places: &Places,
    run_dir: &Path,
    options: &StartOptions,
) -> Result<Arc<Service>, StartError> {
    let name = &service.name;
    let (argv, env) = places
        .launch(service, options.env_extra.get(name))
        .map_err(|source| StartError::Placeholder { service: name.clone(), source })?;
    let address = places.services[name];
    let (probe, pattern) = match &service.ready.condition {
        ReadyCondition::Http(path) => (Probe::Http(address, path.clone()), None),
        ReadyCondition::Tcp => (Probe::Tcp(vec![address]), None),
        ReadyCondition::Log(regex) => (Probe::Log(regex.as_str().to_owned()), Some(regex.clone())),
    };
    Ok(Arc::new(Service {
        name: name.clone(),
        address,
        launch: Launch { argv, dir: service.dir.clone(), env, pattern },
        container: None,
        probe,
        within: service.ready.within,
        stop: service.stop.clone(),
        restart: service.restart,
        log: files(name, places, run_dir, options)?,
        watchdog: options.watchdog.clone(),
        events: options.events.clone(),
        changing: tokio::sync::Mutex::default(),
        state: State::default(),
    }))
}

pub(super) fn assemble_broker(
    management: SocketAddr,
    places: &Places,
    run_dir: &Path,
    options: &StartOptions,
) -> Result<Arc<Service>, StartError> {
    let address = places.services[BROKER];
    let log = files(BROKER, places, run_dir, options)?;
    let mut argv = options.broker.clone();
    let data = places.data_of(BROKER).display().to_string();
    let (listen, http) = (address.to_string(), management.to_string());
    argv.extend(["--listen", &listen, "--management", &http, "--data", &data].map(str::to_owned));
    Ok(Arc::new(Service {
        name: BROKER.to_owned(),
        address,
        launch: Launch { argv, dir: run_dir.to_owned(), env: places.marks(), pattern: None },
        container: None,
        probe: Probe::Tcp(vec![address, management]),
        within: BROKER_READY,
        stop: Stop { signal: StopSignal::Term, within: BROKER_STOP },
        restart: Restart::Never,
        log,
        watchdog: options.watchdog.clone(),
        events: options.events.clone(),
        changing: tokio::sync::Mutex::default(),
        state: State::default(),
    }))
}

/// Makes a service's own folder and its log.
pub(super) fn files(
    name: &str,
    places: &Places,
    run_dir: &Path,
    options: &StartOptions,
) -> Result<Arc<Log>, StartError> {
    let data = places.data_of(name);
    let logs = run_dir.join("logs");
    for path in [&data, &logs] {
        std::fs::create_dir_all(path).map_err(|source| StartError::Files { path: path.clone(), source })?;
    }
    let path = logs.join(format!("{name}.jsonl"));
    Log::create(&path, name, options.store.clone()).map_err(|source| StartError::Files { path, source })
}

pub(super) fn port_error(service: &str, source: PortError) -> StartError {
    StartError::Port { service: service.to_owned(), source }
}

pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
