//! The contracts phase: pacts recorded by the consumers' tests, replayed on the providers.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chaos::verdict::Verdict;
use contracts::broker::forgive_all;
use contracts::result::{ContractsResult, InteractionResult, VerificationResult};
use contracts::store::Pact;
use contracts::verify::{Filter, Options, Part, Provider, verify};
use reqwest::Url;

use super::brokered::Selected;
use super::run::Ground;
use super::{Plan, Replays, Surroundings, evidence};
use crate::config::{self, Config};
use crate::error::Error;
use crate::events::Event;
use crate::report::model;
use crate::supervisor::build::run_command;
use crate::supervisor::{BuildError, RunningSystem, StartError, StartOptions};

/// Folder of the run that receives freshly recorded pacts.
pub(super) const PACTS: &str = "pacts";

/// Longest time until the end of a process that cannot be reached is noticed, when it has ended.
const NOTICED: Duration = Duration::from_secs(1);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// Records where the configuration says how, then verifies every provider.
pub(super) async fn run(ground: &Ground, section: &config::Contracts, plan: &Plan) -> Result<model::Contracts, Error> {
    let replays = &plan.wanted.contracts;
    let order = if replays.shuffle { format!(", in an order by seed {}", plan.seed) } else { String::new() };
    let times = if replays.repeat > 1 { format!(", {} times each", replays.repeat) } else { String::new() };
    ground.events.send(Event::PhaseStarted {
        phase: "contracts",
        detail: format!("{} providers{times}{order}", section.providers.len()),
        total: None,
    });
    let result = match judge(ground, section, plan).await {
        Ok(result) => result,
        Err(Failure::Judged(reason)) => {
            model::Contracts { partial: replays.filter.is_set(), ..unjudged(Verdict::Fail, reason) }
        }
        Err(Failure::Other(error)) => return Err(error),
    };
    let detail = match &result.error {
        Some(error) => error.clone(),
        None => format!("{} of {} interactions verified in {:.1} s", result.verified, result.expected, result.wall_s),
    };
    ground.events.send(Event::PhaseFinished { phase: "contracts", verdict: result.verdict, detail });
    Ok(result)
}

/// Records the pacts and puts them in the place of the committed ones. Returns the names of the files.
///
/// # Errors
/// When a consumer's test fails, or files cannot be written.
pub async fn record(plan: &Plan, around: Surroundings) -> Result<Vec<String>, Error> {
    let ground = Ground::prepare(plan.config().clone(), &around).await?;
    let section = plan.config().contracts.as_ref();
    let missing = |section| Error::Missing { file: plan.config().file.clone(), section };
    let section = section.ok_or_else(|| missing("[contracts]"))?;
    let command = section.record.as_ref().ok_or_else(|| missing("[contracts] record"))?;
    record_pacts(&ground, command).await.map_err(|failure| match failure {
        Failure::Judged(reason) => Error::failed("contracts", reason),
        Failure::Other(error) => error,
    })?;
    replace(&section.pacts, &ground.dir.file(PACTS))
        .map_err(|e| Error::failed(format!("the pacts cannot be written to `{}`", section.pacts.display()), e))
}

/// Puts the pact files of `recorded` in the place of those in `committed`, and returns their names.
fn replace(committed: &Path, recorded: &Path) -> std::io::Result<Vec<String>> {
    std::fs::create_dir_all(committed)?;
    let pacts = |dir: &Path| -> std::io::Result<BTreeSet<OsString>> {
        let names = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<std::io::Result<BTreeSet<OsString>>>()?;
        Ok(names.into_iter().filter(|name| Path::new(name).extension().is_some_and(|e| e == "json")).collect())
    };
    let (new, old) = (pacts(recorded)?, pacts(committed)?);
    for name in &new {
        std::fs::copy(recorded.join(name), committed.join(name))?;
    }
    for stale in old.difference(&new) {
        std::fs::remove_file(committed.join(stale))?;
    }
    Ok(new.into_iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// Runs the consumers' tests, which write the pacts into a fresh folder of the run, and reads them.
async fn record_pacts(ground: &Ground, record: &config::Record) -> Result<Vec<Pact>, Failure> {
    let dir = ground.dir.file(PACTS);
    std::fs::create_dir_all(&dir)
        .map_err(|e| Failure::Other(Error::failed(format!("cannot create `{}`", dir.display()), e)))?;
    let env = BTreeMap::from([(record.output_env.clone(), dir.display().to_string())]);
    let log = ground.dir.file("logs/contract-record.log");
    run_command(&record.command, &env, ground.dir.id(), &log, &ground.cancel).await.map_err(|error| match error {
        BuildError::Failed { .. } => Failure::Judged(format!("the pacts could not be recorded: {error}")),
        other => Failure::Other(Error::Build(other)),
    })?;
    contracts::store::load_dir(&dir).map_err(|e| Failure::Judged(format!("the recorded pacts cannot be read: {e}")))
}

enum Failure {
    /// The contracts are at fault.
    Judged(String),
    /// Something else is.
    Other(Error),
}

async fn judge(ground: &Ground, section: &config::Contracts, plan: &Plan) -> Result<model::Contracts, Failure> {
    let brokered = plan.wanted.brokered.as_ref();
    let selected = match brokered {
        Some(brokered) => unless_stopped(ground, brokered.select(section.providers.keys())).await?,
        None => None,
    };
    let recording = plan.wanted.record && selected.is_none();
    let Selected { pacts: committed, pending, mut notes } = match selected {
        Some(selected) => selected,
        None => Selected { pacts: load(&section.pacts)?, ..Selected::default() },
    };
    let mut drift = Vec::new();
    let mut recorded = false;
    let pacts = match &section.record {
        Some(command) if recording => {
            let pacts = record_pacts(ground, command).await?;
            drift = contracts::store::drift(&pacts, &committed).iter().map(ToString::to_string).collect();
            recorded = true;
            pacts
        }
        _ => committed,
    };
    let unknown: BTreeSet<&str> = pacts
        .iter()
        .map(|pact| pact.provider.as_str())
        .filter(|provider| !section.providers.contains_key(*provider))
        .collect();
    if let Some(provider) = unknown.first() {
        return Err(Failure::Judged(format!(
            "a pact names the provider `{provider}`, which has no [contracts.providers.{provider}]"
        )));
    }
    if let Some(brokered) = brokered {
        unless_stopped(ground, brokered.expects(&pacts)).await?;
    }
    let replays = &plan.wanted.contracts;
    // What is published is said of whole pacts, so that is what it is held against.
    let whole = pacts.clone();
    let pacts = chosen(pacts, &replays.filter)?;
    for pact in &pacts {
        // Somebody wrote it and believes in it.
        pact.lost.iter().for_each(|lost| ground.events.note(format!("`{}`: {lost}", pact.path.display())));
    }
    // Of a part, only the providers that it concerns; of the whole, one of which nobody expects anything is told.
    let concerned = |name: &str| !replays.filter.is_set() || pacts.iter().any(|pact| pact.provider == name);
    let mut section = section.clone();
    section.providers.retain(|name, _| concerned(name));
    let providers = start_providers(ground, &section).await.map_err(Failure::Other)?;
    let verifications = replay(ground, &section, &providers, &pacts, &options(plan)).await;
    let died = deaths(&providers, verifications.as_deref().unwrap_or_default()).await;
    // Stopped before the evidence is read, because a service that ends delivers the last of its telemetry.
    providers.stop().await;
    let mut verifications = verifications?;
    let mut withheld = Vec::new();
    if let Some(brokered) = brokered {
        let (published, not) = brokered.publish(&whole, &mut verifications, ground.cancel.is_cancelled()).await;
        notes.extend(published);
        withheld = not;
    }
    notes.extend(contracts::broker::forgive(&mut verifications, &pending));
    notes.extend(withheld.iter().cloned());
    notes.into_iter().for_each(|note| ground.events.note(note));
    let mut result = ContractsResult::new(&pacts, &verifications);
    forgive_all(&mut result, &verifications);
    let mut report = report(result, recorded, drift);
    // Whoever asked for it to be published must hear that it was not.
    if let (Verdict::Pass, Some(reason)) = (report.verdict, withheld.into_iter().next()) {
        (report.verdict, report.error) = (Verdict::Invalid, Some(reason));
    }
    report.notes = died;
    evidence::add(&ground.collector.store, &mut report.interactions);
    Ok(report)
}

/// What somebody far away answers, or that nobody waits for it any more.
async fn unless_stopped<T>(ground: &Ground, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = ground.cancel.cancelled() => Err(Failure::Other(Error::Start(StartError::Interrupted))),
        answer = answer => answer.map_err(Failure::Other),
    }
}

/// What died meanwhile. An end is noticed a moment after the connection broke by which the replay noticed it.
async fn deaths(providers: &RunningSystem, verifications: &[VerificationResult]) -> Vec<String> {
    let mut mismatches = verifications.iter().flat_map(|each| &each.interactions).flat_map(|each| &each.mismatches);
    let gone = mismatches.any(|mismatch| mismatch.part == Part::Transport);
    let deadline = tokio::time::Instant::now() + NOTICED;
    loop {
        let notes = providers.notes();
        if !gone || !notes.is_empty() || tokio::time::Instant::now() >= deadline {
            return notes;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The pacts, or what the filter leaves of them. A filter that leaves nothing is a mistake of whoever wrote it.
fn chosen(pacts: Vec<Pact>, filter: &Filter) -> Result<Vec<Pact>, Failure> {
    if !filter.is_set() {
        return Ok(pacts);
    }
    let narrowed = filter.narrow(&pacts);
    if !narrowed.is_empty() {
        return Ok(narrowed);
    }
    let asked = [
        ("--consumer", &filter.consumer),
        ("--provider", &filter.provider),
        ("--description", &filter.description),
        ("--state", &filter.state),
    ];
    let asked: Vec<String> =
        asked.iter().filter_map(|(option, value)| Some(format!("`{option} {}`", value.as_ref()?))).collect();
    let pairs: BTreeSet<String> =
        pacts.iter().map(|pact| format!("`{}` -> `{}`", pact.consumer, pact.provider)).collect();
    let pairs: Vec<String> = pairs.into_iter().collect();
    let sentence = format!(
        "no interaction matches {}: nothing would be verified; there are pacts of {}",
        asked.join(" "),
        pairs.join(", ")
    );
    Err(Failure::Other(Error::Usage(sentence)))
}

fn options(plan: &Plan) -> Options {
    let Replays { filter, shuffle, repeat } = plan.wanted.contracts.clone();
    Options { filter, shuffle: shuffle.then_some(plan.seed), repeat, ..Options::default() }
}

fn load(dir: &Path) -> Result<Vec<Pact>, Failure> {
    contracts::store::load_dir(dir).map_err(|e| Failure::Judged(format!("the pacts cannot be read: {e}")))
}

/// Starts the providers with their hooks on and data of their own, so that provider states touch nothing that is judged.
async fn start_providers(ground: &Ground, section: &config::Contracts) -> Result<Arc<RunningSystem>, Error> {
    let mut env: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for provider in section.providers.values() {
        env.entry(provider.service.clone()).or_default().extend(provider.env.clone());
    }
    let options = StartOptions {
        only: Some(with_peers(&ground.config, env.keys().cloned().collect())),
        env_extra: env,
        collector: ground.collector.http_addr,
        store: Some(ground.collector.store.clone()),
        mail: ground.mail.clone(),
        events: ground.events.clone(),
        watchdog: ground.watchdog.clone(),
        subdirectory: Some("contracts".to_owned()),
        ..ground.start_options()
    };
    Ok(RunningSystem::start(ground.config.clone(), ground.dir.path(), options).await?)
}

/// The services, and those that they reach through links: a provider may need a third party to honour a request.
fn with_peers(config: &Config, services: Vec<String>) -> Vec<String> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    let mut open = services;
    while let Some(name) = open.pop() {
        if let Some(service) = config.services.get(&name)
            && all.insert(name)
        {
            open.extend(service.links());
        }
    }
    all.into_iter().collect()
}

async fn replay(
    ground: &Ground,
    section: &config::Contracts,
    providers: &Arc<RunningSystem>,
    pacts: &[Pact],
    options: &Options,
) -> Result<Vec<VerificationResult>, Failure> {
    let mut running = tokio::task::JoinSet::new();
    for (name, provider) in &section.providers {
        let pacts: Vec<Pact> = pacts.iter().filter(|pact| pact.provider == *name).cloned().collect();
        let target = target(&ground.config, providers, name, provider).map_err(Failure::Judged)?;
        let (events, options) = (ground.events.clone(), options.clone());
        running.spawn(async move {
            verify(&target, &pacts, &options, |done| {
                if done.verdict != contracts::result::Verdict::Pass {
                    events.note(done.to_string());
                }
            })
            .await
        });
    }
    let mut results = Vec::new();
    while let Some(result) = running.join_next().await {
        results.push(result.map_err(|e| Failure::Other(Error::failed("a verification ended early", e)))?);
    }
    results.sort_by(|a, b| a.provider.cmp(&b.provider));
    Ok(results)
}

fn target(
    config: &Config,
    providers: &RunningSystem,
    name: &str,
    provider: &config::Provider,
) -> Result<Provider, String> {
    use chaos::system::System;
    let address = providers
        .address(&provider.service)
        .ok_or_else(|| format!("provider `{name}`: service `{}` has no address", provider.service))?;
    let base = format!("http://{address}");
    let url = |path: &str| {
        Url::parse(&format!("{base}{path}"))
            .map_err(|e| format!("{}: provider `{name}`: `{path}` is no path: {e}", config.file.display()))
    };
    let mut target = Provider::new(name, url("/")?);
    target.states_url = provider.states.as_deref().map(url).transpose()?;
    target.messages_url = provider.messages.as_deref().map(url).transpose()?;
    Ok(target)
}

fn report(result: ContractsResult, recorded: bool, drift: Vec<String>) -> model::Contracts {
    let mut verdict = verdict(result.verdict);
    let mut error = None;
    if verdict == Verdict::Pass && !drift.is_empty() {
        verdict = Verdict::Fail;
        error = Some(format!("the committed pacts are stale: {}", drift[0]));
    }
    if verdict == Verdict::Fail && error.is_none() {
        error = result.failed.first().cloned();
    }
    model::Contracts {
        verdict,
        expected: result.expected,
        verified: result.verified,
        partial: result.partial,
        wall_s: result.wall_s,
        recorded,
        drift,
        interactions: result.interactions.into_iter().map(Into::into).collect(),
        notes: Vec::new(),
        error,
    }
}

fn unjudged(verdict: Verdict, reason: String) -> model::Contracts {
    model::Contracts { verdict, error: Some(reason), ..skipped() }
}

/// Contracts of a run that leaves them out.
pub(super) fn skipped() -> model::Contracts {
    model::Contracts {
        verdict: Verdict::Skipped,
        expected: 0,
        verified: 0,
        partial: false,
        wall_s: 0.0,
        recorded: false,
        drift: Vec::new(),
        interactions: Vec::new(),
        notes: Vec::new(),
        error: None,
    }
}

impl From<InteractionResult> for model::Interaction {
    fn from(result: InteractionResult) -> Self {
        Self {
            consumer: result.consumer,
            provider: result.provider,
            description: result.description,
            kind: result.kind.as_str().to_owned(),
            states: result.states,
            pending: result.pending,
            verdict: verdict(result.verdict),
            duration_ms: result.duration_ms,
            mismatches: result.mismatches.iter().map(ToString::to_string).collect(),
            flaky: result.flaky,
            trace_id: Some(result.trace_id).filter(|id| !id.is_empty()),
            correlation_id: Some(result.correlation_id).filter(|id| !id.is_empty()),
            evidence: None,
        }
    }
}

fn verdict(verdict: contracts::result::Verdict) -> Verdict {
    match verdict {
        contracts::result::Verdict::Pass => Verdict::Pass,
        contracts::result::Verdict::Fail => Verdict::Fail,
        contracts::result::Verdict::Invalid => Verdict::Invalid,
        contracts::result::Verdict::Aborted => Verdict::Aborted,
        contracts::result::Verdict::Skipped => Verdict::Skipped,
    }
}
