//! The running system.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use chaos::Link;
use nix::sys::signal::Signal;
use tokio::task::JoinSet;

use super::assemble::{assemble, assemble_broker, chosen, local, port_error};
use super::backends;
use super::broker::BrokerApi;
use super::environment::{Places, profile_of};
use super::ports::{Ports, Reserved};
use super::service::{Instance, Service, UnexpectedExit};
use super::start::{StartError, StartOptions};
use super::stop::StopReport;
use super::{INSTANCE_VARIABLE, links, sweep};
use crate::config::{Broker, Config};
use crate::observe::Observer;
use crate::report::model::DeadLetter;

/// Name of the message broker among the services.
pub(super) const BROKER: &str = "broker";
/// Time to look for processes that left their group.
const SWEEP: Duration = Duration::from_secs(5);
/// The same for a system that was dropped without being stopped.
const DROPPED: Duration = Duration::from_millis(500);
/// Dead letters that are read from one queue.
const MOST_DEAD_LETTERS: usize = 100;
/// Characters of a dead letter's body that are kept.
const DEAD_LETTER_BODY: usize = 300;

/// A system whose services run. [`RunningSystem::stop`] ends it; dropped without that, its processes are killed.
pub struct RunningSystem {
    pub(super) services: BTreeMap<String, Arc<Service>>,
    pub(super) links: BTreeMap<String, Arc<Link>>,
    pub(super) broker: Option<BrokerApi>,
    pub(super) observer: Arc<Observer>,
    pub(super) places: Arc<Places>,
    pub(super) rest: Vec<String>,
    /// Duplicated deliveries when the duplication began.
    pub(super) duplicated_before: Mutex<u64>,
    pub(super) config: Arc<Config>,
    ready_in: OnceLock<Duration>,
    _ports: Vec<Reserved>,
}

impl fmt::Debug for RunningSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningSystem").field("services", &self.instances()).finish_non_exhaustive()
    }
}

/// Tells the systems of one harness apart.
static SYSTEMS: AtomicU64 = AtomicU64::new(0);

impl RunningSystem {
    /// Starts the system with its files below `run_dir` (`logs/<service>.jsonl`, `data/<service>/`) and returns when every
    /// service is ready.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong; by then everything that was started is gone again.
    pub async fn start(config: Arc<Config>, run_dir: &Path, options: StartOptions) -> Result<Arc<Self>, StartError> {
        let folder = options.subdirectory.as_ref().map_or_else(|| run_dir.to_owned(), |sub| run_dir.join(sub));
        let cancel = options.cancel.clone();
        let system = Self::prepare(config, run_dir, &folder, options)?;
        let begun = Instant::now();
        system.find_engine().await?;
        // Broker and backends first: a service may be one that gives up without them.
        let (first, others): (Vec<_>, Vec<_>) =
            system.services.values().cloned().partition(|service| service.is_needed());
        for (number, stage) in [first, others].into_iter().enumerate() {
            if number == 1
                && let Err(error) = system.make_room().await
            {
                system.stop().await;
                return Err(error);
            }
            let mut starting = JoinSet::new();
            for service in stage {
                starting.spawn(async move { service.start().await });
            }
            let failure = loop {
                let outcome = tokio::select! {
                    biased;
                    () = cancel.cancelled() => break Some(StartError::Interrupted),
                    outcome = starting.join_next() => outcome,
                };
                match outcome {
                    None => break None,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => break Some(error.into()),
                    Some(Err(lost)) => {
                        // Nothing cancels a start before this loop ends, so it panicked, and so does whoever waited.
                        if let Ok(panic) = lost.try_into_panic() {
                            std::panic::resume_unwind(panic);
                        }
                    }
                }
            };
            if let Some(error) = failure {
                starting.shutdown().await;
                system.stop().await;
                return Err(error);
            }
        }
        system.ready_in.get_or_init(|| begun.elapsed());
        Ok(Arc::new(system))
    }

    fn prepare(config: Arc<Config>, run_dir: &Path, folder: &Path, options: StartOptions) -> Result<Self, StartError> {
        let chosen = chosen(&config, options.only.as_deref())?;
        let mut ports = Ports::new().map_err(|source| port_error("", source))?;
        let mut reserved = Vec::new();
        let mut addresses = BTreeMap::new();
        // Services that are not started get an address too, so that links to them lead to a closed port.
        for service in config.services.values() {
            let port = match service.port {
                Some(port) if chosen.contains(&service.name) => ports.fixed(port),
                _ => ports.free(),
            };
            let port = port.map_err(|source| port_error(&service.name, source))?;
            addresses.insert(service.name.clone(), local(port.port()));
            reserved.push(port);
        }
        let mut management = None;
        if config.broker == Some(Broker::Embedded) {
            let mut free = || ports.free().map_err(|source| port_error(BROKER, source));
            let (amqp, http) = (free()?, free()?);
            addresses.insert(BROKER.to_owned(), local(amqp.port()));
            management = Some(local(http.port()));
            reserved.extend([amqp, http]);
        }
        let needed = backends::needed(&config, &chosen, options.only.is_none());
        let mark = uuid::Uuid::new_v4().simple().to_string();
        let mut backends = backends::place(&config, &needed, &mark[..10], &mut ports)?;
        addresses.extend(backends.addresses.clone());
        let broker = config.broker.as_ref().and_then(|broker| BrokerApi::of(broker, management));
        let broker = broker.or_else(|| backends.broker(&config));

        let upstream = |peer: &str| match peer {
            "smtp" => options.mail.as_ref().map(|sink| sink.address().to_string()),
            _ => match (&config.broker, backends.spaces.get(peer)) {
                (_, Some(spaces)) => Some(spaces.reach.address.clone()),
                (Some(Broker::Rabbitmq { url, .. }), None) if peer == BROKER => super::broker::authority(url),
                _ => addresses.get(peer).map(ToString::to_string).or_else(|| config.links.get(peer).cloned()),
            },
        };
        let peers = config.services.values().flat_map(|service| service.links());
        let peers = peers.filter_map(|peer| Some((peer.clone(), upstream(&peer)?))).collect();
        let links = links::open(links::wanted(&config, &chosen, upstream))?;
        let link_addresses: BTreeMap<String, SocketAddr> =
            links.iter().map(|(name, link)| (name.clone(), link.address())).collect();
        let entry = format!("http://{}", link_addresses[&links::client_link(&config)]);
        let number = SYSTEMS.fetch_add(1, Ordering::Relaxed);
        let places = Arc::new(Places {
            instance: format!("{}/{}/{number}", options.run_id, std::process::id()),
            run_id: options.run_id.clone(),
            data: folder.join("data"),
            profile: profile_of(&options.exe_dir).to_owned(),
            exe_dir: options.exe_dir.clone(),
            collector: options.collector,
            services: addresses,
            peers,
            spaces: backends.spaces.clone(),
            variables: config.services.values().map(|service| (service.name.clone(), service.env.clone())).collect(),
            links: link_addresses,
            entry,
        });

        let mut services = BTreeMap::new();
        for service in config.services.values().filter(|service| chosen.contains(&service.name)) {
            let service = assemble(service, &places, folder, &options)?;
            services.insert(service.name.clone(), service);
        }
        if let Some(management) = management
            && chosen.contains(BROKER)
        {
            let service = assemble_broker(management, &places, folder, &options)?;
            services.insert(service.name.clone(), service);
        }
        for backend in config.backends.values().filter(|backend| needed.contains(&backend.name)) {
            if let Some(service) = backends.assemble(backend, &places, folder, &options)? {
                services.insert(service.name.clone(), service);
            }
        }
        if services.values().any(|service| service.container.is_some()) {
            options.watchdog.guard_containers();
        }
        reserved.append(&mut backends.reserved);
        let resolve = Arc::clone(&places);
        let observer = Observer::new(
            config.observe.clone(),
            Arc::new(move |name: &str| resolve.of_observer(name)),
            options.mail.clone(),
            broker.clone(),
            run_dir.join("history.jsonl"),
        );
        let observer = Arc::new(observer);
        let rest = config.rest.empty.clone();
        Ok(Self {
            services,
            links,
            broker,
            observer,
            places,
            rest,
            duplicated_before: Mutex::default(),
            config,
            ready_in: OnceLock::new(),
            _ports: reserved,
        })
    }

    /// Looks for the engine when something runs on it, and clears away what dead harnesses left there.
    async fn find_engine(&self) -> Result<(), StartError> {
        let mut containers = self.services.values().filter(|service| service.container.is_some());
        let Some(first) = containers.next() else { return Ok(()) };
        let name = first.name.clone();
        backends::clear_engine().await.map(drop).map_err(|reason| StartError::NoEngine { backend: name, reason })
    }

    /// Makes databases and virtual hosts for this system.
    async fn make_room(&self) -> Result<(), StartError> {
        let mut making = JoinSet::new();
        for (name, spaces) in self.places.spaces.clone() {
            making.spawn(async move {
                spaces.create().await.map_err(|reason| StartError::NoRoom { backend: name, reason })
            });
        }
        while let Some(made) = making.join_next().await {
            made.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    /// Base URL of the entry service, through the link `client->ENTRY`.
    #[must_use]
    pub fn entry_url(&self) -> &str {
        &self.places.entry
    }

    /// Base URL of a service, past any link.
    #[must_use]
    pub fn service_url(&self, service: &str) -> Option<String> {
        self.places.services.get(service).map(|address| format!("http://{address}"))
    }

    /// Folder of a service's own files.
    #[must_use]
    pub fn data_dir(&self, service: &str) -> PathBuf {
        self.places.data_of(service)
    }

    /// Base URL of the broker's management API.
    #[must_use]
    pub fn broker_management_url(&self) -> Option<&str> {
        self.broker.as_ref().map(BrokerApi::base)
    }

    /// The broker's management API.
    #[must_use]
    pub fn broker(&self) -> Option<&BrokerApi> {
        self.broker.as_ref()
    }

    /// The value of a placeholder as it stands in `[observe]` and in journeys: `entry`, `service:NAME`, `data:NAME`.
    #[must_use]
    pub fn placeholder(&self, name: &str) -> Option<String> {
        self.places.of_observer(name)
    }

    /// Reads the tables of `[observe]`.
    #[must_use]
    pub fn observer(&self) -> &Arc<Observer> {
        &self.observer
    }

    /// What it was started from.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Seconds from the start of the first process until every service was ready.
    #[must_use]
    pub fn ready_s(&self) -> f64 {
        self.ready_in.get().map_or(0.0, Duration::as_secs_f64)
    }

    /// Every service, by name.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        let mut instances: Vec<Instance> = self.services.values().map(|service| service.instance()).collect();
        // The memory of a container is not that of the command that waits for it.
        let own = |instance: &&Instance| self.services[&instance.name].container.is_none();
        let groups: Vec<u32> = instances.iter().filter(own).filter_map(|instance| instance.pid).collect();
        let memory: BTreeMap<u32, u64> = sweep::resident_bytes(&groups).into_iter().collect();
        for instance in &mut instances {
            let bytes = instance.pid.and_then(|pid| memory.get(&pid)).copied();
            instance.resident_bytes = bytes.filter(|bytes| *bytes > 0);
        }
        instances
    }

    /// Resident memory of all services together, in bytes; none where the platform does not tell.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        let known: Vec<u64> = self.instances().iter().filter_map(|instance| instance.resident_bytes).collect();
        (!known.is_empty()).then(|| known.iter().sum())
    }

    /// What a person should know about the run so far: services that died unasked, logs that are incomplete.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let exits = self.unexpected_exits();
        let exits = exits.iter().map(|exit| {
            let then = if exit.restarted { "was started again" } else { "stayed down" };
            let last = exit.tail.last().map_or_else(String::new, |line| format!("; its last line: {line}"));
            format!("`{}` died unasked ({}) and {then}{last}", exit.service, exit.status)
        });
        exits.chain(self.incomplete_logs()).collect()
    }

    fn incomplete_logs(&self) -> Vec<String> {
        let logs = self.services.values().filter_map(|service| Some((&service.name, service.log.error()?)));
        logs.map(|(name, error)| format!("the log of `{name}` is incomplete: {error}")).collect()
    }

    /// Messages that lie in queues into which the broker or a consumer moved what could not be processed: those that
    /// have no consumer and hold messages with a reason or a death. Empty when there is no broker or it does not answer.
    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        let Some(broker) = &self.broker else { return Vec::new() };
        let mut letters = Vec::new();
        for queue in broker.queues().await.unwrap_or_default() {
            if queue.consumers > 0 || queue.ready == 0 {
                continue;
            }
            let messages = broker.peek(&queue.name, MOST_DEAD_LETTERS).await.unwrap_or_default();
            letters.extend(messages.into_iter().filter(|message| message.is_dead()).map(|message| DeadLetter {
                queue: message.queue,
                message_id: message.message_id,
                routing_key: message.routing_key,
                reason: message.reason,
                body: message.body.chars().take(DEAD_LETTER_BODY).collect(),
            }));
        }
        letters
    }

    /// Ends that nobody asked for, so far.
    #[must_use]
    pub fn unexpected_exits(&self) -> Vec<UnexpectedExit> {
        self.services.values().flat_map(|service| service.unexpected_exits()).collect()
    }

    /// Last lines of a service's output, oldest first.
    #[must_use]
    pub fn log_tail(&self, service: &str, lines: usize) -> Vec<String> {
        self.services.get(service).map_or_else(Vec::new, |service| service.log.tail(lines))
    }

    /// Stops every service, at first politely, and returns when all are gone. Broker and backends go last, so that the
    /// others can say goodbye to them; containers and what was made in other servers are removed.
    pub async fn stop(&self) -> StopReport {
        let mut report = StopReport::default();
        let (last, others): (Vec<_>, Vec<_>) = self.services.values().cloned().partition(|service| service.is_needed());
        for stage in [others, last] {
            let mut stopping = JoinSet::new();
            for service in stage {
                stopping.spawn(async move { service.end().await });
            }
            while let Some(outcome) = stopping.join_next().await {
                let Ok((stopped, left)) = outcome else { continue };
                report.services.push(stopped);
                report.left_over.extend(left);
            }
        }
        for (name, spaces) in &self.places.spaces {
            if let Err(reason) = spaces.remove().await {
                report.left_over.push(format!("what this run had in `{name}` is still there: {reason}"));
            }
        }
        report.services.sort_by(|left, right| left.service.cmp(&right.service));
        let mark = self.places.instance.clone();
        let swept =
            tokio::task::spawn_blocking(move || sweep::kill_marked(INSTANCE_VARIABLE, &mark, Instant::now() + SWEEP));
        (report.strays, report.left) = swept.await.unwrap_or_default();
        report.incomplete_logs = self.incomplete_logs();
        report
    }
}

impl Drop for RunningSystem {
    fn drop(&mut self) {
        let running: Vec<_> = self.services.values().filter_map(|service| service.process()).collect();
        if running.is_empty() {
            return;
        }
        for process in running {
            process.asked.store(true, Ordering::SeqCst);
            process.signal(Signal::SIGKILL);
        }
        for container in self.services.values().filter_map(|service| service.container.as_ref()) {
            container.remove_now();
        }
        // The last resort blocks for a moment: whoever forgot to stop the system must not leave strays behind either.
        sweep::kill_marked(INSTANCE_VARIABLE, &self.places.instance, Instant::now() + DROPPED);
    }
}
