//! Two keyed tables agree: derived data (counters, read models) equals what the source of truth says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::judge::{Checked, View};
use super::table::{describe, key, text, traces};
use super::{Columns, Row};
use crate::verdict::Finding;

/// Settings of the check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equal {
    /// Table that is judged.
    pub table: String,
    /// Table that is right.
    pub truth: String,
    /// Columns that identify a row, the same in both; at most one row each.
    pub key: Columns,
    /// Columns that must agree.
    pub values: Columns,
    /// Value of every column of a row that is absent, such as `0` for counters; when not given, both must have the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Value>,
}

impl Equal {
    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let columns: Vec<&str> = self.key.0.iter().chain(&self.values.0).map(String::as_str).collect();
        let mut pairs: BTreeMap<Vec<String>, [Vec<&Row>; 2]> = BTreeMap::new();
        for (side, name) in [&self.table, &self.truth].into_iter().enumerate() {
            for row in view.rows(name, &columns)? {
                pairs.entry(key(row, &self.key.0)).or_default()[side].push(row);
            }
        }
        let mut checked = Checked::of(pairs.len());
        for (values, [found, wanted]) in &pairs {
            self.compare(&mut checked, values, found, wanted);
        }
        Ok(checked)
    }

    fn compare(&self, checked: &mut Checked, values: &[String], found: &[&Row], wanted: &[&Row]) {
        let what = || describe(&self.key.0, values);
        for (rows, name) in [(found, &self.table), (wanted, &self.truth)] {
            if rows.len() > 1 {
                checked.violation(|| {
                    Finding::new(format!("{} is in `{name}` {} times, expected once", what(), rows.len()))
                        .with_witness(json!({ "key": values, "table": name, "rows": rows.len() }))
                        .with_traces(traces(rows.iter().copied()))
                });
                return;
            }
        }
        let (found, wanted) = (found.first().copied(), wanted.first().copied());
        if self.absent.is_none() && (found.is_none() || wanted.is_none()) {
            let (missing, present) =
                if found.is_none() { (&self.table, &self.truth) } else { (&self.truth, &self.table) };
            checked.violation(|| {
                Finding::new(format!("{} is in `{present}` and missing in `{missing}`", what()))
                    .with_witness(json!({ "key": values, "missing_in": missing, "row": found.or(wanted) }))
                    .with_traces(traces(found.into_iter().chain(wanted)))
            });
            return;
        }
        for column in &self.values.0 {
            let of = |row: Option<&Row>| match row {
                Some(row) => text(row.get(column)),
                None => text(self.absent.as_ref()),
            };
            let (is, should) = (of(found), of(wanted));
            if is != should {
                checked.violation(|| {
                    Finding::new(format!(
                        "{} has {column} `{is}` in `{}`, expected `{should}` according to `{}`",
                        what(),
                        self.table,
                        self.truth
                    ))
                    .with_witness(json!({ "key": values, "column": column, "found": is, "expected": should }))
                    .with_traces(traces(found.into_iter().chain(wanted)))
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::fixture::{fails, holds};

    const CHECK: &str = "equal = { table = 'counters', truth = 'orders', key = 'seller', values = ['active', 'done'] }";

    #[test]
    fn equal_counters_pass_whatever_their_order() {
        let tables = json!({
            "counters": [{"seller": "s", "active": 2, "done": 1}, {"seller": "t", "active": 0, "done": 0}],
            "orders": [{"seller": "t", "active": 0, "done": 0}, {"seller": "s", "active": "2", "done": 1.0}],
        });
        assert_eq!(holds(CHECK, tables), 2);
    }

    #[test]
    fn counter_that_took_an_event_twice_is_found() {
        let (sentence, violations) = fails(
            CHECK,
            json!({
                "counters": [{"seller": "s", "active": 3, "done": 1}],
                "orders": [{"seller": "s", "active": 2, "done": 1}],
            }),
        );
        assert!(
            sentence.starts_with("seller `s` has active `3` in `counters`, expected `2` according to `orders`"),
            "{sentence}"
        );
        assert_eq!(violations, 1);
    }

    #[test]
    fn missing_row_is_found_on_either_side() {
        let row = json!({"seller": "s", "active": 1, "done": 0});
        let (sentence, _) = fails(CHECK, json!({"counters": [], "orders": [row]}));
        assert!(sentence.starts_with("seller `s` is in `orders` and missing in `counters`"), "{sentence}");
        let (sentence, _) = fails(CHECK, json!({"counters": [row], "orders": []}));
        assert!(sentence.starts_with("seller `s` is in `counters` and missing in `orders`"), "{sentence}");
    }

    #[test]
    fn absent_row_counts_as_the_given_value() {
        let check = "equal = { table = 'counters', truth = 'orders', key = 'seller', values = 'active', absent = 0 }";
        holds(check, json!({"counters": [{"seller": "s", "active": 0}], "orders": []}));
        fails(check, json!({"counters": [], "orders": [{"seller": "s", "active": 1}]}));
    }

    #[test]
    fn key_that_is_there_twice_is_found() {
        let row = json!({"seller": "s", "active": 1, "done": 0});
        let (sentence, _) = fails(CHECK, json!({"counters": [row, row], "orders": [row]}));
        assert!(sentence.starts_with("seller `s` is in `counters` 2 times, expected once"), "{sentence}");
    }
}
