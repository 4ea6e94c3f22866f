//! One run from the first process to the verdict.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chaos::history::History;
use chaos::verdict::Verdict;
use tokio_util::sync::CancellationToken;

use super::session::Session;
use super::{Plan, RunDir, chaos as chaos_phase, contracts, drift, journeys, load, telemetry, verdict};
use crate::cli::Phase;
use crate::collector::{Collector, CollectorConfig};
use crate::config::Config;
use crate::error::Error;
use crate::events::{Event, Events};
use crate::exit_code::Exit;
use crate::journey::{Mailbox, Runner};
use crate::report::model;
use crate::smtp;
use crate::supervisor::{RunningSystem, StartOptions, Watchdog, build};

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

impl Drop for Ground {
    /// However a run ends, nothing of it is left by then, so the watchdog may go; except after a panic, when it must look.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.watchdog.farewell();
        }
    }
}

impl Ground {
    /// Collector, mail sink and watchdog.
    pub(super) async fn prepare(config: Arc<Config>, around: &Surroundings) -> Result<Self, Error> {
        let collector = Collector::start(CollectorConfig::default())
            .await
            .map_err(|e| Error::failed("the collector cannot start", e))?;
        let mail = match &config.mail {
            Some(mail) => {
                let any = SocketAddr::from(([127, 0, 0, 1], 0));
                let sink = smtp::Sink::start(any, mail.max_message)
                    .await
                    .map_err(|e| Error::failed("the mail sink cannot start", e))?;
                Some(Arc::new(sink))
            }
            None => None,
        };
        if around.dir.removed() > 0 {
            let note = format!(
                "{} of the oldest runs beside this one were removed; one with a directory of its own (`--out`) stays",
                around.dir.removed()
            );
            around.events.note(note);
        }
        let watchdog = Watchdog::spawn(around.dir.id(), &around.dir.file(UNDO_JOURNAL))
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

    /// Options for starting the whole system.
    pub(super) fn start_options(&self) -> StartOptions {
        let cancel = self.cancel.clone();
        StartOptions { cancel, ..StartOptions::new(self.dir.id(), self.collector.http_addr, self.watchdog.clone()) }
    }

    /// Runs the system's build command.
    pub(super) async fn build(&self) -> Result<f64, Error> {
        let Some(command) = &self.config.system.build else {
            return Ok(0.0);
        };
        let started = Instant::now();
        self.events.send(Event::PhaseStarted { phase: "build", detail: command.command.join(" "), total: None });
        let log = self.dir.file("logs/build.log");
        build::run_command(command, &BTreeMap::new(), self.dir.id(), &log, &self.cancel).await?;
        let seconds = started.elapsed().as_secs_f64();
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
        let options = StartOptions {
            store: Some(self.collector.store.clone()),
            mail: self.mail.clone(),
            events: self.events.clone(),
            ..self.start_options()
        };
        let system = RunningSystem::start(self.config.clone(), self.dir.path(), options).await?;
        system.observer().set_history(self.history.clone());
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

/// Runs what `plan` asks for. A run that ended early, because the system could not be built or started for example, has
/// the error beside what it had found until then.
///
/// # Errors
/// When nothing could be run, or it was not asked for as it should be: then there is no run to report. Whatever was started
/// is stopped.
pub async fn run(plan: Plan, around: Surroundings) -> Result<(model::Run, Option<Error>), Error> {
    let started_at = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let ground = Ground::prepare(plan.config.clone(), &around).await?;
    let mut run = empty(&plan, &around, started_at);
    let error = match go_through(&ground, &plan, around.build, &mut run).await {
        Err(error) if error.exit() == Exit::Usage => return Err(error),
        ended => ended.err(),
    };
    ground
        .collector
        .store
        .export(&ground.dir.file("telemetry"))
        .map_err(|e| Error::failed("the telemetry cannot be written", e))?;
    let lost = ground.collector.store.stats().lost();
    if lost > 0 {
        run.notes.push(format!("the collector dropped {lost} records to stay within its memory"));
    }
    run.error = error.as_ref().map(ToString::to_string);
    run.verdict = match &error {
        Some(error) if error.exit() == Exit::Aborted => Verdict::Aborted,
        Some(_) => Verdict::Fail,
        None => verdict::combine(&run, ground.cancel.is_cancelled()),
    };
    run.sentence = verdict::sentence(&run);
    Ok((run, error))
}

/// One phase after the other, each of which leaves what it found in `run`.
async fn go_through(ground: &Ground, plan: &Plan, build: bool, run: &mut model::Run) -> Result<(), Error> {
    if build {
        run.build_s = ground.build().await?;
    }
    let started = Instant::now();
    let result = with_system(ground, plan, run).await;
    run.wall_s = started.elapsed().as_secs_f64();
    result
}

async fn with_system(ground: &Ground, plan: &Plan, run: &mut model::Run) -> Result<(), Error> {
    if let (true, Some(section)) = (plan.wants(Phase::Contracts), &plan.config.contracts) {
        run.contracts = contracts::run(ground, section, plan).await?;
    }
    let needs_system = [Phase::Journeys, Phase::Load, Phase::Chaos].iter().any(|phase| plan.wants(*phase));
    if !needs_system || ground.cancel.is_cancelled() {
        return Ok(());
    }
    let system = ground.start().await?;
    run.ready_s = system.ready_s();
    run.components = system.components().await;
    let judged = judge(ground, plan, system.clone(), run).await;
    run.services = services(&system);
    run.notes.extend(system.notes());
    run.notes.extend(system.stop().await.notes());
    judged
}

/// The phases that need the whole system.
async fn judge(ground: &Ground, plan: &Plan, system: Arc<RunningSystem>, run: &mut model::Run) -> Result<(), Error> {
    let mut session = ground.session(plan, system)?;
    let hearing = plan.wants(Phase::Journeys) || plan.load.is_some();
    let mut watching = match plan.config.contracts.as_ref().filter(|_| hearing) {
        Some(section) => drift::Watching::begin(ground, section, &session.system).await,
        None => None,
    };
    if let Some(watching) = &watching {
        session.runner = watching.witness(session.runner);
    }
    if plan.wants(Phase::Journeys) {
        run.journeys = journeys::run(&session, &plan.selected).await?;
    }
    if let Some(watching) = &mut watching {
        watching.catch_up().await;
    }
    run.resident_bytes = session.system.memory();
    if let (Some(load), false) = (&plan.load, session.cancel.is_cancelled()) {
        run.load = load::run(&session, load.clone()).await?;
    }
    if plan.wants(Phase::Journeys) || plan.wants(Phase::Load) {
        run.telemetry = telemetry::run(&session).await;
    }
    if let Some(watching) = watching {
        run.drift = watching.finish(&session).await;
        run.contracts.hold_against(&run.drift);
    }
    if !plan.scenarios.is_empty() && !session.cancel.is_cancelled() {
        run.chaos = chaos_phase::run(&session, &plan.scenarios).await?;
    }
    session.history.flush().map_err(|e| Error::failed("the history cannot be written", e))?;
    run.dead_letters = session.system.dead_letters().await;
    Ok(())
}

fn services(system: &RunningSystem) -> Vec<model::Service> {
    let instances = system.instances().into_iter();
    instances
        .map(|instance| model::Service {
            name: instance.name,
            ready_ms: instance.ready_ms,
            restarts: instance.restarts,
            resident_bytes: instance.resident_bytes,
        })
        .collect()
}

fn empty(plan: &Plan, around: &Surroundings, started_at: String) -> model::Run {
    model::Run {
        run_id: around.dir.id().to_owned(),
        system: plan.config.system.name.clone(),
        profile: plan.config.profile.clone().unwrap_or_else(|| "embedded".to_owned()),
        quick: plan.wanted.quick,
        seed: plan.seed,
        verdict: Verdict::Skipped,
        sentence: String::new(),
        error: None,
        started_at,
        wall_s: 0.0,
        build_s: 0.0,
        ready_s: 0.0,
        resident_bytes: None,
        replay: around.replay.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        components: Vec::new(),
        services: Vec::new(),
        contracts: contracts::skipped(),
        journeys: model::Journeys { verdict: Verdict::Skipped, journeys: Vec::new() },
        telemetry: telemetry::skipped(),
        load: model::Load::skipped(),
        chaos: Vec::new(),
        drift: model::Drift::skipped(),
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
    ready(system.entry_url());
    ground.cancel.cancelled().await;
    system.stop().await;
    ground
        .collector
        .store
        .export(&ground.dir.file("telemetry"))
        .map_err(|e| Error::failed("the telemetry cannot be written", e))
}
