//! Where rules put what they find.

use super::finding::{Finding, Level};
use super::usage::Use;

/// Most findings of one comparison; one more says that there would be others.
const MAX_FINDINGS: usize = 10_000;

/// Most places of one comparison that are looked at.
const MAX_PLACES: u32 = 500_000;

/// Findings of the rule that is at work.
pub(crate) struct Report {
    rule: &'static str,
    known: bool,
    findings: Vec<Finding>,
    cut: bool,
    places: u32,
}

impl Report {
    /// `known` says whether it is known who uses what.
    pub(crate) fn new(known: bool) -> Self {
        Self { rule: "", known, findings: Vec::new(), cut: false, places: 0 }
    }

    /// What comes now was found by this rule.
    pub(crate) fn by(&mut self, rule: &'static str) {
        self.rule = rule;
    }

    /// Takes note that one more place is looked at; false when there were too many already.
    pub(crate) fn may_look(&mut self) -> bool {
        self.places += u32::from(self.places < MAX_PLACES);
        self.places < MAX_PLACES
    }

    /// A change that breaks whoever uses this: an error with users, or when nobody knows them; else a warning.
    pub(crate) fn add(&mut self, place: String, sentence: impl Into<String>, users: Vec<&Use>) {
        let level = if users.is_empty() && self.known { Level::Warning } else { Level::Error };
        self.push(level, place, sentence.into(), users);
    }

    /// A change that breaks hardly anybody.
    pub(crate) fn warn(&mut self, place: String, sentence: impl Into<String>, users: Vec<&Use>) {
        self.push(Level::Warning, place, sentence.into(), users);
    }

    /// Something that is an error whoever uses it.
    pub(crate) fn fail(&mut self, place: String, sentence: String) {
        self.push(Level::Error, place, sentence, Vec::new());
    }

    fn push(&mut self, level: Level, place: String, sentence: String, users: Vec<&Use>) {
        if self.findings.len() >= MAX_FINDINGS {
            self.cut = true;
            return;
        }
        let used_by = users.into_iter().map(Use::user).collect();
        self.findings.push(Finding { level, rule: self.rule, sentence, place, used_by });
    }

    /// All findings, the worst first.
    pub(crate) fn finish(mut self, not_compared: &'static str) -> Vec<Finding> {
        if self.cut {
            let sentence = format!("there are more than {MAX_FINDINGS} findings, so that the rest was left out");
            let (level, place, used_by) = (Level::Error, String::new(), Vec::new());
            self.findings.push(Finding { level, rule: not_compared, sentence, place, used_by });
        }
        self.findings.sort();
        self.findings.dedup();
        self.findings
    }
}
