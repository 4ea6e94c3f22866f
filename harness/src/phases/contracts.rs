//! The contracts phase: pacts recorded by the consumers' tests, replayed on the providers.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use chaos::verdict::Verdict;
use contracts::broker::forgive_all;
use contracts::result::{ContractsResult, InteractionResult, VerificationResult};
use contracts::store::Pact;
use contracts::verify::{Options, Provider, verify};
use reqwest::Url;

use super::brokered::{Brokered, Selected};
use super::run::Ground;
use super::{Plan, Surroundings};
use crate::config::{self, Config};
use crate::error::Error;
use crate::events::Event;
use crate::report::model;
use crate::supervisor::build::run_command;
use crate::supervisor::{BuildError, RunningSystem, StartOptions};

/// Folder of the run that receives freshly recorded pacts.
const PACTS: &str = "pacts";

/// Records where the configuration says how, then verifies every provider.
pub(super) async fn run(
    ground: &Ground,
    section: &config::Contracts,
    record: bool,
    brokered: Option<&Brokered>,
) -> Result<model::Contracts, Error> {
    ground.events.send(Event::PhaseStarted {
        phase: "contracts",
        detail: format!("{} providers", section.providers.len()),
        total: None,
    });
    let result = match judge(ground, section, record, brokered).await {
        Ok(result) => result,
        Err(Failure::Judged(reason)) => unjudged(Verdict::Fail, reason),
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

async fn judge(
    ground: &Ground,
    section: &config::Contracts,
    recording: bool,
    brokered: Option<&Brokered>,
) -> Result<model::Contracts, Failure> {
    let selected = match brokered {
        Some(brokered) => brokered.select(section.providers.keys()).await.map_err(Failure::Other)?,
        None => None,
    };
    let recording = recording && selected.is_none();
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
        brokered.expects(&pacts).await.map_err(Failure::Other)?;
    }
    for pact in &pacts {
        // Somebody wrote it and believes in it.
        pact.lost.iter().for_each(|lost| ground.events.note(format!("`{}`: {lost}", pact.path.display())));
    }
    let providers = start_providers(ground, section).await.map_err(Failure::Other)?;
    let verifications = replay(ground, section, &providers, &pacts).await;
    providers.stop().await;
    let mut verifications = verifications?;
    let mut withheld = Vec::new();
    if let Some(brokered) = brokered {
        let (published, not) = brokered.publish(&pacts, &mut verifications, ground.cancel.is_cancelled()).await;
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
    Ok(report)
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
) -> Result<Vec<VerificationResult>, Failure> {
    let mut running = tokio::task::JoinSet::new();
    for (name, provider) in &section.providers {
        let pacts: Vec<Pact> = pacts.iter().filter(|pact| pact.provider == *name).cloned().collect();
        let target = target(&ground.config, providers, name, provider).map_err(Failure::Judged)?;
        let events = ground.events.clone();
        running.spawn(async move {
            verify(&target, &pacts, &Options::default(), |done| {
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
        wall_s: result.wall_s,
        recorded,
        drift,
        interactions: result.interactions.into_iter().map(Into::into).collect(),
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
        wall_s: 0.0,
        recorded: false,
        drift: Vec::new(),
        interactions: Vec::new(),
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
            verdict: verdict(result.verdict),
            duration_ms: result.duration_ms,
            mismatches: result.mismatches.iter().map(ToString::to_string).collect(),
            trace_id: Some(result.trace_id).filter(|id| !id.is_empty()),
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
