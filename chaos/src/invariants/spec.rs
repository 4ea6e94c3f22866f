//! How an invariant is written down, and its result.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AtMostOnce, Conserved, EachOnce, Empty, Equal, LegalPath, Mean};
use crate::verdict::Verdict;

/// An invariant: what it promises, and how that is checked.
///
/// ```toml
/// [[invariant]]
/// name = "no_lost_order"
/// says = "every order acknowledged with 201 exists exactly once"
/// culprit = "order"                                   # optional: who is to blame
/// vacuous_unless = { checked = 10, tables = ["redeliveries"] }        # optional: else it is invalid
/// only_in = ["every-event-twice"]                     # optional: scenarios in which it is judged; all otherwise
/// # and exactly one of:
/// each_once = { expected = "acknowledged", actual = "orders", key = "order", unknown = "unanswered" }
/// equal = { table = "counters", truth = "orders_by_seller", key = "seller", values = "active", absent = 0 }
/// at_most_once = { table = "captures", key = "order" }
/// legal_path = { table = "timeline", key = "order", order_by = "seq", state = "state", initial = ["in_progress"], transitions = { in_progress = ["delivered", "cancelled"], delivered = ["completed"] } }
/// conserved = { left = [{ table = "captures", column = "amount" }], right = [{ table = "held", column = "amount" }], by = ["order", "currency"] }
/// empty = { table = "dead_letters", except = "poison", key = "message_id" }
/// mean = { of = "reviews", column = "stars", table = "sellers", value = "rating", key = "seller", tolerance = 0.01 }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "File", into = "File")]
pub struct InvariantSpec {
    /// Name, unique in a system.
    pub name: String,
    /// What it promises, as a sentence.
    pub says: String,
    /// Component to blame for a violation.
    pub culprit: Option<String>,
    /// When a result without violations means nothing.
    pub vacuous_unless: Vacuous,
    /// Scenarios in which it is judged, when it means nothing in others; all of them when empty.
    pub only_in: Vec<String>,
    /// The check.
    pub check: Check,
}

/// What must have been there for a pass to mean something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vacuous {
    /// Least number of things checked.
    pub checked: u64,
    /// Tables that must not be empty, such as observed redeliveries.
    pub tables: Vec<String>,
}

impl Default for Vacuous {
    fn default() -> Self {
        Self { checked: 1, tables: Vec::new() }
    }
}

/// One of the checkers, with its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Every expected row is found exactly once.
    EachOnce(EachOnce),
    /// Two keyed tables agree.
    Equal(Equal),
    /// A key is unique.
    AtMostOnce(AtMostOnce),
    /// Every key went through legal states only.
    LegalPath(LegalPath),
    /// Sums balance.
    Conserved(Conserved),
    /// Nothing is left.
    Empty(Empty),
    /// A stated value is the mean of rows.
    Mean(Mean),
}

/// What judging an invariant found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvariantResult {
    /// Name of the invariant.
    pub name: String,
    /// What it promises.
    pub says: String,
    /// Component to blame, for a violation.
    #[serde(default)]
    pub culprit: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Things it was checked on.
    pub checked: u64,
    /// Violations found.
    pub violations: u64,
    /// The smallest counter-example.
    pub witness: Option<Value>,
    /// The result in a sentence: for a violation the key, what was expected and what was found.
    pub sentence: String,
    /// Traces of the witness.
    pub trace_ids: Vec<String>,
}

impl InvariantResult {
    /// An invariant that could not be judged, and why.
    #[must_use]
    pub fn invalid(spec: &InvariantSpec, sentence: impl Into<String>) -> Self {
        Self {
            name: spec.name.clone(),
            says: spec.says.clone(),
            culprit: None,
            verdict: Verdict::Invalid,
            checked: 0,
            violations: 0,
            witness: None,
            sentence: sentence.into(),
            trace_ids: Vec::new(),
        }
    }
}

/// One column name, or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Columns(pub Vec<String>);

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a column name or a list of column names")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Columns {
    fn from(columns: OneOrMany) -> Self {
        match columns {
            OneOrMany::One(column) => Self(vec![column]),
            OneOrMany::Many(columns) => Self(columns),
        }
    }
}

impl From<Columns> for OneOrMany {
    fn from(columns: Columns) -> Self {
        Self::Many(columns.0)
    }
}

/// The written form, in which the name of a key chooses the checker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    culprit: Option<String>,
    #[serde(default)]
    vacuous_unless: Vacuous,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only_in: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    each_once: Option<EachOnce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    equal: Option<Equal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most_once: Option<AtMostOnce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    legal_path: Option<LegalPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conserved: Option<Conserved>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    empty: Option<Empty>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<Mean>,
}

/// Why a text is no invariant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invariant `{name}` has {found} checks; expected exactly one of `each_once`, `equal`, `at_most_once`, `legal_path`, `conserved`, `empty`, `mean`"
)]
pub struct NotOneCheck {
    name: String,
    found: usize,
}

impl TryFrom<File> for InvariantSpec {
    type Error = NotOneCheck;

    fn try_from(file: File) -> Result<Self, NotOneCheck> {
        let checks = [
            file.each_once.map(Check::EachOnce),
            file.equal.map(Check::Equal),
            file.at_most_once.map(Check::AtMostOnce),
            file.legal_path.map(Check::LegalPath),
            file.conserved.map(Check::Conserved),
            file.empty.map(Check::Empty),
            file.mean.map(Check::Mean),
        ];
        let mut checks: Vec<Check> = checks.into_iter().flatten().collect();
        match (checks.pop(), checks.len()) {
            (Some(check), 0) => Ok(Self {
                name: file.name,
                says: file.says,
                culprit: file.culprit,
                vacuous_unless: file.vacuous_unless,
                only_in: file.only_in,
                check,
            }),
            (last, others) => Err(NotOneCheck { name: file.name, found: others + usize::from(last.is_some()) }),
        }
    }
}

impl From<InvariantSpec> for File {
    fn from(spec: InvariantSpec) -> Self {
        let mut file = Self {
            name: spec.name,
            says: spec.says,
            culprit: spec.culprit,
            vacuous_unless: spec.vacuous_unless,
            only_in: spec.only_in,
            each_once: None,
            equal: None,
            at_most_once: None,
            legal_path: None,
            conserved: None,
            empty: None,
            mean: None,
        };
        match spec.check {
            Check::EachOnce(check) => file.each_once = Some(check),
            Check::Equal(check) => file.equal = Some(check),
            Check::AtMostOnce(check) => file.at_most_once = Some(check),
            Check::LegalPath(check) => file.legal_path = Some(check),
            Check::Conserved(check) => file.conserved = Some(check),
            Check::Empty(check) => file.empty = Some(check),
            Check::Mean(check) => file.mean = Some(check),
        }
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spec_survives_its_own_text() {
        let text = r#"
            name = "no_lost_order"
            says = "every acknowledged order exists once"
            culprit = "order"
            vacuous_unless = { tables = ["redeliveries"] }
            only_in = ["twice"]
            each_once = { expected = "acknowledged", actual = "orders", key = "order", unknown = "unanswered" }
        "#;
        let spec: InvariantSpec = toml::from_str(text).unwrap();
        assert_eq!(spec.vacuous_unless, Vacuous { checked: 1, tables: vec!["redeliveries".into()] });
        assert_eq!(spec.only_in, ["twice"]);
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<InvariantSpec>(&json).unwrap(), spec);
    }

    #[test]
    fn spec_has_exactly_one_check() {
        for (text, found) in [
            ("name = 'a'\nsays = 'b'", 0),
            ("name = 'a'\nsays = 'b'\nempty = { table = 't' }\nat_most_once = { table = 't', key = 'k' }", 2),
        ] {
            let error = toml::from_str::<InvariantSpec>(text).unwrap_err();
            assert!(error.to_string().contains(&format!("invariant `a` has {found} checks")), "{error}");
        }
    }

    #[test]
    fn unknown_keys_are_errors() {
        let text = "name = 'a'\nsays = 'b'\nempty = { table = 't', exept = 'u' }";
        let error = toml::from_str::<InvariantSpec>(text).unwrap_err();
        assert!(error.to_string().contains("unknown field `exept`"), "{error}");
    }
}
