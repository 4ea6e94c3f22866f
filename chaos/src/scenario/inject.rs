//! Reads an entry of `inject`: one fault, or one that comes again and again on one of several targets.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::document::{Content, Node, Section};
use super::parse::Reader;
use super::plan::{Phases, PlannedFault};
use super::repeated::{LEAST_EVERY, MOST, Repeated};
use crate::error::suggestion;
use crate::faults::{self, Aim, Fault, KINDS, Kind, Params, Place};
use crate::quantity;

/// Keys of every entry, whatever its fault.
const TIMES: &[&str] = &["at", "for", "every"];

/// An entry whose keys are known and whose settings are not yet read.
struct Entry<'a> {
    section: Section<'a>,
    kind: &'static Kind,
    /// Its number in the list.
    number: usize,
    seed: u64,
    settings: Vec<(String, Place, Value, Place)>,
    /// What it may be aimed at, each with its place; more than one only in a list.
    targets: Vec<(Value, Place)>,
}

impl Reader<'_> {
    /// The faults of one entry, in order of time.
    pub(super) fn faults(&self, node: &Node, number: usize, phases: Option<Phases>, seed: u64) -> Vec<PlannedFault> {
        let what = format!("fault {}", number + 1);
        let Some(section) = Section::of(node, &what, &[], self.findings) else { return Vec::new() };
        self.entry(section, number, seed)
            .and_then(|entry| match section.get("every") {
                Some(every) => self.repeated(&entry, every, phases),
                None => self.single(&entry, phases).map(|fault| vec![fault]),
            })
            .unwrap_or_default()
    }

    fn entry<'n>(&self, section: Section<'n>, number: usize, seed: u64) -> Option<Entry<'n>> {
        let kind_node = section.require("fault")?;
        let name = section.text(kind_node, "fault")?;
        let Some(kind) = faults::kind(name) else {
            let hint = suggestion(name, KINDS.iter().map(|kind| kind.name));
            self.findings.add(kind_node.place, format!("there is no fault `{name}`"), hint);
            return None;
        };
        let mut entry = Entry { section, kind, number, seed, settings: Vec::new(), targets: Vec::new() };
        for setting in section.entries {
            let (key, value) = (&*setting.key, &setting.value);
            if key == "fault" || TIMES.contains(&key) {
                continue;
            }
            match &value.content {
                _ if !kind.settings.contains(&key) => {
                    let known = ["at", "for"].iter().chain(kind.settings);
                    let hint = suggestion(key, known.copied());
                    self.findings.add(setting.place, format!("fault `{name}` has no setting `{key}`"), hint);
                }
                Content::Scalar(scalar) if kind.target() == key => entry.targets.push((scalar.clone(), value.place)),
                Content::Scalar(scalar) => {
                    entry.settings.push((key.to_owned(), setting.place, scalar.clone(), value.place));
                }
                Content::List(list) if kind.target() == key => self.targets(&mut entry, value, list),
                _ => {
                    let message = format!("`{key}` is {}, expected a single value", value.describe());
                    self.findings.add(value.place, message, None);
                }
            }
        }
        Some(entry)
    }

    /// A list of targets, of which `every` takes one at a time.
    fn targets(&self, entry: &mut Entry<'_>, node: &Node, list: &[Node]) {
        let key = entry.kind.target();
        if entry.section.get("every").is_none() {
            let message = format!("`{key}` is a list, expected a single value");
            let hint = "add `every: 10s` to aim at one of them at a time, or write an entry for each".to_owned();
            self.findings.add(node.place, message, Some(hint));
        }
        if list.is_empty() {
            self.findings.add(node.place, format!("`{key}` is an empty list, expected at least one name"), None);
        }
        for item in list {
            match &item.content {
                Content::Scalar(value) if entry.targets.iter().any(|(known, _)| known == value) => {
                    self.findings.add(item.place, format!("{} is named twice in `{key}`", item.describe()), None);
                }
                Content::Scalar(value) => entry.targets.push((value.clone(), item.place)),
                _ => {
                    let message = format!("`{key}` has {}, expected names", item.describe());
                    self.findings.add(item.place, message, None);
                }
            }
        }
    }

    /// The fault of an entry on one of its targets. `turn` counts the injections of a repeated one.
    fn build(&self, entry: &Entry<'_>, target: Option<&(Value, Place)>, turn: Option<u64>) -> Option<Arc<dyn Fault>> {
        let mut entries = entry.settings.clone();
        if let Some((value, place)) = target {
            entries.push((entry.kind.target().to_owned(), *place, value.clone(), *place));
        }
        let number = entry.number;
        let label = match turn {
            Some(turn) => format!("{}/{number}.{turn}", self.name),
            None => format!("{}/{number}", self.name),
        };
        let seed = entry.seed.wrapping_add(number as u64).wrapping_add(turn.map_or(0, |turn| (turn + 1) << 32));
        let aim = Aim { targets: &self.known.targets, label: &label, seed };
        let place = entry.section.place;
        let mut params = Params { entries, place, fault: entry.kind.name, aim, problems: Vec::new() };
        let fault = (entry.kind.build)(&mut params);
        for (place, message, hint) in params.problems {
            self.findings.add(place, message, hint);
        }
        fault
    }

    fn single(&self, entry: &Entry<'_>, phases: Option<Phases>) -> Option<PlannedFault> {
        let fault = self.build(entry, entry.targets.first(), None);
        let time = |key| entry.section.optional::<quantity::Duration>(key).map(Duration::from);
        let (at, length) = (time("at").unwrap_or_default(), time("for"));
        let inject = phases?.inject;
        let until = length.map_or(inject, |length| at + length);
        if until > inject || at >= inject {
            let message = format!(
                "fault `{}` lasts from {} to {}, but the inject phase ends at {}",
                entry.kind.name,
                quantity::Duration::new(at),
                quantity::Duration::new(until),
                quantity::Duration::new(inject)
            );
            let hint = "leave out `for` to last until the end of the phase".to_owned();
            self.findings.add(entry.section.place, message, Some(hint));
            return None;
        }
        Some(PlannedFault { at, until, fault: fault? })
    }

    fn repeated(&self, entry: &Entry<'_>, every: &Node, phases: Option<Phases>) -> Option<Vec<PlannedFault>> {
        let (section, kind) = (&entry.section, entry.kind.name);
        // Each target is looked at, whether a turn will fall to it or not.
        let sound = match &entry.targets[..] {
            [] => self.build(entry, None, None).is_some(),
            targets => targets.iter().filter(|target| self.build(entry, Some(target), None).is_none()).count() == 0,
        };
        let gap = section.parse::<quantity::Duration>(every, "every").map(Duration::from);
        let time = |key| section.optional::<quantity::Duration>(key).map(Duration::from);
        let (from, length) = (time("at").unwrap_or_default(), time("for"));
        if section.get("for").is_none() {
            let message = format!("fault `{kind}` has `every` but no `for`");
            let hint = "say how long each of them lasts, for example `for: 2s`".to_owned();
            self.findings.add(section.place, message, Some(hint));
        }
        let (gap, length, until) = (gap?, length?, phases?.inject);
        if gap < LEAST_EVERY {
            let (gap, least) = (quantity::Duration::new(gap), quantity::Duration::new(LEAST_EVERY));
            self.findings.add(every.place, format!("`every` is `{gap}`, expected at least {least}"), None);
            return None;
        }
        if from.checked_add(length).is_none_or(|end| end > until) {
            let message = format!(
                "fault `{kind}` lasts {} from {} on, but the inject phase ends at {}",
                quantity::Duration::new(length),
                quantity::Duration::new(from),
                quantity::Duration::new(until)
            );
            self.findings.add(section.place, message, Some("shorten `for`, or begin earlier".to_owned()));
            return None;
        }
        if until.saturating_sub(from).as_secs_f64() / gap.as_secs_f64() > MOST as f64 {
            let gap = quantity::Duration::new(gap);
            let message = format!("`every` is `{gap}`, which gives more than {MOST} injections in this phase");
            self.findings.add(every.place, message, None);
            return None;
        }
        if !sound {
            return None;
        }
        let repeated = Repeated { every: gap, length, from, until };
        let turns = repeated.turns(entry.targets.len(), entry.seed, &format!("{}/{}", self.name, entry.number));
        let planned = turns.into_iter().zip(0..).filter_map(|(turn, count)| {
            let fault = self.build(entry, entry.targets.get(turn.target), Some(count))?;
            Some(PlannedFault { at: turn.at, until: turn.until, fault })
        });
        Some(planned.collect())
    }
}
