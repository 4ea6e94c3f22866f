//! Findings as a person reads them.

use std::collections::BTreeMap;
use std::fmt;

use super::finding::{Finding, Level};

/// Places of one and the same change that are named; of the rest only the number is.
const MAX_PLACES: usize = 5;

/// Findings, grouped by how bad they are and what changed.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'f>(pub &'f [Finding]);

impl Summary<'_> {
    /// How many findings are so bad.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, title) in [
            (Level::Error, "Changes that break consumers"),
            (Level::Warning, "Changes that no recorded consumer depends on"),
        ] {
            let mut groups: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
            for finding in self.0.iter().filter(|finding| finding.level == level) {
                groups.entry((finding.rule, &finding.sentence)).or_default().push(finding);
            }
            if groups.is_empty() {
                continue;
            }
            writeln!(f, "{title}:\n")?;
            for ((rule, sentence), findings) in groups {
                writeln!(f, "  {rule}: {sentence}")?;
                for finding in findings.iter().take(MAX_PLACES) {
                    writeln!(f, "    {}", finding.place)?;
                    finding.used_by.iter().try_for_each(|user| writeln!(f, "      used by {user}"))?;
                }
                if findings.len() > MAX_PLACES {
                    writeln!(f, "    and {} more places", findings.len() - MAX_PLACES)?;
                }
            }
            writeln!(f)?;
        }
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        match (errors, warnings) {
            (0, 0) => write!(f, "Passed: nothing that consumers depend on has changed"),
            (0, _) => write!(f, "Passed: {}, no error", count(warnings, "warning")),
            (_, 0) => write!(f, "Failed: {}", count(errors, "error")),
            _ => write!(f, "Failed: {}, {}", count(errors, "error"), count(warnings, "warning")),
        }
    }
}
