//! Verdicts and the evidence behind them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a check found out. "Could not be judged" never looks like "passed".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It held.
    Pass,
    /// It did not hold.
    Fail,
    /// It could not be judged: nothing was checked, a fault did not bite, the baseline was bad already.
    Invalid,
    /// It was stopped before its end.
    Aborted,
    /// It was left out on purpose.
    Skipped,
}

impl Verdict {
    /// The verdict over several: aborted > fail > invalid > pass > skipped. None at all is [`Verdict::Skipped`].
    ///
    /// ```
    /// use chaos::Verdict::{self, *};
    /// assert_eq!(Verdict::combine([Pass, Invalid, Fail]), Fail);
    /// assert_eq!(Verdict::combine([Skipped, Pass]), Pass);
    /// assert_eq!(Verdict::combine([]), Skipped);
    /// ```
    #[must_use]
    pub fn combine(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max_by_key(|verdict| verdict.weight()).unwrap_or(Self::Skipped)
    }

    /// Lower-case name, as in serialized results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
            Self::Aborted => "aborted",
            Self::Skipped => "skipped",
        }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Skipped => 0,
            Self::Pass => 1,
            Self::Invalid => 2,
            Self::Fail => 3,
            Self::Aborted => 4,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing that a check found, with what it takes to believe it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was expected and what was found, as a sentence.
    pub sentence: String,
    /// The counter-example.
    pub witness: Option<Value>,
    /// Traces that show it.
    pub trace_ids: Vec<String>,
}

impl Finding {
    /// A finding that consists of a sentence only.
    #[must_use]
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), witness: None, trace_ids: Vec::new() }
    }

    /// Adds the counter-example.
    #[must_use]
    pub fn with_witness(mut self, witness: Value) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Adds traces.
    #[must_use]
    pub fn with_traces(mut self, trace_ids: impl IntoIterator<Item = String>) -> Self {
        self.trace_ids.extend(trace_ids);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Aborted, Fail, Invalid, Pass, Skipped};

    #[test]
    fn combine_keeps_the_worst_in_any_order() {
        let order = [Skipped, Pass, Invalid, Fail, Aborted];
        for (i, low) in order.iter().enumerate() {
            for high in &order[i..] {
                assert_eq!(Verdict::combine([*low, *high]), *high);
                assert_eq!(Verdict::combine([*high, *low]), *high);
            }
        }
    }

    #[test]
    fn verdicts_serialize_as_their_names() {
        for verdict in [Skipped, Pass, Invalid, Fail, Aborted] {
            let text = serde_json::to_string(&verdict).unwrap();
            assert_eq!(text, format!("\"{verdict}\""));
            assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
        }
    }
}
