//! Everything that can be wrong before anything is started, found before anything is started.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chaos::Problems;
use chaos::load::LoadPlan;
use chaos::scenario::{self, Known, Profile, ScenarioFile};
use contracts::verify::Filter;

use super::Brokered;
use crate::cli::Phase;
use crate::config::{Arrivals, Config, LoadShape};
use crate::error::Error;
use crate::journey::{Journey, Journeys};
use crate::supervisor;

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The short form.
    pub quick: bool,
    /// Phases to run; the others are skipped.
    pub phases: Vec<Phase>,
    /// Whether pacts are recorded anew.
    pub record: bool,
    /// What verification has to do with the contract broker, if anything.
    pub brokered: Option<Brokered>,
    /// Which of their interactions are replayed, and how.
    pub contracts: Replays,
    /// Journeys by name; those of the configuration when empty.
    pub journeys: Vec<String>,
    /// Scenarios by name; those of the configuration when empty.
    pub scenarios: Vec<String>,
    /// Seed; the configuration's when absent.
    pub seed: Option<u64>,
}

/// Which interactions of the pacts are replayed, in which order and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replays {
    /// Which ones; what a filter leaves is never the result of the whole pacts.
    pub filter: Filter,
    /// Whether the order depends on the seed.
    pub shuffle: bool,
    /// How often, at least once.
    pub repeat: usize,
}

impl Default for Replays {
    /// Everything once, as in the pacts.
    fn default() -> Self {
        Self { filter: Filter::default(), shuffle: false, repeat: 1 }
    }
}

/// A run, checked as a whole.
pub struct Plan {
    pub(super) config: Arc<Config>,
    pub(super) wanted: Wanted,
    pub(super) seed: u64,
    pub(super) journeys: Arc<Journeys>,
    pub(super) selected: Vec<Journey>,
    pub(super) load: Option<LoadPlan>,
    pub(super) scenarios: Vec<Chosen>,
}

/// A scenario of the run.
pub(super) struct Chosen {
    pub(super) plan: scenario::Plan,
    /// Why it does not apply to this system, when it does not.
    pub(super) obstacle: Option<String>,
}

impl Plan {
    /// Reads the journeys and the scenarios of a configuration.
    ///
    /// # Errors
    /// Every mistake of the first of these that has any.
    pub fn new(config: Config, wanted: Wanted) -> Result<Self, Error> {
        let journeys = match &config.journeys {
            Some(section) => Journeys::load(&section.dir).map_err(Error::Journeys)?,
            None => Journeys::default(),
        };
        let seed = wanted.seed.unwrap_or(config.system.seed);
        let mut plan = Self {
            config: Arc::new(config),
            seed,
            journeys: Arc::new(journeys),
            selected: Vec::new(),
            load: None,
            scenarios: Vec::new(),
            wanted,
        };
        if plan.wants(Phase::Journeys) {
            plan.selected = plan.select_journeys()?;
        }
        if plan.wants(Phase::Load) {
            plan.load = plan.load_plan()?;
        }
        if plan.wants(Phase::Chaos) {
            plan.scenarios = plan.select_scenarios()?;
        }
        Ok(plan)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether a phase is to run.
    #[must_use]
    pub fn wants(&self, phase: Phase) -> bool {
        self.wanted.phases.contains(&phase)
    }

    fn journey(&self, name: &str) -> Result<&Journey, Error> {
        self.journeys.0.get(name).ok_or_else(|| Error::UnknownName {
            what: "journey",
            name: name.to_owned(),
            expected: one_of(self.journeys.0.keys().map(String::as_str)),
        })
    }

    fn select_journeys(&self) -> Result<Vec<Journey>, Error> {
        let Some(section) = &self.config.journeys else {
            return Ok(Vec::new());
        };
        let listed = match (&section.run, &section.quick) {
            (_, Some(quick)) if self.wanted.quick => Some(quick),
            (run, _) => run.as_ref(),
        };
        let names: Vec<String> = match listed {
            _ if !self.wanted.journeys.is_empty() => self.wanted.journeys.clone(),
            Some(listed) => listed.clone(),
            None => self.journeys.0.keys().cloned().collect(),
        };
        names.iter().map(|name| self.journey(name).cloned()).collect()
    }

    fn load_plan(&self) -> Result<Option<LoadPlan>, Error> {
        let Some(load) = &self.config.load else {
            return Ok(None);
        };
        self.journey(&load.journey)?;
        let shape: &LoadShape = if self.wanted.quick { &load.quick } else { &load.full };
        let mut plan =
            LoadPlan::steady(&load.journey, &load.journey, shape.rate, shape.warmup, shape.duration, self.seed);
        plan.arrivals = match shape.arrivals {
            Arrivals::Poisson => chaos::load::Arrivals::Poisson,
            Arrivals::Constant => chaos::load::Arrivals::Constant,
        };
        plan.max_inflight = shape.max_inflight;
        plan.max_lag = shape.max_lag;
        plan.thresholds = shape
            .thresholds
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Usage(format!("{}: [load] thresholds: {e}", self.config.file.display())))?;
        Ok(Some(plan))
    }

    fn select_scenarios(&self) -> Result<Vec<Chosen>, Error> {
        let Some(section) = &self.config.chaos else {
            return Ok(Vec::new());
        };
        let all = read_scenarios(&section.dir)?;
        // A misspelt name would silently never be judged.
        for name in self.config.invariants.iter().flat_map(|spec| &spec.only_in) {
            if !all.iter().any(|scenario| scenario.name() == name) {
                return Err(Error::UnknownName {
                    what: "scenario",
                    name: name.clone(),
                    expected: one_of(all.iter().map(ScenarioFile::name)),
                });
            }
        }
        let listed = match (&section.run, &section.quick) {
            (_, Some(quick)) if self.wanted.quick => Some(quick),
            (run, _) => run.as_ref(),
        };
        let names: Vec<String> = match listed {
            _ if !self.wanted.scenarios.is_empty() => self.wanted.scenarios.clone(),
            Some(listed) => listed.clone(),
            None => all.iter().map(|scenario| scenario.name().to_owned()).collect(),
        };
        let known = Known {
            targets: supervisor::targets(&self.config),
            journeys: self.journeys.0.keys().cloned().collect(),
            invariants: self.config.invariants.iter().map(|spec| spec.name.clone()).collect(),
        };
        let profile = if self.wanted.quick { Profile::Quick } else { Profile::Full };
        let mut plans = Vec::new();
        let mut problems = Vec::new();
        for name in &names {
            let Some(scenario) = all.iter().find(|scenario| scenario.name() == name) else {
                return Err(Error::UnknownName {
                    what: "scenario",
                    name: name.clone(),
                    expected: one_of(all.iter().map(ScenarioFile::name)),
                });
            };
            let scenario = match &self.config.profile {
                Some(profile) => scenario.under(profile),
                None => scenario.clone(),
            };
            match scenario.plan(profile, self.seed, &known) {
                Ok(plan) => {
                    let faults = plan.faults.iter();
                    let obstacle =
                        faults.filter_map(|planned| supervisor::obstacle(&self.config, &*planned.fault)).next();
                    plans.push(Chosen { plan, obstacle });
                }
                Err(found) => problems.extend(found.0),
            }
        }
        if problems.is_empty() { Ok(plans) } else { Err(Error::Scenarios(Problems(problems))) }
    }
}

/// Reads every `*.yaml` file of `dir`, by file name.
fn read_scenarios(dir: &Path) -> Result<Vec<ScenarioFile>, Error> {
    let listing = std::fs::read_dir(dir)
        .map_err(|e| Error::Usage(format!("{}: cannot read the folder of scenarios: {e}", dir.display())))?;
    let mut paths: Vec<PathBuf> = listing
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    paths.sort();
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match ScenarioFile::read(&path) {
            Ok(file) => files.push(file),
            Err(found) => problems.extend(found.0),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(Error::Scenarios(Problems(problems))) }
}

fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none, as the folder is empty".to_owned() } else { names.join(", ") }
}
