//! One run from the first process to the verdict.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chaos::history::History;
use chaos::verdict::Verdict;
use tokio_util::sync::CancellationToken;

use super::session::Session;
use super::{Plan, RunDir, chaos as chaos_phase, contracts, dead_letters, journeys, load, telemetry, verdict};
use crate::cli::Phase;
use crate::collector::{Collector, CollectorConfig};
use crate::config::{self, Config};
use crate::error::Error;
use crate::events::{Event, Events};
use crate::journey::{Mailbox, Runner};
use crate::report::model;
use crate::smtp;
use crate::supervisor::{CommandContext, CommandError, RunningSystem, StartOptions, Watchdog, run_command};

/// What a run stands on: where its files go, who listens, how it is stopped.
pub struct Surroundings {
    /// Directory of the run.
    pub dir: RunDir,
    /// Who listens.
    pub events: Events,
    /// Stops the run early.
    pub cancel: CancellationToken,
    /// Whether the system's build command is run.
    pub build: bool,
    /// Command line that replays the run.
    pub replay: String,
}

/// File in the run's directory that holds what has to be undone should the runner die.
pub(super) const UNDO_JOURNAL: &str = "undo.jsonl";

/// Why a command of the configuration did not succeed.
pub(super) enum CommandFailure {
    /// The command itself.
    Command(CommandError),
    /// Something around it.
    Other(Error),
}

/// What phases need before the system runs.
pub(super) struct Ground {
    pub(super) config: Arc<Config>,
    pub(super) dir: RunDir,
    pub(super) events: Events,
    pub(super) cancel: CancellationToken,
    pub(super) collector: Arc<Collector>,
    pub(super) mail: Option<Arc<smtp::Sink>>,
    pub(super) watchdog: Arc<Watchdog>,
    pub(super) history: Arc<History>,
}

impl Ground {
    /// Collector, mail sink and watchdog.
    pub(super) async fn prepare(config: Arc<Config>, around: &Surroundings) -> Result<Self, Error> {
        let collector = Collector::start(CollectorConfig::default())
            .await
            .map_err(|e| Error::failed("the collector cannot start", e))?;
        let mail = match &config.mail {
            Some(mail) => {
                let sink = smtp::Sink::start(mail.max_message)
                    .await
                    .map_err(|e| Error::failed("the mail sink cannot start", e))?;
                Some(Arc::new(sink))
            }
            None => None,
        };
        let program = std::env::current_exe().map_err(|e| Error::failed("the running program is unknown", e))?;
        let arguments = [OsString::from("watchdog")];
        let watchdog = Watchdog::start(&program, &arguments, around.dir.id(), &around.dir.file(UNDO_JOURNAL))
            .map_err(|e| Error::failed("the watchdog cannot start", e))?;
        let history = History::append_to(around.dir.file("history.jsonl"))
            .map_err(|e| Error::failed("the history cannot be written", e))?;
        Ok(Self {
            config,
            dir: around.dir.clone(),
            events: around.events.clone(),
            cancel: around.cancel.clone(),
            collector: Arc::new(collector),
            mail,
            watchdog: Arc::new(watchdog),
            history: Arc::new(history),
        })
    }

    /// Options for starting the system, with everybody listening.
    pub(super) fn start_options(&self) -> Result<StartOptions, Error> {
        let mut options =
            StartOptions::new(self.dir.id()).map_err(|e| Error::failed("the running program is unknown", e))?;
        let store = self.collector.store.clone();
        let events = self.events.clone();
        options.otlp = Some(self.collector.http_addr);
        options.mail = self.mail.clone();
        options.history = Some(self.history.clone());
        options.watchdog = Some(self.watchdog.clone());
        options.on_line = Some(Arc::new(move |service: &str, line: &str| store.ingest_log_line(service, line)));
        options.on_event = Some(Arc::new(move |event| {
            events.send(Event::Service {
                name: event.service.clone(),
                state: event.state.as_str(),
                detail: event.detail.clone(),
            });
        }));
        Ok(options)
    }

    /// Runs a command of the configuration to its end; what it prints goes to `logs/<log>`.
    pub(super) async fn command(
        &self,
        phase: &'static str,
        command: &config::Command,
        env: &BTreeMap<String, String>,
        log: &str,
    ) -> Result<f64, CommandFailure> {
        let path = self.dir.file("logs").join(log);
        let failed = |e| CommandFailure::Other(Error::failed(format!("cannot write `{}`", path.display()), e));
        let mut out = std::io::BufWriter::new(std::fs::File::create(&path).map_err(failed)?);
        let options = self.start_options().map_err(CommandFailure::Other)?;
        let context = CommandContext {
            exe_dir: options.exe_dir,
            profile: options.profile,
            run_id: options.run_id,
            watchdog: Some(&self.watchdog),
        };
        let mut lines = 0;
        let running = run_command(command, env, &context, |line| {
            lines += 1;
            // The log is for people; the command's own end is what counts.
            let _ = writeln!(out, "{line}");
            self.events.send(Event::PhaseAdvanced { phase, done: lines, failed: 0, detail: line.trim().to_owned() });
        });
        tokio::select! {
            result = running => Ok(result.map_err(CommandFailure::Command)?.as_secs_f64()),
            () = self.cancel.cancelled() => Err(CommandFailure::Other(Error::Interrupted)),
        }
    }

    /// Runs the system's build command.
    pub(super) async fn build(&self) -> Result<f64, Error> {
        let Some(command) = &self.config.system.build else {
            return Ok(0.0);
        };
        self.events.send(Event::PhaseStarted { phase: "build", detail: command.command.join(" "), total: None });
        let seconds = self.command("build", command, &BTreeMap::new(), "build.log").await.map_err(|failure| {
            match failure {
                CommandFailure::Command(error) => Error::Build(error),
                CommandFailure::Other(error) => error,
            }
        })?;
        self.events.send(Event::PhaseFinished {
            phase: "build",
            verdict: Verdict::Pass,
            detail: format!("{seconds:.1} s"),
        });
        Ok(seconds)
    }

    /// Starts the whole system.
    pub(super) async fn start(&self) -> Result<Arc<RunningSystem>, Error> {
        let services = self.config.services.len();
        self.events.send(Event::PhaseStarted {
            phase: "start",
            detail: format!("{services} services"),
            total: Some(services as u64),
        });
        let system = RunningSystem::start(self.config.clone(), self.dir.path(), self.start_options()?).await?;
        self.events.send(Event::PhaseFinished {
            phase: "start",
            verdict: Verdict::Pass,
            detail: format!("ready in {:.2} s at {}", system.ready_s(), system.entry_url()),
        });
        Ok(system)
    }

    /// A session on a system that runs.
    pub(super) fn session(&self, plan: &Plan, system: Arc<RunningSystem>) -> Result<Session, Error> {
        let mailbox = self.mail.clone().map(|sink| sink as Arc<dyn Mailbox>);
        let runner = Runner::new(system.entry_url().to_owned(), mailbox, self.collector.store.clone())
            .map_err(|e| Error::failed("the HTTP client cannot be set up", e))?;
        Ok(Session {
            config: self.config.clone(),
            quick: plan.wanted.quick,
            seed: plan.seed,
            dir: self.dir.clone(),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
            collector: self.collector.clone(),
            system,
            journeys: plan.journeys.clone(),
            runner,
            history: self.history.clone(),
            setups: Default::default(),
            flows: Mutex::default(),
        })
    }
}

/// Runs what `plan` asks for.
///
/// # Errors
/// When the system could not be built or started, or a file could not be written. Whatever was started is stopped.
pub async fn run(plan: Plan, around: Surroundings) -> Result<model::Run, Error> {
    let started_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let ground = Ground::prepare(plan.config.clone(), &around).await?;
    let build_s = if around.build { ground.build().await? } else { 0.0 };
    let started = Instant::now();
    let mut run = empty(&plan, &around, started_at, build_s);
    if let (true, Some(section)) = (plan.wants(Phase::Contracts), &plan.config.contracts) {
        run.contracts = contracts::run(&ground, section, plan.wanted.record).await?;
    }
    let needs_system = [Phase::Journeys, Phase::Load, Phase::Chaos].iter().any(|phase| plan.wants(*phase));
    if needs_system && !ground.cancel.is_cancelled() {
        let system = ground.start().await?;
        run.ready_s = system.ready_s();
        let judged = judge(&ground, &plan, system.clone(), &mut run).await;
        run.services = services(&system);
        run.notes.extend(notes(&system));
        system.stop().await;
        judged?;
    }
    ground.watchdog.goodbye();
    ground
        .collector
        .store
        .export(&ground.dir.file("telemetry"))
        .map_err(|e| Error::failed("the telemetry cannot be written", e))?;
    let lost = ground.collector.store.stats().lost();
    if lost > 0 {
        run.notes.push(format!("the collector dropped {lost} records to stay within its memory"));
    }
    run.wall_s = started.elapsed().as_secs_f64();
    run.verdict = verdict::combine(&run, ground.cancel.is_cancelled());
    run.sentence = verdict::sentence(&run);
    Ok(run)
}

/// The phases that need the whole system.
async fn judge(ground: &Ground, plan: &Plan, system: Arc<RunningSystem>, run: &mut model::Run) -> Result<(), Error> {
    let session = ground.session(plan, system)?;
    if plan.wants(Phase::Journeys) {
        run.journeys = journeys::run(&session, &plan.selected).await?;
    }
    run.resident_bytes = Some(session.system.memory().values().sum()).filter(|bytes| *bytes > 0);
    if let (Some(load), false) = (&plan.load, session.cancel.is_cancelled()) {
        run.load = load::run(&session, load.clone()).await?;
    }
    if plan.wants(Phase::Journeys) || plan.wants(Phase::Load) {
        run.telemetry = telemetry::run(&session).await;
    }
    if !plan.scenarios.is_empty() && !session.cancel.is_cancelled() {
        run.chaos = chaos_phase::run(&session, &plan.scenarios).await?;
    }
    session.history.flush().map_err(|e| Error::failed("the history cannot be written", e))?;
    run.dead_letters = dead_letters::observe(&session).await;
    Ok(())
}

fn services(system: &RunningSystem) -> Vec<model::Service> {
    let memory = system.memory();
    let instances = system.instances().into_iter();
    instances
        .map(|instance| model::Service {
            resident_bytes: memory.get(&instance.service).copied(),
            name: instance.service,
            ready_ms: instance.ready_in.map_or(0.0, |time| time.as_secs_f64() * 1e3),
            restarts: instance.restarts,
        })
        .collect()
}

fn notes(system: &RunningSystem) -> Vec<String> {
    let exits = system.unexpected_exits().into_iter();
    exits
        .map(|exit| {
            let then = if exit.restarted { "and was started again" } else { "and stayed down" };
            let last = exit.tail.last().map(|line| format!("; its last line: {line}")).unwrap_or_default();
            format!("{} ended unasked ({}) {then}{last}", exit.service, exit.status)
        })
        .collect()
}

fn empty(plan: &Plan, around: &Surroundings, started_at: String, build_s: f64) -> model::Run {
    model::Run {
        run_id: around.dir.id().to_owned(),
        system: plan.config.system.name.clone(),
        profile: "embedded".to_owned(),
        quick: plan.wanted.quick,
        seed: plan.seed,
        verdict: Verdict::Skipped,
        sentence: String::new(),
        started_at,
        wall_s: 0.0,
        build_s,
        ready_s: 0.0,
        resident_bytes: None,
        replay: around.replay.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        services: Vec::new(),
        contracts: contracts::skipped(),
        journeys: model::Journeys { verdict: Verdict::Skipped, journeys: Vec::new() },
        telemetry: telemetry::skipped(),
        load: model::Load::skipped(),
        chaos: Vec::new(),
        dead_letters: Vec::new(),
        notes: Vec::new(),
    }
}

/// Runs the system, and nothing on it, until it is cancelled. `ready` is called with the address of its front door.
///
/// # Errors
/// When the system could not be built or started.
pub async fn up(plan: &Plan, around: Surroundings, ready: impl FnOnce(&str)) -> Result<(), Error> {
    let ground = Ground::prepare(plan.config.clone(), &around).await?;
    if around.build {
        ground.build().await?;
    }
    let system = ground.start().await?;
    ready(&system.entry_url());
    ground.cancel.cancelled().await;
    system.stop().await;
    ground.watchdog.goodbye();
    ground
        .collector
        .store
        .export(&ground.dir.file("telemetry"))
        .map_err(|e| Error::failed("the telemetry cannot be written", e))
}
