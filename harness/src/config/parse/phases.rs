//! `[contracts]`, `[journeys]`, `[load]`, `[chaos]`, `[rest]`.

use std::path::Path;
use std::time::Duration;

use chaos::load::LoadPlan;

use super::command;
use crate::config::document::Section;
use crate::config::schema::{Arrivals, Chaos, Contracts, Journeys, Load, LoadShape, Provider, Record, Rest};
use crate::config::units::{parse_duration, parse_rate};

pub(super) fn contracts(section: Section<'_>, root: &Path) -> Option<Contracts> {
    let pacts = section.required("pacts", "the folder of committed pacts");
    let record = section.section("record").map(|record| {
        let command = command(&record, root);
        let output_env = record.required("output_env", "the variable that tells the command where to write pacts");
        record.finish();
        Record { command, output_env: output_env.unwrap_or_default() }
    });
    let providers = section.named("providers").into_iter().map(|(name, section)| {
        let provider = Provider {
            service: section.string("service").unwrap_or_else(|| name.clone()),
            env: section.string_map("env"),
            states: path(&section, "states"),
            messages: path(&section, "messages"),
        };
        section.finish();
        (name, provider)
    });
    let providers = providers.collect();
    let documents = section.string_lists("documents").into_iter();
    let documents = documents.map(|(name, files)| (name, files.iter().map(|file| root.join(file)).collect())).collect();
    section.finish();
    Some(Contracts { pacts: root.join(pacts?), record, providers, documents })
}

fn path(section: &Section<'_>, key: &'static str) -> Option<String> {
    let path = section.string(key)?;
    if !path.starts_with('/') {
        section.problem_at(
            key,
            format!("`{}.{key}` is `{path}`, expected a path that starts with `/`", section.path),
            None,
        );
    }
    Some(path)
}

pub(super) fn journeys(section: Section<'_>, root: &Path) -> Option<Journeys> {
    let dir = section.required("dir", "the folder of journey files");
    let (run, quick) = (section.strings("run"), section.strings("quick"));
    section.finish();
    Some(Journeys { dir: root.join(dir?), run, quick })
}

pub(super) fn chaos(section: Section<'_>, root: &Path) -> Option<Chaos> {
    let dir = section.required("dir", "the folder of scenario files");
    let (run, quick) = (section.strings("run"), section.strings("quick"));
    section.finish();
    Some(Chaos { dir: root.join(dir?), run, quick })
}

/// The keys of a shape that are there.
struct PartialShape {
    rate: Option<f64>,
    duration: Option<Duration>,
    warmup: Option<Duration>,
    arrivals: Option<Arrivals>,
    max_inflight: Option<usize>,
    max_lag: Option<Duration>,
    thresholds: Option<Vec<String>>,
}

fn shape(section: &Section<'_>) -> PartialShape {
    let max_inflight = section.integer("max_inflight", "a number of iterations above 0");
    if max_inflight == Some(0) {
        section.problem_at(
            "max_inflight",
            format!("`{}.max_inflight` is `0`, expected a number of iterations above 0", section.path),
            None,
        );
    }
    PartialShape {
        rate: section.unit("rate", parse_rate),
        duration: section.unit("duration", parse_duration),
        warmup: section.unit("warmup", parse_duration),
        arrivals: section.choice("arrivals", &[("poisson", Arrivals::Poisson), ("constant", Arrivals::Constant)]),
        max_inflight,
        max_lag: section.unit("max_lag", parse_duration),
        thresholds: section.strings("thresholds"),
    }
}

pub(super) fn load(section: Section<'_>) -> Option<Load> {
    let journey = section.required("journey", "the journey that every arrival runs");
    for (key, expected) in [("rate", "a rate such as `20/s`"), ("duration", "a duration such as `60s`")] {
        if !section.has(key) {
            section.missing(key, expected);
        }
    }
    let own = shape(&section);
    let quick = section.section("quick").map(|quick| {
        let shape = shape(&quick);
        quick.finish();
        shape
    });
    section.finish();
    let full = LoadShape {
        rate: own.rate?,
        duration: own.duration?,
        warmup: own.warmup.unwrap_or_default(),
        arrivals: own.arrivals.unwrap_or(Arrivals::Poisson),
        max_inflight: own.max_inflight.unwrap_or(200),
        max_lag: own.max_lag.unwrap_or(LoadPlan::DEFAULT_MAX_LAG),
        thresholds: own.thresholds.unwrap_or_default(),
    };
    let quick = quick.map_or_else(
        || full.clone(),
        |quick| LoadShape {
            rate: quick.rate.unwrap_or(full.rate),
            duration: quick.duration.unwrap_or(full.duration),
            warmup: quick.warmup.unwrap_or(full.warmup),
            arrivals: quick.arrivals.unwrap_or(full.arrivals),
            max_inflight: quick.max_inflight.unwrap_or(full.max_inflight),
            max_lag: quick.max_lag.unwrap_or(full.max_lag),
            thresholds: quick.thresholds.unwrap_or_else(|| full.thresholds.clone()),
        },
    );
    Some(Load { journey: journey?, full, quick })
}

pub(super) fn rest(section: Option<Section<'_>>) -> Rest {
    let within = Duration::from_secs(10);
    let Some(section) = section else { return Rest { empty: Vec::new(), within } };
    if !section.has("empty") {
        section.missing("empty", "the names of the tables that are empty at rest");
    }
    let empty = section.strings("empty").unwrap_or_default();
    let within = section.unit("within", parse_duration).unwrap_or(within);
    section.finish();
    Rest { empty, within }
}
