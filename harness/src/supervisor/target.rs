//! The running system as a target of faults.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chaos::faults::Fault;
use chaos::{BoxFuture, Link, System, SystemError, Targets, UnmetCondition};

use super::broker::{BrokerApi, BrokerApiError};
use super::links;
use super::service::Service;
use super::stop::Ending;
use super::system::{BROKER, RunningSystem};
use crate::config::{Broker, Config};

impl RunningSystem {
    fn service(&self, name: &str) -> Result<&Arc<Service>, SystemError> {
        self.services.get(name).ok_or_else(|| SystemError::Unknown(name.to_owned()))
    }

    fn faulty_broker(&self) -> Result<&BrokerApi, SystemError> {
        let able = self.broker.as_ref().filter(|broker| broker.supports_faults());
        able.ok_or_else(|| SystemError::Unsupported("duplicating deliveries".to_owned()))
    }

    async fn freeze(&self, action: &'static str, service: &str, frozen: bool) -> Result<(), SystemError> {
        match self.service(service)?.freeze(frozen).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(failed(action, service, "it does not run")),
            Err(error) => Err(failed(action, service, error)),
        }
    }
}

/// What scenarios can aim at in a system that is not started yet.
#[must_use]
pub fn targets(config: &Config) -> Targets {
    let chosen: BTreeSet<String> = config.services.keys().cloned().collect();
    let mut services: Vec<String> = config.services.keys().cloned().collect();
    services.extend(config.backends.keys().cloned());
    if config.broker == Some(Broker::Embedded) {
        services.push(BROKER.to_owned());
    }
    services.sort_unstable();
    let links = links::wanted(config, &chosen, |_| None).into_keys().collect();
    Targets { services, links, duplicates: config.broker.is_some() }
}

/// Why a fault that aims right cannot be injected into this system, when it cannot: what its servers are unable to do, and
/// servers that somebody else has started.
#[must_use]
pub fn obstacle(config: &Config, fault: &dyn Fault) -> Option<String> {
    let (kind, target) = (fault.kind(), fault.target());
    if kind == "duplicate" && config.broker != Some(Broker::Embedded) {
        return Some("RabbitMQ cannot be told to deliver twice".to_owned());
    }
    let server = config.backends.get(target)?.server.as_ref()?;
    let variable = &server.variable;
    let touches = ["kill", "stop", "pause"].contains(&kind);
    touches.then(|| format!("`{target}` was started by somebody else (`{variable}`), who alone may {kind} it"))
}

fn failed(action: &'static str, target: &str, reason: impl ToString) -> SystemError {
    SystemError::Failed { action, target: target.to_owned(), reason: reason.to_string() }
}

impl System for RunningSystem {
    fn targets(&self) -> Targets {
        Targets {
            services: self.services.keys().cloned().collect(),
            links: self.links.keys().cloned().collect(),
            duplicates: self.faulty_broker().is_ok(),
        }
    }

    fn pid(&self, service: &str) -> Option<u32> {
        self.services.get(service)?.process().map(|process| process.pid)
    }

    fn address(&self, service: &str) -> Option<SocketAddr> {
        self.services.get(service).map(|service| service.address)
    }

    fn kill<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move { self.service(service)?.kill().await.map_err(|error| failed("kill", service, error)) })
    }

    fn start<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move { self.service(service)?.start().await.map_err(|error| failed("start", service, error)) })
    }

    fn stop<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move {
            match self.service(service)?.stop().await.ending {
                Ending::Undead { pid } => Err(failed("stop", service, format!("process {pid} survived SIGKILL"))),
                Ending::NotRunning | Ending::Exited { .. } | Ending::Killed => Ok(()),
            }
        })
    }

    fn pause<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(self.freeze("pause", service, true))
    }

    fn resume<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move {
            // One that was killed while it was frozen is frozen no more.
            self.service(service)?.freeze(false).await.map(drop).map_err(|error| failed("resume", service, error))
        })
    }

    fn ready<'a>(&'a self, service: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            match self.services.get(service) {
                Some(service) => service.ready().await,
                None => false,
            }
        })
    }

    fn link(&self, name: &str) -> Option<Arc<Link>> {
        self.links.get(name).cloned()
    }

    fn duplicate<'a>(&'a self, queue_glob: &'a str, p: f64, seed: u64) -> BoxFuture<'a, Result<(), SystemError>> {
        Box::pin(async move {
            let broker = self.faulty_broker()?;
            let failed = |error: BrokerApiError| failed("duplicate deliveries of", queue_glob, error);
            let before = broker.duplicated().await.map_err(failed)?;
            *self.duplicated_before.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = before;
            broker.duplicate(queue_glob, p, seed).await.map_err(failed)
        })
    }

    fn clear_duplicates(&self) -> BoxFuture<'_, Result<u64, SystemError>> {
        Box::pin(async move {
            let broker = self.faulty_broker()?;
            let failed = |error: BrokerApiError| failed("clear duplicates of", BROKER, error);
            broker.clear_duplicates().await.map_err(failed)?;
            let after = broker.duplicated().await.map_err(failed)?;
            let before = *self.duplicated_before.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // A broker that was restarted in between counts from zero again.
            Ok(if after >= before { after - before } else { after })
        })
    }

    fn at_rest(&self, within: Duration) -> BoxFuture<'_, Result<(), Vec<UnmetCondition>>> {
        Box::pin(self.rested(within))
    }
}
