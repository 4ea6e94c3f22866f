//! A key is unique in a table: an effect that must not be repeated (one capture for each order) was not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::judge::{Checked, View};
use super::table::{describe, key, traces};
use super::{Columns, Row};
use crate::verdict::Finding;

/// Settings of the check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtMostOnce {
    /// Table of effects.
    pub table: String,
    /// Columns that identify an effect.
    pub key: Columns,
    /// Table of attempts whose outcome nobody knows, by the same columns: an effect may be there as often as it was
    /// attempted according to this table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

impl AtMostOnce {
    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let columns: Vec<&str> = self.key.0.iter().map(String::as_str).collect();
        let mut groups: BTreeMap<Vec<String>, Vec<&Row>> = BTreeMap::new();
        for row in view.rows(&self.table, &columns)? {
            groups.entry(key(row, &self.key.0)).or_default().push(row);
        }
        let mut attempts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        if let Some(unknown) = &self.unknown {
            for row in view.rows(unknown, &columns)? {
                *attempts.entry(key(row, &self.key.0)).or_default() += 1;
            }
        }
        let mut checked = Checked::of(groups.len());
        for (values, rows) in &groups {
            let most = attempts.get(values).copied().unwrap_or_default().max(1);
            if rows.len() > most {
                let expected = if most == 1 { "once".to_owned() } else { format!("{most} times") };
                checked.violation(|| {
                    Finding::new(format!(
                        "{} is in `{}` {} times, expected at most {expected}",
                        describe(&self.key.0, values),
                        self.table,
                        rows.len()
                    ))
                    .with_witness(json!({ "key": values, "found": rows.len(), "rows": &rows[..2] }))
                    .with_traces(traces(rows.iter().copied()))
                });
            }
        }
        Ok(checked)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::fixture::{fails, holds};

    const CHECK: &str = "at_most_once = { table = 'captures', key = ['order', 'currency'] }";

    #[test]
    fn distinct_keys_pass() {
        let rows = json!([{"order": 1, "currency": "EUR"}, {"order": 1, "currency": "USD"}]);
        assert_eq!(holds(CHECK, json!({"captures": rows})), 2);
    }

    #[test]
    fn second_capture_of_an_order_is_found() {
        let rows = json!([
            {"order": 1, "currency": "EUR", "id": "x"},
            {"order": 2, "currency": "EUR", "id": "y"},
            {"order": 1, "currency": "EUR", "id": "z"},
        ]);
        let (sentence, violations) = fails(CHECK, json!({"captures": rows}));
        assert_eq!(
            (&*sentence, violations),
            ("order `1`, currency `EUR` is in `captures` 2 times, expected at most once; look at `order`", 1)
        );
    }

    #[test]
    fn attempt_of_unknown_outcome_may_have_had_its_effect_once_more_and_no_other_may() {
        let check = "at_most_once = { table = 'mails', key = 'id', unknown = 'cut_off' }";
        let cut_off = json!([{"id": "a"}, {"id": "a"}]);
        assert_eq!(holds(check, json!({"mails": [{"id": "a"}, {"id": "a"}, {"id": "b"}], "cut_off": cut_off})), 2);
        let (sentence, _) = fails(check, json!({"mails": [{"id": "b"}, {"id": "b"}], "cut_off": cut_off}));
        assert_eq!(sentence, "id `b` is in `mails` 2 times, expected at most once; look at `order`");
        let thrice = json!([{"id": "a"}, {"id": "a"}, {"id": "a"}]);
        let (sentence, _) = fails(check, json!({"mails": thrice, "cut_off": cut_off}));
        assert_eq!(sentence, "id `a` is in `mails` 3 times, expected at most 2 times; look at `order`");
    }
}
