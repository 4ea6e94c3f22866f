//! Nothing is left: outboxes, queues, dead letters other than those that were put there on purpose.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Columns;
use super::judge::{Checked, View};
use super::table::{describe, key, traces};
use crate::verdict::Finding;

/// Settings of the check. An empty table is what it hopes for, so looking at it counts as one thing checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {
    /// Table that must have no rows.
    pub table: String,
    /// Table of rows that may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<String>,
    /// Columns that identify a row, for `except`.
    #[serde(default)]
    pub key: Columns,
}

impl Empty {
    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let columns: Vec<&str> = self.key.0.iter().map(String::as_str).collect();
        if self.except.is_some() && columns.is_empty() {
            return Err("`except` needs a `key` that tells which rows are allowed".to_owned());
        }
        let allowed: BTreeSet<Vec<String>> = match &self.except {
            Some(name) => view.rows(name, &columns)?.iter().map(|row| key(row, &self.key.0)).collect(),
            None => BTreeSet::new(),
        };
        let rows = view.rows(&self.table, &columns)?;
        let mut checked = Checked::of(rows.len().max(1));
        for row in rows {
            let values = key(row, &self.key.0);
            if self.except.is_some() && allowed.contains(&values) {
                continue;
            }
            checked.violation(|| {
                let what = if values.is_empty() {
                    serde_json::Value::Object(row.clone()).to_string()
                } else {
                    describe(&self.key.0, &values)
                };
                Finding::new(format!("`{}` should be empty and has {what}", self.table))
                    .with_witness(json!({ "row": row }))
                    .with_traces(traces([row]))
            });
        }
        Ok(checked)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::fixture::{fails, holds, run};
    use crate::verdict::Verdict;

    #[test]
    fn empty_table_passes_and_counts_as_checked() {
        assert_eq!(holds("empty = { table = 'outbox' }", json!({"outbox": []})), 1);
    }

    #[test]
    fn left_over_row_is_found() {
        let (sentence, violations) = fails("empty = { table = 'outbox' }", json!({"outbox": [{"id": 7}, {"id": 8}]}));
        assert!(sentence.starts_with("`outbox` should be empty and has {\"id\":7}"), "{sentence}");
        assert_eq!(violations, 2);
    }

    #[test]
    fn injected_poison_is_allowed_and_anything_else_is_not() {
        let check = "empty = { table = 'dead', except = 'poison', key = 'id' }";
        assert_eq!(holds(check, json!({"dead": [{"id": 1, "reason": "x"}], "poison": [{"id": "1"}]})), 1);
        let (sentence, violations) =
            fails(check, json!({"dead": [{"id": 1}, {"id": 2}], "poison": [{"id": 1}, {"id": 3}]}));
        assert!(sentence.starts_with("`dead` should be empty and has id `2`"), "{sentence}");
        assert_eq!(violations, 1);
    }

    #[test]
    fn exception_without_a_key_is_invalid() {
        let result = run("empty = { table = 'dead', except = 'dead' }", json!({"dead": [{"id": 1}]}));
        assert_eq!(result.verdict, Verdict::Invalid);
    }
}
