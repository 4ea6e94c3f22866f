//! From a specification and tables to a result.

use super::{Check, InvariantResult, InvariantSpec, Row, Table, Tables};
use crate::verdict::{Finding, Verdict};

/// Violations among which the smallest is looked for; beyond, they are only counted.
const COMPARED: u64 = 1000;

/// Judges an invariant on tables. A table or column that is missing makes it invalid.
#[must_use]
pub fn judge(spec: &InvariantSpec, tables: &Tables) -> InvariantResult {
    let view = View { tables };
    let checked = match &spec.check {
        Check::EachOnce(check) => check.check(view),
        Check::Equal(check) => check.check(view),
        Check::AtMostOnce(check) => check.check(view),
        Check::LegalPath(check) => check.check(view),
        Check::Conserved(check) => check.check(view),
        Check::Empty(check) => check.check(view),
        Check::Mean(check) => check.check(view),
    };
    let checked = match checked {
        Ok(checked) => checked,
        Err(reason) => return InvariantResult::invalid(spec, reason),
    };
    let (verdict, sentence, finding) = match checked.smallest {
        Some(finding) => {
            let mut sentence = finding.sentence.clone();
            if checked.violations > 1 {
                sentence.push_str(&format!(" ({} violations in {} checked)", checked.violations, checked.checked));
            }
            if let Some(culprit) = &spec.culprit {
                sentence.push_str(&format!("; look at `{culprit}`"));
            }
            (Verdict::Fail, sentence, Some(finding))
        }
        None => match vacuous(spec, view, checked.checked) {
            Some(reason) => (Verdict::Invalid, reason, None),
            None => (Verdict::Pass, format!("held for all {} checked", checked.checked), None),
        },
    };
    InvariantResult {
        name: spec.name.clone(),
        says: spec.says.clone(),
        culprit: spec.culprit.clone().filter(|_| verdict == Verdict::Fail),
        verdict,
        checked: checked.checked,
        violations: checked.violations,
        witness: finding.as_ref().and_then(|finding| finding.witness.clone()),
        sentence,
        trace_ids: finding.map(|finding| finding.trace_ids).unwrap_or_default(),
    }
}

fn vacuous(spec: &InvariantSpec, view: View<'_>, checked: u64) -> Option<String> {
    for name in &spec.vacuous_unless.tables {
        match view.table(name) {
            Ok(table) if table.rows.is_empty() => {
                return Some(format!(
                    "means nothing: table `{name}` is empty, so the invariant was never put to the test"
                ));
            }
            Ok(_) => {}
            Err(reason) => return Some(reason),
        }
    }
    let wanted = spec.vacuous_unless.checked;
    (checked < wanted).then(|| format!("means nothing: checked on {checked}, expected at least {wanted}"))
}

impl InvariantSpec {
    /// Names of all tables that it reads, each once.
    #[must_use]
    pub fn tables(&self) -> Vec<&str> {
        let mut names = match &self.check {
            Check::EachOnce(check) => check.tables(),
            Check::Equal(check) => vec![&*check.table, &*check.truth],
            Check::AtMostOnce(check) => std::iter::once(&*check.table).chain(check.unknown.as_deref()).collect(),
            Check::LegalPath(check) => vec![&*check.table],
            Check::Conserved(check) => check.left.iter().chain(&check.right).map(|term| &*term.table).collect(),
            Check::Empty(check) => std::iter::once(&*check.table).chain(check.except.as_deref()).collect(),
            Check::Mean(check) => vec![&*check.of, &*check.table],
        };
        names.extend(self.vacuous_unless.tables.iter().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The tables, with words for what is missing.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    tables: &'a Tables,
}

impl<'a> View<'a> {
    pub(super) fn table(self, name: &str) -> Result<&'a Table, String> {
        self.tables.get(name).ok_or_else(|| format!("there is no table `{name}`"))
    }

    /// A table that has these columns. Without rows there is nothing that could lack one.
    pub(super) fn with(self, name: &str, columns: &[&str]) -> Result<&'a Table, String> {
        let table = self.table(name)?;
        for column in columns {
            if !table.rows.is_empty() && !table.columns.iter().any(|known| known == column) {
                return Err(format!(
                    "table `{name}` has no column `{column}`; it has {}",
                    table.columns.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ")
                ));
            }
        }
        Ok(table)
    }

    pub(super) fn rows(self, name: &str, columns: &[&str]) -> Result<&'a [Row], String> {
        self.with(name, columns).map(|table| &*table.rows)
    }
}

/// What a checker found.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) checked: u64,
    violations: u64,
    smallest: Option<Finding>,
    size: usize,
}

impl Checked {
    pub(super) fn of(checked: usize) -> Self {
        Self { checked: checked as u64, ..Self::default() }
    }

    /// Counts a violation, and keeps it when it is the smallest so far.
    pub(super) fn violation(&mut self, finding: impl FnOnce() -> Finding) {
        self.violations += 1;
        if self.violations > COMPARED {
            return;
        }
        let finding = finding();
        let size = finding.witness.as_ref().map_or(0, |witness| witness.to_string().len());
        if self.smallest.is_none() || size < self.size {
            self.size = size;
            self.smallest = Some(finding);
        }
    }
}

/// Tables, specifications and results for the checkers' tests.
#[cfg(test)]
pub(super) mod fixture {
    use serde_json::Value;

    use super::*;

    /// Judges `check` (TOML of one checker) on tables given as JSON: `{"orders": [{...}]}`.
    pub(in crate::invariants) fn run(check: &str, tables: Value) -> InvariantResult {
        let text = format!("name = 'it'\nsays = 'it holds'\nculprit = 'order'\n{check}");
        let spec: InvariantSpec = toml::from_str(&text).unwrap();
        let tables = tables
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, rows)| {
                let rows = rows.as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect();
                (name.clone(), Table::from_rows(name, rows))
            })
            .collect();
        judge(&spec, &tables)
    }

    /// Asserts a violation, and returns its sentence and count.
    pub(in crate::invariants) fn fails(check: &str, tables: Value) -> (String, u64) {
        let result = run(check, tables);
        assert_eq!(result.verdict, Verdict::Fail, "{}", result.sentence);
        assert!(result.witness.is_some(), "{result:?}");
        assert_eq!(result.culprit.as_deref(), Some("order"));
        (result.sentence, result.violations)
    }

    /// Asserts that it holds, and returns how many things were checked.
    pub(in crate::invariants) fn holds(check: &str, tables: Value) -> u64 {
        let result = run(check, tables);
        assert_eq!(result.verdict, Verdict::Pass, "{}", result.sentence);
        result.checked
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fixture::run;
    use super::*;

    #[test]
    fn nothing_checked_is_invalid() {
        let result = run("at_most_once = { table = 't', key = 'k' }", json!({"t": []}));
        assert_eq!(result.verdict, Verdict::Invalid);
        assert_eq!(result.sentence, "means nothing: checked on 0, expected at least 1");
    }

    #[test]
    fn empty_table_of_witnesses_is_invalid_but_hides_no_violation() {
        let check = "vacuous_unless = { tables = ['redeliveries'] }\nat_most_once = { table = 't', key = 'k' }";
        let result = run(check, json!({"t": [{"k": 1}], "redeliveries": []}));
        assert_eq!(result.verdict, Verdict::Invalid);
        assert!(result.sentence.contains("`redeliveries` is empty"), "{}", result.sentence);
        let result = run(check, json!({"t": [{"k": 1}, {"k": 1}], "redeliveries": []}));
        assert_eq!(result.verdict, Verdict::Fail);
    }

    #[test]
    fn missing_table_and_missing_column_are_invalid_and_named() {
        let result = run("at_most_once = { table = 'u', key = 'k' }", json!({"t": []}));
        assert_eq!((result.verdict, &*result.sentence), (Verdict::Invalid, "there is no table `u`"));
        let result = run("at_most_once = { table = 't', key = 'k' }", json!({"t": [{"id": 1}]}));
        assert_eq!((result.verdict, &*result.sentence), (Verdict::Invalid, "table `t` has no column `k`; it has `id`"));
    }

    #[test]
    fn spec_names_the_tables_it_reads() {
        let spec: InvariantSpec = toml::from_str(
            "name = 'a'\nsays = 'b'\nvacuous_unless = { tables = ['z'] }\n\
             each_once = { expected = 'e', actual = 'a', key = 'k', unknown = 'u' }",
        )
        .unwrap();
        assert_eq!(spec.tables(), ["a", "e", "u", "z"]);
    }
}
