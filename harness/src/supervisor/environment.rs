//! What a service is started with: placeholders filled in, and the variables that the harness sets itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::spaces::Spaces;
use super::{INSTANCE_VARIABLE, RUN_ID_VARIABLE};
use crate::config::Service;
use crate::config::placeholder::{PlaceholderError, expand};

/// Everything that a placeholder can stand for.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// Identifier of the run.
    pub(super) run_id: String,
    /// Mark of this system, unlike that of any other system of the run.
    pub(super) instance: String,
    /// Folder of the services' own folders.
    pub(super) data: PathBuf,
    /// Folder of the running program.
    pub(super) exe_dir: PathBuf,
    /// Cargo profile of the running program.
    pub(super) profile: String,
    /// The collector's OTLP over HTTP.
    pub(super) collector: SocketAddr,
    /// Where each service listens.
    pub(super) services: BTreeMap<String, SocketAddr>,
    /// Where each peer is, past any link.
    pub(super) peers: BTreeMap<String, String>,
    /// What the system has in each backend.
    pub(super) spaces: BTreeMap<String, Spaces>,
    /// The services' variables, placeholders not yet filled in.
    pub(super) variables: BTreeMap<String, BTreeMap<String, String>>,
    /// Where each link listens, by `from->to`.
    pub(super) links: BTreeMap<String, SocketAddr>,
    /// Base URL of the entry service, through its link.
    pub(super) entry: String,
}

impl Places {
    /// Folder of a service's own files.
    pub(super) fn data_of(&self, service: &str) -> PathBuf {
        self.data.join(service)
    }

    /// The value of a placeholder in a service's command or environment.
    fn of_service(&self, service: &str, name: &str) -> Option<String> {
        match name.split_once(':') {
            Some(("link", peer)) => Some(self.links.get(&format!("{service}->{peer}"))?.to_string()),
            Some(("backend", backend)) => {
                let link = self.links.get(&format!("{service}->{backend}"))?;
                self.backend(backend, service, &link.to_string())
            }
            Some(_) => None,
            None => match name {
                "port" => Some(self.services.get(service)?.port().to_string()),
                "data" => Some(self.data_of(service).display().to_string()),
                "otlp" => Some(self.collector.to_string()),
                "exe_dir" => Some(self.exe_dir.display().to_string()),
                "target_dir" => Some(self.exe_dir.parent().unwrap_or(&self.exe_dir).display().to_string()),
                "profile" => Some(self.profile.clone()),
                "run_id" => Some(self.run_id.clone()),
                _ => None,
            },
        }
    }

    /// URL of what a service has in a backend, by way of `address`.
    fn backend(&self, backend: &str, service: &str, address: &str) -> Option<String> {
        let spaces = self.spaces.get(backend)?;
        Some(spaces.reach.url(address, spaces.of(service)?))
    }

    /// A variable of a service as somebody beside it would have to write it: past any link.
    fn variable(&self, service: &str, variable: &str) -> Option<String> {
        let text = self.variables.get(service)?.get(variable)?;
        let filled = expand(text, |name| match name.split_once(':') {
            Some(("link", peer)) => self.peers.get(peer).cloned(),
            Some(("backend", backend)) => self.backend(backend, service, &self.spaces.get(backend)?.reach.address),
            _ => self.of_service(service, name),
        });
        filled.ok()
    }

    /// The value of a placeholder in `[observe]` and in journeys.
    pub(super) fn of_observer(&self, name: &str) -> Option<String> {
        match name.split_once(':') {
            Some(("data", service)) if self.services.contains_key(service) => {
                Some(self.data_of(service).display().to_string())
            }
            Some(("service", service)) => Some(self.services.get(service)?.to_string()),
            Some(("env", variable)) => {
                let (service, variable) = variable.split_once(':')?;
                self.variable(service, variable)
            }
            Some(_) => None,
            None => (name == "entry").then(|| self.entry.clone()),
        }
    }

    /// Argument vector and environment of a service; `extra` wins over the file, the file over the harness.
    pub(super) fn launch(
        &self,
        service: &Service,
        extra: Option<&BTreeMap<String, String>>,
    ) -> Result<(Vec<String>, BTreeMap<String, String>), PlaceholderError> {
        let fill = |text: &str| expand(text, |name| self.of_service(&service.name, name));
        let argv = service.command.iter().map(|text| fill(text)).collect::<Result<_, _>>()?;
        let mut env = self.marks();
        env.insert("OTEL_SERVICE_NAME".to_owned(), service.name.clone());
        // On a machine that the whole system and its load share, an exporter may wait for seconds; what it dropped meanwhile
        // would look like traces that are not whole.
        let soon_and_all = [
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "16384"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
        ];
        for (name, value) in soon_and_all {
            env.insert(name.to_owned(), value.to_owned());
        }
        env.insert("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), format!("http://{}", self.collector));
        env.insert("OTEL_EXPORTER_OTLP_PROTOCOL".to_owned(), "http/protobuf".to_owned());
        // Log lines are read from standard output, where even a panic ends up; sent as records too, each would count twice.
        env.insert("OTEL_LOGS_EXPORTER".to_owned(), "none".to_owned());
        for (name, value) in service.env.iter().chain(extra.into_iter().flatten()) {
            env.insert(name.clone(), fill(value)?);
        }
        // The mark is what the watchdog finds processes by, so nothing may take it away.
        env.extend(self.marks());
        Ok((argv, env))
    }

    /// The variables by which processes of this system are found.
    pub(super) fn marks(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (RUN_ID_VARIABLE.to_owned(), self.run_id.clone()),
            (INSTANCE_VARIABLE.to_owned(), self.instance.clone()),
        ])
    }
}

/// Folder of the running program.
pub(super) fn exe_dir() -> PathBuf {
    let exe = super::own_program();
    exe.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Cargo profile that put a program into `exe_dir`: `release` or `dev`.
pub(super) fn profile_of(exe_dir: &Path) -> &'static str {
    match exe_dir.file_name().and_then(|name| name.to_str()) {
        Some("release") => "release",
        Some("debug") => "dev",
        _ if cfg!(debug_assertions) => "dev",
        _ => "release",
    }
}
