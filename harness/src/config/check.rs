//! What the sections of a configuration say about each other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use chaos::invariants::InvariantSpec;
use chaos::load::Threshold;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::backend::BackendKind;
use super::document::Findings;
use super::error::hint_among;
use super::placeholder::{PlaceholderError, expand};
use super::schema::{Broker, Command, Config, Service, Source};

/// Names that the harness gives a meaning of its own.
const BUILT_IN: [&str; 5] = ["broker", "smtp", "client", "collector", "watchdog"];

/// Name of the message broker.
const BROKER: &str = "broker";

/// What URLs of databases that can be observed start with.
const DATABASES: [&str; 3] = ["sqlite:", "postgres:", "postgresql:"];

/// Where each value of a document is, by its path.
pub(super) struct Places(BTreeMap<String, Range<usize>>);

impl Places {
    pub(super) fn of(document: &Spanned<DeTable<'_>>) -> Self {
        let mut places = BTreeMap::new();
        walk_table("", document.get_ref(), &mut places);
        Self(places)
    }

    /// The place of a value, or of the nearest table around it.
    fn get(&self, path: &str) -> Range<usize> {
        let mut path = path;
        loop {
            if let Some(span) = self.0.get(path) {
                return span.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 0..0,
            }
        }
    }
}

fn walk_table(path: &str, table: &DeTable<'_>, places: &mut BTreeMap<String, Range<usize>>) {
    for (key, value) in table {
        let path = if path.is_empty() { key.get_ref().to_string() } else { format!("{path}.{}", key.get_ref()) };
        walk(path, value, places);
    }
}

fn walk(path: String, value: &Spanned<DeValue<'_>>, places: &mut BTreeMap<String, Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => walk_table(&path, table, places),
        DeValue::Array(array) => {
            for (at, item) in array.iter().enumerate() {
                walk(format!("{path}[{at}]"), item, places);
            }
        }
        _ => {}
    }
    places.insert(path, value.span());
}

/// What the file declares, be it right or wrong: a table with a mistake in it exists all the same.
pub(super) struct Declared {
    pub(super) services: Vec<String>,
    pub(super) tables: Vec<String>,
    pub(super) backends: Vec<String>,
    pub(super) broker: bool,
    pub(super) mail: bool,
}

/// Reports every reference that leads nowhere.
pub(super) fn check(
    config: &Config,
    declared: &Declared,
    invariants: &[(Range<usize>, InvariantSpec)],
    places: &Places,
    findings: &Findings<'_>,
) {
    let check = Check { config, declared, places, findings };
    check.names();
    check.processes();
    check.phases();
    check.tables(invariants);
}

struct Check<'c> {
    config: &'c Config,
    declared: &'c Declared,
    places: &'c Places,
    findings: &'c Findings<'c>,
}

impl Check<'_> {
    fn add(&self, path: &str, message: String, hint: Option<String>) {
        self.findings.add(&self.places.get(path), message, hint);
    }

    fn service_names(&self) -> Vec<&str> {
        self.declared.services.iter().map(String::as_str).collect()
    }

    fn table_names(&self) -> Vec<&str> {
        self.declared.tables.iter().map(String::as_str).collect()
    }

    fn service(&self, path: &str, name: &str) {
        if !self.service_names().contains(&name) {
            let hint = hint_among(name, &self.service_names(), "services");
            self.add(path, format!("`{path}` names the unknown service `{name}`"), Some(hint));
        }
    }

    fn names(&self) {
        let entry = &self.config.system.entry;
        if !entry.is_empty() {
            self.service("system.entry", entry);
        }
        self.backend_of_the_broker();
        let groups: [(&str, Vec<&str>); 4] = [
            ("services", self.service_names()),
            ("links", self.config.links.keys().map(String::as_str).collect()),
            ("backends", self.backend_names()),
            ("observe", self.table_names()),
        ];
        for (group, names) in groups {
            for name in names {
                let path = format!("{group}.{name}");
                let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
                    self.add(
                        &path,
                        format!("`{name}` is no name"),
                        Some("expected 1 to 64 letters, digits, `-` or `_`".to_owned()),
                    );
                }
                // The broker of the system may be one of its backends.
                let broker = group == "backends" && name == BROKER;
                if group != "observe" && !broker && BUILT_IN.contains(&name) {
                    self.add(
                        &path,
                        format!("`{name}` has a meaning of its own"),
                        Some(format!("expected a name other than `{}`", BUILT_IN.join("`, `"))),
                    );
                }
                if group == "links" && self.service_names().contains(&name) {
                    self.add(
                        &path,
                        format!("`{path}` is also a service"),
                        Some("services need no entry in `[links]`".to_owned()),
                    );
                }
                if group == "backends" && (self.service_names().contains(&name) || self.config.links.contains_key(name))
                {
                    let message = format!("`{path}` is also a service or a link");
                    self.add(&path, message, Some("expected a name that nothing else has".to_owned()));
                }
            }
        }
        for (name, address) in &self.config.links {
            let port = address
                .rsplit_once(':')
                .and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>().ok())?);
            if port.is_none_or(|port| port == 0) {
                self.add(
                    &format!("links.{name}"),
                    format!("`links.{name}` is `{address}`"),
                    Some("expected `host:port`".to_owned()),
                );
            }
        }
        let mut ports: BTreeMap<u16, &str> = BTreeMap::new();
        for service in self.config.services.values() {
            if let Some(port) = service.port
                && let Some(other) = ports.insert(port, &service.name)
            {
                self.add(
                    &format!("services.{}.port", service.name),
                    format!("port {port} is taken by `{other}`"),
                    None,
                );
            }
        }
    }

    /// The broker is the backend of that name exactly when `[broker]` says so.
    fn backend_of_the_broker(&self) {
        let declared = self.declared.backends.iter().any(|name| name == BROKER);
        let kind = self.config.backends.get(BROKER).map(|backend| backend.kind);
        match &self.config.broker {
            Some(Broker::Backend) if !declared => self.add(
                BROKER,
                "`broker` has no `url`, and there is no `[backends.broker]`".to_owned(),
                Some("expected `url` and `management`, or a table `[backends.broker]`".to_owned()),
            ),
            Some(Broker::Backend) if kind == Some(BackendKind::Postgres) => self.add(
                "backends.broker.kind",
                "`backends.broker.kind` is `postgres`".to_owned(),
                Some("expected `rabbitmq`".to_owned()),
            ),
            Some(Broker::Backend) => {}
            _ if declared => self.add(
                "backends.broker",
                "`backends.broker` is not the broker of the system".to_owned(),
                Some("expected `[broker]` with `kind = \"rabbitmq\"` and no `url`, or another name".to_owned()),
            ),
            _ => {}
        }
    }

    fn backend_names(&self) -> Vec<&str> {
        self.declared.backends.iter().map(String::as_str).collect()
    }

    fn processes(&self) {
        for service in self.config.services.values() {
            self.service_text(&format!("services.{}", service.name), service);
        }
        if let Some(build) = &self.config.system.build {
            self.command("system.build", build);
        }
        if let Some(contracts) = &self.config.contracts {
            if let Some(record) = &contracts.record {
                self.command("contracts.record", &record.command);
            }
            for (name, provider) in &contracts.providers {
                let path = format!("contracts.providers.{name}");
                self.service(&format!("{path}.service"), &provider.service);
                for (key, value) in &provider.env {
                    self.text(&format!("{path}.env.{key}"), value, |name| self.process_placeholder(name), &PROCESS);
                }
            }
        }
    }

    fn service_text(&self, path: &str, service: &Service) {
        let process = |name: &str| self.process_placeholder(name);
        for (at, argument) in service.command.iter().enumerate() {
            self.text(&format!("{path}.command[{at}]"), argument, process, &PROCESS);
        }
        for (key, value) in &service.env {
            // A default that leads nowhere is reported where it is written, and once.
            let own = format!("{path}.env.{key}");
            let place = if self.places.0.contains_key(&own) { own } else { format!("defaults.env.{key}") };
            self.text(&place, value, process, &PROCESS);
        }
        if !service.dir.is_dir() {
            let place = format!("{path}.dir");
            let place = if self.places.0.contains_key(&place) { place } else { "defaults.dir".to_owned() };
            self.folder(&place, &service.dir);
        }
    }

    fn command(&self, path: &str, command: &Command) {
        let arguments = command.command.iter().enumerate().map(|(at, text)| (format!("{path}.command[{at}]"), text));
        let env = command.env.iter().map(|(key, text)| (format!("{path}.env.{key}"), text));
        for (place, text) in arguments.chain(env) {
            self.text(&place, text, |name| COMMAND.contains(&name), &COMMAND);
        }
        self.folder(&format!("{path}.dir"), &command.dir);
    }

    fn folder(&self, path: &str, folder: &Path) {
        if !folder.is_dir() {
            let hint = "paths are relative to the file they are written in";
            self.add(path, format!("the folder `{}` does not exist", folder.display()), Some(hint.to_owned()));
        }
    }

    fn process_placeholder(&self, name: &str) -> bool {
        match name.split_once(':') {
            Some(("link", peer)) => self.peers().contains(&peer),
            Some(("backend", backend)) => self.backend_names().contains(&backend),
            Some(_) => false,
            None => PROCESS.contains(&name),
        }
    }

    /// Names that `${link:...}` can lead to.
    fn peers(&self) -> Vec<&str> {
        let config = self.config;
        let mut peers = self.service_names();
        peers.extend(config.links.keys().map(String::as_str));
        peers.extend(self.backend_names());
        peers.extend(self.declared.broker.then_some("broker"));
        peers.extend(self.declared.mail.then_some("smtp"));
        peers
    }

    fn observe_placeholder(&self, name: &str) -> bool {
        match name.split_once(':') {
            Some(("data" | "service", service)) => self.service_names().contains(&service),
            Some(("env", variable)) => self.variable(variable).is_some(),
            _ => name == "entry",
        }
    }

    /// The text of `SERVICE:VARIABLE`, as the service has it.
    fn variable(&self, name: &str) -> Option<&str> {
        let (service, variable) = name.split_once(':')?;
        self.config.services.get(service)?.env.get(variable).map(String::as_str)
    }

    /// What a database's URL begins with, once a leading variable of a service is followed.
    fn is_database(&self, url: &str) -> bool {
        let followed = url.strip_prefix("${env:").and_then(|rest| rest.split_once('}'));
        let text = followed.map_or(Some(url), |(name, _)| self.variable(name));
        let known = |text: &str| {
            let backend = text.strip_prefix("${backend:").and_then(|rest| Some(rest.split_once('}')?.0));
            let backend = backend.and_then(|name| self.config.backends.get(name));
            backend.is_some_and(|backend| backend.kind == BackendKind::Postgres)
                || DATABASES.iter().any(|scheme| text.starts_with(scheme))
        };
        // What leads nowhere is reported as that.
        text.is_none_or(known)
    }

    /// Reports the placeholders of a text that `known` does not know.
    fn text(&self, path: &str, text: &str, known: impl Fn(&str) -> bool, accepted: &[&str]) {
        // Standing in for every value, so that all mistakes of the text are seen and not only the first.
        let mut unknown = Vec::new();
        let outcome = expand(text, |name| {
            if !known(name) {
                unknown.push(name.to_owned());
            }
            Some(String::new())
        });
        if let Err(error @ PlaceholderError::Unclosed(_)) = outcome {
            self.add(path, error.to_string(), None);
        }
        for name in unknown {
            let hint = match name.split_once(':') {
                Some(("link", peer)) if accepted.contains(&"link:NAME") => {
                    let missing = match peer {
                        "broker" => Some("there is no `[broker]` in the file"),
                        "smtp" => Some("there is no `[mail]` in the file"),
                        _ => None,
                    };
                    missing.map_or_else(|| hint_among(peer, &self.peers(), "peers"), str::to_owned)
                }
                Some(("backend", backend)) if accepted.contains(&"backend:NAME") => {
                    hint_among(backend, &self.backend_names(), "backends")
                }
                Some(("env", variable)) if accepted.contains(&"env:SERVICE:VARIABLE") => self.variable_hint(variable),
                Some(("data" | "service", service)) if accepted.contains(&"service:NAME") => {
                    hint_among(service, &self.service_names(), "services")
                }
                _ => hint_among(&name, accepted, "accepted here"),
            };
            self.add(path, PlaceholderError::Unknown(name).to_string(), Some(hint));
        }
    }

    fn variable_hint(&self, name: &str) -> String {
        let (service, variable) = name.split_once(':').unwrap_or((name, ""));
        let Some(known) = self.config.services.get(service) else {
            return hint_among(service, &self.service_names(), "services");
        };
        let variables: Vec<&str> = known.env.keys().map(String::as_str).collect();
        hint_among(variable, &variables, &format!("variables of `{service}`"))
    }

    fn phases(&self) {
        let config = self.config;
        if let Some(journeys) = &config.journeys {
            self.folder("journeys.dir", &journeys.dir);
        }
        if let Some(chaos) = &config.chaos {
            self.folder("chaos.dir", &chaos.dir);
            if config.load.is_none() && config.journeys.is_none() {
                self.add(
                    "chaos",
                    "`chaos` has nothing to put load on".to_owned(),
                    Some("expected `[journeys]`".to_owned()),
                );
            }
        }
        if config.load.is_some() && config.journeys.is_none() {
            self.add("load", "`load` runs a journey, but there is no `[journeys]`".to_owned(), None);
        }
        if let Some(load) = &config.load {
            let shapes =
                [("load.thresholds", &load.full.thresholds), ("load.quick.thresholds", &load.quick.thresholds)];
            for (path, thresholds) in shapes {
                // Without thresholds of its own, the quick shape has those of the full one.
                let own = thresholds.iter().enumerate().filter(|_| self.places.0.contains_key(path));
                for (at, threshold) in own {
                    if let Err(error) = threshold.parse::<Threshold>() {
                        self.add(&format!("{path}[{at}]"), format!("`{path}[{at}]`: {error}"), None);
                    }
                }
            }
        }
    }

    fn tables(&self, invariants: &[(Range<usize>, InvariantSpec)]) {
        let tables = self.table_names();
        for (at, table) in self.config.rest.empty.iter().enumerate() {
            if !tables.contains(&table.as_str()) {
                let message = format!("`rest.empty` names the unknown table `{table}`");
                self.add(
                    &format!("rest.empty[{at}]"),
                    message,
                    Some(hint_among(table, &tables, "tables of `[observe]`")),
                );
            }
        }
        for (name, source) in &self.config.observe {
            let path = format!("observe.{name}");
            let known = |name: &str| self.observe_placeholder(name);
            let places = |keys: [&str; 2]| keys.map(|key| format!("{path}.{key}"));
            match source {
                Source::Sql { database, .. } => {
                    self.text(&format!("{path}.sql.database"), database, known, &OBSERVE);
                    if !self.is_database(database) {
                        let message = format!("`{path}.sql.database` is `{database}`");
                        self.add(
                            &format!("{path}.sql.database"),
                            message,
                            Some("expected a URL that starts with `sqlite:`, `postgres:` or `postgresql:`".to_owned()),
                        );
                    }
                }
                Source::Http { url, headers, .. } => {
                    let [by_url, by_service] = places(["http.url", "http.service"]);
                    let place = if self.places.0.contains_key(&by_url) { by_url } else { by_service };
                    self.text(&place, url, known, &OBSERVE);
                    for (key, value) in headers {
                        self.text(&format!("{path}.http.headers.{key}"), value, known, &OBSERVE);
                    }
                }
                Source::Queues { .. } | Source::Messages { .. } if !self.declared.broker => {
                    self.add(&path, format!("`{path}` reads queues, but there is no `[broker]`"), None);
                }
                Source::Mail { .. } if !self.declared.mail => {
                    self.add(&path, format!("`{path}` reads mails, but there is no `[mail]`"), None);
                }
                Source::Queues { .. } | Source::Messages { .. } | Source::Mail { .. } | Source::History { .. } => {}
            }
        }
        for (span, spec) in invariants {
            for table in spec.tables() {
                if !tables.contains(&table) {
                    let message = format!("invariant `{}` names the unknown table `{table}`", spec.name);
                    self.findings.add(span, message, Some(hint_among(table, &tables, "tables of `[observe]`")));
                }
            }
        }
    }
}

const PROCESS: [&str; 9] =
    ["port", "data", "link:NAME", "backend:NAME", "otlp", "exe_dir", "target_dir", "profile", "run_id"];
const COMMAND: [&str; 4] = ["exe_dir", "target_dir", "profile", "run_id"];
const OBSERVE: [&str; 4] = ["data:NAME", "service:NAME", "env:SERVICE:VARIABLE", "entry"];
