//! Going through two versions of a schema side by side.

use serde_json::Value;

use super::pair::{SchemaPair, Step};
use super::part::Part;
use super::report::Report;
use super::rules::{Check, NOT_COMPARED, RULES};
use super::usage::Reader;
use crate::document::{Additional, Schema};

/// Deepest field that is compared.
const MAX_DEPTH: usize = 24;
/// Most places of one part that are compared.
const MAX_PLACES: u32 = 20_000;

/// One part of an operation or event.
pub(crate) struct Walk<'w> {
    pub(crate) owner: &'w str,
    pub(crate) part: Part<'w>,
    pub(crate) readers: &'w [Reader<'w>],
    places: u32,
    cut: bool,
    above: Vec<(Vec<*const Value>, Vec<*const Value>)>,
}

impl<'w> Walk<'w> {
    pub(crate) fn new(owner: &'w str, part: Part<'w>, readers: &'w [Reader<'w>]) -> Self {
        Self { owner, part, readers, places: 0, cut: false, above: Vec::new() }
    }

    /// Compares everything below two schemas.
    pub(crate) fn compare(mut self, before: &Schema<'_>, after: &Schema<'_>, report: &mut Report) {
        self.step(before, after, &[], report);
        if self.cut {
            report.by(NOT_COMPARED);
            let sentence = format!(
                "more than {MAX_PLACES} places or {MAX_DEPTH} levels, or too many in all: the rest was not compared"
            );
            report.fail(format!("{}: {}", self.owner, self.part), sentence);
        }
    }

    fn step(&mut self, before: &Schema<'_>, after: &Schema<'_>, steps: &[Step<'_>], report: &mut Report) {
        let identity = (before.identity(), after.identity());
        // A schema inside itself has been compared already.
        if self.above.contains(&identity) {
            return;
        }
        self.cut |= steps.len() > MAX_DEPTH || self.places >= MAX_PLACES || !report.may_look();
        if self.cut {
            return;
        }
        self.places += 1;
        let pair = SchemaPair { before, after, owner: self.owner, part: self.part, steps, readers: self.readers };
        for rule in RULES {
            if let Check::Schema(check) = rule.check {
                report.by(rule.id);
                check(&pair, report);
            }
        }
        self.above.push(identity);
        self.below(before, after, steps, report);
        self.above.pop();
    }

    fn below(&mut self, before: &Schema<'_>, after: &Schema<'_>, steps: &[Step<'_>], report: &mut Report) {
        let (choices, choices_after) = (before.alternatives(), after.alternatives());
        let alike = choices.len() == choices_after.len();
        let (own, own_after) = match alike {
            true => (before.properties(), after.properties()),
            false => (before.known_properties(), after.known_properties()),
        };
        for (name, schema) in &own {
            if let Some(other) = own_after.get(name) {
                self.step(schema, other, &[steps, &[Step::Member(name)]].concat(), report);
            }
        }
        if let (Some(schema), Some(other)) = (before.items(), after.items()) {
            self.step(&schema, &other, &[steps, &[Step::Items]].concat(), report);
        }
        if let (Additional::Values(schema), Additional::Values(other)) = (before.additional(), after.additional()) {
            self.step(&schema, &other, &[steps, &[Step::Values]].concat(), report);
        }
        if alike {
            for (before, after) in choices.iter().zip(&choices_after) {
                for (index, schema) in before.iter().enumerate() {
                    if let Some(other) = counterpart(schema, index, after) {
                        self.step(schema, other, steps, report);
                    }
                }
            }
        }
    }
}

/// The alternative that has the same name, or, among those without names, the same place.
pub(crate) fn counterpart<'s, 'a>(
    schema: &Schema<'_>,
    index: usize,
    among: &'s [Schema<'a>],
) -> Option<&'s Schema<'a>> {
    match schema.label() {
        Some(label) => among.iter().find(|other| other.label() == Some(label)),
        None => among.get(index).filter(|other| other.label().is_none()),
    }
}
