//! Every mistake of a configuration file, with its place.

use std::fmt;
use std::path::PathBuf;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 when the file could not be read at all.
    pub line: usize,
    /// Column in characters, from 1; 0 when the file could not be read at all.
    pub column: usize,
    /// What is wrong: a lowercase fragment with the offending text in backticks.
    pub message: String,
    /// What would be accepted, or the nearest valid name.
    pub hint: Option<String>,
}

/// All mistakes of a file, in the order of their places. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The mistakes.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.file.display())?;
            if problem.line > 0 {
                write!(f, ":{}:{}", problem.line, problem.column)?;
            }
            write!(f, ": {}", problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(f, "\n  {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The candidate that `name` was most likely meant to be, if one is near enough to suggest.
pub(crate) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score >= 0.7)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// A hint: the nearest candidate if there is one, and all of them.
pub(crate) fn hint_among(name: &str, candidates: &[&str], what: &str) -> String {
    let list = candidates.iter().map(|candidate| format!("`{candidate}`")).collect::<Vec<_>>().join(", ");
    match nearest(name, candidates.iter().copied()) {
        _ if candidates.is_empty() => format!("there is no {what}"),
        Some(near) if candidates.len() > 1 => format!("did you mean `{near}`? {what}: {list}"),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{what}: {list}"),
    }
}
