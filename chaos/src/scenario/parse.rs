//! Reads a scenario file, and checks everything in it against the system before anything is run.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::document::{Content, Findings, Node, Section, parse};
use super::plan::{During, Known, Phases, Plan, Profile};
use crate::error::{Problem, Problems, suggestion};
use crate::load::{Arrivals, LoadPlan, Metric, PhaseSpan, Shape, Stage, Threshold};
use crate::quantity;

const KEYS: &[&str] = &[
    "scenario",
    "title",
    "hypothesis",
    "seed",
    "load",
    "phases",
    "steady_state",
    "during",
    "inject",
    "recover",
    "invariants",
    "telemetry",
    "abort",
    "quick",
    "profiles",
];
const QUICK_KEYS: &[&str] = &["load", "phases", "steady_state", "during", "inject", "recover", "invariants", "abort"];
const PROFILE_KEYS: &[&str] =
    &["load", "phases", "steady_state", "during", "inject", "recover", "invariants", "abort", "quick"];
const LOAD_KEYS: &[&str] = &["arrivals", "rate", "journey", "actors", "max_inflight", "timeout", "max_lag"];
const PHASE_KEYS: &[&str] = &["warmup", "baseline", "inject", "recover", "drain"];
/// Time in which a system must come to rest when the scenario does not say.
const DRAIN: Duration = Duration::from_secs(30);

/// A scenario file that is YAML and has a name; the rest is checked by [`ScenarioFile::plan`].
#[derive(Clone, Debug)]
pub struct ScenarioFile {
    file: String,
    name: String,
    title: String,
    root: Node,
}

impl ScenarioFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is not YAML, or does not name itself.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) => Err(Problems(vec![Problem {
                file,
                line: 0,
                column: 0,
                message: format!("cannot be read: {error}"),
                hint: None,
            }])),
        }
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// When it is not YAML, or does not name itself.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let root = parse(file, text)?;
        let findings = Findings::new(file);
        // Unknown keys are reported by `plan`, together with everything else.
        let names = Section::of(&root, "the scenario", &[], &findings).and_then(|section| {
            let name = section.require("scenario").and_then(|node| section.text(node, "scenario"))?;
            let title = section.get("title").or(section.get("hypothesis"));
            let title = title.and_then(|node| section.text(node, "title")).unwrap_or(name);
            Some((name.to_owned(), title.to_owned()))
        });
        let (name, title) = findings.finish(names)?;
        Ok(Self { file: file.to_owned(), name, title, root })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The question it asks, as a sentence.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The same question as it is put to a system under this profile of its description: with what the file says for it
    /// under `profiles`, if anything.
    #[must_use]
    pub fn under(&self, profile: &str) -> Self {
        let entry = |node: &Node, key: &str| match &node.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.clone()),
            _ => None,
        };
        let over = entry(&self.root, "profiles").and_then(|profiles| entry(&profiles, profile));
        let root = over.map_or_else(|| self.root.clone(), |over| self.root.clone().overlaid(over));
        Self { root, file: self.file.clone(), name: self.name.clone(), title: self.title.clone() }
    }

    /// Checks everything, and makes it ready to run. `seed` is used unless the file fixes one.
    ///
    /// # Errors
    /// All mistakes of the file together: unknown keys, services, links, journeys and invariants, texts that are not what
    /// they should be, faults that do not fit into their phase.
    pub fn plan(&self, profile: Profile, seed: u64, known: &Known) -> Result<Plan, Problems> {
        let findings = Findings::new(&self.file);
        let mut root = self.root.clone();
        let whole = Section::of(&self.root, "the scenario", &[], &findings);
        if let Some(profiles) = whole.as_ref().and_then(|section| section.get("profiles")) {
            let profiles = Section::of(profiles, "`profiles`", &[], &findings);
            for entry in profiles.iter().flat_map(|section| section.entries) {
                let what = format!("profile `{}`", entry.key);
                let profile = Section::of(&entry.value, &what, PROFILE_KEYS, &findings);
                if let Some(quick) = profile.and_then(|section| section.get("quick")) {
                    Section::of(quick, "`quick`", QUICK_KEYS, &findings);
                }
            }
        }
        if let Some(quick) = whole.and_then(|section| section.get("quick")) {
            Section::of(quick, "`quick`", QUICK_KEYS, &findings);
            if profile == Profile::Quick {
                root = root.overlaid(quick.clone());
            }
        }
        let reader = Reader { findings: &findings, known, name: &self.name, title: &self.title, seed };
        let plan = reader.plan(&root);
        findings.finish(plan)
    }
}

pub(super) struct Reader<'a> {
    pub(super) findings: &'a Findings,
    pub(super) known: &'a Known,
    pub(super) name: &'a str,
    title: &'a str,
    seed: u64,
}

impl Reader<'_> {
    fn plan(&self, root: &Node) -> Option<Plan> {
        let section = Section::of(root, "the scenario", KEYS, self.findings)?;
        let seed = section.whole("seed", 0).unwrap_or(self.seed);
        let phases = section.require("phases").and_then(|node| self.phases(node));
        let loads = section.require("load").map_or_else(Vec::new, |node| self.loads(node, phases, seed));
        let thresholds = |key| self.thresholds(&section, key, &loads);
        let (steady_state, recover, abort) = (thresholds("steady_state"), thresholds("recover"), thresholds("abort"));
        if steady_state.is_empty() {
            let hint = Some("for example `steady_state: [\"buy.ok >= 99%\", \"buy.p99 < 400ms\"]`".to_owned());
            self.findings.add(root.place, "the scenario has no `steady_state`, so nothing could be judged", hint);
        }
        let during = section.get("during").and_then(|node| match section.text(node, "during")? {
            "hold" => Some(During::Hold),
            "may_degrade" => Some(During::MayDegrade),
            other => {
                let message = format!("`during` is `{other}`, expected `hold` or `may_degrade`");
                self.findings.add(node.place, message, None);
                None
            }
        });
        let faults = section
            .list("inject")
            .iter()
            .enumerate()
            .flat_map(|(number, node)| self.faults(node, number, phases, seed))
            .collect::<Vec<_>>();
        if section.list("inject").is_empty() {
            self.findings.add(root.place, "the scenario has no `inject`, so nothing would be broken", None);
        }
        let invariants = section.get("invariants").map(|_| self.invariants(&section));
        Some(Plan {
            scenario: self.name.to_owned(),
            title: self.title.to_owned(),
            seed,
            loads,
            phases: phases?,
            steady_state,
            during: during.unwrap_or_default(),
            faults,
            recover,
            abort,
            invariants,
            telemetry: section.flag("telemetry").unwrap_or_default(),
        })
    }

    fn phases(&self, node: &Node) -> Option<Phases> {
        let section = Section::of(node, "`phases`", PHASE_KEYS, self.findings)?;
        let of = |key| section.optional::<quantity::Duration>(key).map(Duration::from);
        let needed = |key| {
            let node = section.require(key)?;
            let length = Duration::from(section.parse::<quantity::Duration>(node, key)?);
            if length.is_zero() {
                self.findings.add(node.place, format!("`{key}` is `0s`, expected a longer time"), None);
                return None;
            }
            Some(length)
        };
        let (baseline, inject, recover) = (needed("baseline"), needed("inject"), needed("recover"));
        Some(Phases {
            warmup: of("warmup").unwrap_or_default(),
            baseline: baseline?,
            inject: inject?,
            recover: recover?,
            drain: of("drain").unwrap_or(DRAIN),
        })
    }

    fn loads(&self, node: &Node, phases: Option<Phases>, seed: u64) -> Vec<LoadPlan> {
        let Some(section) = Section::of(node, "`load`", &[], self.findings) else { return Vec::new() };
        if section.entries.is_empty() {
            self.findings.add(node.place, "`load` is empty, expected at least one load by its name", None);
        }
        section.entries.iter().filter_map(|entry| self.load(&entry.key, &entry.value, phases, seed)).collect()
    }

    fn load(&self, name: &str, node: &Node, phases: Option<Phases>, seed: u64) -> Option<LoadPlan> {
        let what = format!("load `{name}`");
        let section = Section::of(node, &what, LOAD_KEYS, self.findings)?;
        let arrivals = section.get("arrivals").and_then(|node| match section.text(node, "arrivals")? {
            "poisson" => Some(Arrivals::Poisson),
            "constant" => Some(Arrivals::Constant),
            other => {
                let message = format!("`arrivals` is `{other}`, expected `poisson` or `constant`");
                self.findings.add(node.place, message, None);
                None
            }
        });
        section.require("rate");
        let stages: Vec<Stage> = section.list("rate").iter().filter_map(|node| section.parse(node, "rate")).collect();
        let journey = section.require("journey").and_then(|node| {
            let journey = section.text(node, "journey")?;
            self.expect("journey", journey, &self.known.journeys, node).then(|| journey.to_owned())
        });
        let duration = |key, default| section.optional::<quantity::Duration>(key).map_or(default, Duration::from);
        let max_inflight = section.whole("max_inflight", 1).map(|most| usize::try_from(most).unwrap_or(usize::MAX));
        let actors = section.whole("actors", 1).unwrap_or(1);
        if actors > LoadPlan::MOST_ACTORS {
            let message = format!("`actors` is `{actors}`, expected at most {}", LoadPlan::MOST_ACTORS);
            self.findings.add(section.get("actors").map_or(node.place, |node| node.place), message, None);
        }
        Some(LoadPlan {
            scope: self.name.to_owned(),
            name: name.to_owned(),
            arrivals: arrivals.unwrap_or_default(),
            shape: Shape::stages(&stages).ok()?,
            journey: journey?,
            actors,
            phases: phases
                .iter()
                .flat_map(Phases::ends)
                .map(|(name, until)| PhaseSpan { name: name.to_owned(), until })
                .collect(),
            max_inflight: max_inflight.unwrap_or(LoadPlan::DEFAULT_MAX_INFLIGHT),
            timeout: duration("timeout", LoadPlan::DEFAULT_TIMEOUT),
            max_lag: duration("max_lag", LoadPlan::DEFAULT_MAX_LAG),
            // Loads differ in the substream that their names give, and scenarios in what theirs give.
            seed,
            thresholds: Vec::new(),
        })
    }

    /// Whether a name is known; a problem with the nearest one otherwise.
    fn expect(&self, what: &str, name: &str, known: &[String], node: &Node) -> bool {
        let found = known.iter().any(|known| known == name);
        if !found {
            let hint = suggestion(name, known.iter().map(String::as_str));
            self.findings.add(node.place, format!("there is no {what} `{name}`"), hint);
        }
        found
    }

    fn thresholds(&self, section: &Section<'_>, key: &str, loads: &[LoadPlan]) -> Vec<Threshold> {
        let mut thresholds = Vec::new();
        for node in section.list(key) {
            let Content::Scalar(Value::String(text)) = &node.content else {
                let message =
                    format!("`{key}` has {}, expected a threshold such as `buy.p99 < 400ms`", node.describe());
                self.findings.add(node.place, message, None);
                continue;
            };
            match Threshold::from_str(text) {
                Ok(threshold) => {
                    if let Metric::Load(name) = &threshold.metric
                        && !loads.iter().any(|load| threshold.concerns(&load.name, &load.journey))
                    {
                        let names: Vec<&str> = loads.iter().map(|load| &*load.name).collect();
                        let hint = suggestion(name, names.iter().copied());
                        self.findings.add(node.place, format!("there is no load `{name}` in this scenario"), hint);
                    }
                    if threshold.phase.is_some() || (threshold.within.is_some() && key != "recover") {
                        let message = format!(
                            "`{text}` in `{key}`: the scenario decides on the time, so `in` has no place here and `within` only in `recover`"
                        );
                        self.findings.add(node.place, message, None);
                    }
                    thresholds.push(threshold);
                }
                Err(error) => self.findings.add(node.place, error.to_string(), None),
            }
        }
        thresholds
    }

    fn invariants(&self, section: &Section<'_>) -> Vec<String> {
        let mut names = Vec::new();
        for node in section.list("invariants") {
            if let Some(name) = section.text(node, "invariants")
                && self.expect("invariant", name, &self.known.invariants, node)
            {
                names.push(name.to_owned());
            }
        }
        names
    }
}
