//! Every expected row is found exactly once.
//!
//! Both tables are multisets over the key: a key that is expected twice must be found twice. A key whose fate the clients do
//! not know (an operation was never answered) may be found as often as it was attempted, or not at all. A table of attempts
//! may hold the acknowledged ones too: what is expected once and was attempted once must be found exactly once.

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
pub struct EachOnce {
    /// Table of what must be there.
    pub expected: String,
    /// Table of what is there.
    pub actual: String,
    /// Columns that identify a row, the same in all tables.
    pub key: Columns,
    /// Columns in which an expected and its actual row must agree.
    #[serde(default)]
    pub equal: Columns,
    /// Table of what may be there: operations whose outcome is unknown, or all attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Whether rows that nobody expected (phantoms) are allowed.
    #[serde(default)]
    pub phantoms: Phantoms,
}

/// What to think of rows that nobody expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phantoms {
    /// They are violations.
    #[default]
    Refused,
    /// They are ignored: the actual table holds more than the expected one speaks of.
    Allowed,
}

#[derive(Default)]
struct Group<'a> {
    expected: Vec<&'a Row>,
    unknown: Vec<&'a Row>,
    actual: Vec<&'a Row>,
}

impl EachOnce {
    pub(super) fn tables(&self) -> Vec<&str> {
        [Some(&self.expected), Some(&self.actual), self.unknown.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect()
    }

    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let keys: Vec<&str> = self.key.0.iter().map(String::as_str).collect();
        let all: Vec<&str> = self.key.0.iter().chain(&self.equal.0).map(String::as_str).collect();
        let expected = view.rows(&self.expected, &all)?;
        let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
        for row in expected {
            groups.entry(key(row, &self.key.0)).or_default().expected.push(row);
        }
        if let Some(unknown) = &self.unknown {
            for row in view.rows(unknown, &keys)? {
                groups.entry(key(row, &self.key.0)).or_default().unknown.push(row);
            }
        }
        for row in view.rows(&self.actual, &all)? {
            groups.entry(key(row, &self.key.0)).or_default().actual.push(row);
        }
        let mut checked = Checked::of(expected.len());
        for (values, group) in &groups {
            self.count(&mut checked, values, group);
            self.compare(&mut checked, values, group);
        }
        Ok(checked)
    }

    fn count(&self, checked: &mut Checked, values: &[String], group: &Group<'_>) {
        let (least, found) = (group.expected.len(), group.actual.len());
        let most = least.max(group.unknown.len());
        if (least..=most).contains(&found) || (most == 0 && self.phantoms == Phantoms::Allowed) {
            return;
        }
        let what = describe(&self.key.0, values);
        let kind = match found {
            0 => "lost",
            _ if found < least => "lost in part",
            _ if most == 0 => "a phantom: nobody asked for it",
            _ => "duplicated",
        };
        let wanted = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        checked.violation(|| {
            Finding::new(format!(
                "{what} is {kind}: expected {wanted} time(s) in `{}` according to `{}`, found {found}",
                self.actual, self.expected
            ))
            .with_witness(json!({
                "key": values, "kind": kind, "expected": least, "unknown": group.unknown.len(), "found": found,
                "row": group.expected.iter().chain(&group.actual).next(),
            }))
            .with_traces(traces(group.expected.iter().chain(&group.unknown).chain(&group.actual).copied()))
        });
    }

    fn compare(&self, checked: &mut Checked, values: &[String], group: &Group<'_>) {
        if self.equal.0.is_empty() || group.expected.len() != group.actual.len() {
            return;
        }
        // Rows of one key are not told apart, so their values are compared as multisets.
        let sorted = |rows: &[&Row]| {
            let mut values: Vec<Vec<String>> = rows.iter().map(|row| key(row, &self.equal.0)).collect();
            values.sort_unstable();
            values
        };
        let (wanted, found) = (sorted(&group.expected), sorted(&group.actual));
        if let Some((wanted, found)) = wanted.iter().zip(&found).find(|(wanted, found)| wanted != found) {
            checked.violation(|| {
                let (expected, actual) = (group.expected[0], group.actual[0]);
                Finding::new(format!(
                    "{} differs: expected {}, found {} in `{}`",
                    describe(&self.key.0, values),
                    describe(&self.equal.0, wanted),
                    describe(&self.equal.0, found),
                    self.actual
                ))
                .with_witness(json!({ "key": values, "kind": "differs", "expected": wanted, "found": found }))
                .with_traces(traces([expected, actual]))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::fixture::{fails, holds, run};

    const CHECK: &str =
        "each_once = { expected = 'acked', actual = 'orders', key = 'order', equal = 'buyer', unknown = 'unanswered' }";

    #[test]
    fn exactly_what_was_acknowledged_passes() {
        let tables = json!({
            "acked": [{"order": "a", "buyer": 1}, {"order": "b", "buyer": 2}],
            "orders": [{"order": "b", "buyer": "2"}, {"order": "a", "buyer": 1}],
            "unanswered": [],
        });
        assert_eq!(holds(CHECK, tables), 2);
    }

    #[test]
    fn lost_order_is_found_with_its_trace() {
        let result = run(
            CHECK,
            json!({
                "acked": [{"order": "a", "buyer": 1}, {"order": "b", "buyer": 2, "trace_id": "t1"}],
                "orders": [{"order": "a", "buyer": 1}],
                "unanswered": [],
            }),
        );
        assert_eq!(
            result.sentence,
            "order `b` is lost: expected 1 time(s) in `orders` according to `acked`, found 0; look at `order`"
        );
        assert_eq!((result.violations, result.trace_ids), (1, vec!["t1".to_owned()]));
    }

    #[test]
    fn duplicated_order_is_found() {
        let (sentence, violations) = fails(
            CHECK,
            json!({
                "acked": [{"order": "a", "buyer": 1}],
                "orders": [{"order": "a", "buyer": 1}, {"order": "a", "buyer": 1}],
                "unanswered": [],
            }),
        );
        assert!(sentence.starts_with("order `a` is duplicated: expected 1 time(s)"), "{sentence}");
        assert_eq!(violations, 1);
    }

    #[test]
    fn phantom_is_found_unless_allowed() {
        let tables = json!({
            "acked": [{"order": "a", "buyer": 1}],
            "orders": [{"order": "a", "buyer": 1}, {"order": "x", "buyer": 1}],
            "unanswered": [],
        });
        let (sentence, _) = fails(CHECK, tables.clone());
        assert!(sentence.starts_with("order `x` is a phantom: nobody asked for it"), "{sentence}");
        let allowed = "each_once = { expected = 'acked', actual = 'orders', key = 'order', phantoms = 'allowed' }";
        assert_eq!(holds(allowed, tables), 1);
    }

    #[test]
    fn unanswered_order_may_exist_once_or_not_at_all_but_not_twice() {
        let tables = |orders| {
            json!({
                "acked": [{"order": "a", "buyer": 1}],
                "unanswered": [{"order": "u"}],
                "orders": orders,
            })
        };
        holds(CHECK, tables(json!([{"order": "a", "buyer": 1}])));
        holds(CHECK, tables(json!([{"order": "a", "buyer": 1}, {"order": "u", "buyer": 1}])));
        let twice = json!([{"order": "a", "buyer": 1}, {"order": "u", "buyer": 1}, {"order": "u", "buyer": 1}]);
        let (sentence, _) = fails(CHECK, tables(twice));
        assert!(sentence.contains("order `u` is duplicated: expected 0 to 1 time(s)"), "{sentence}");
    }

    #[test]
    fn duplicate_of_an_acknowledged_order_is_found_although_it_was_attempted() {
        let tables = |orders| {
            json!({
                "acked": [{"order": "a", "buyer": 1}],
                "unanswered": [{"order": "a"}, {"order": "b"}],
                "orders": orders,
            })
        };
        let order = json!({"order": "a", "buyer": 1});
        holds(CHECK, tables(json!([order])));
        let (sentence, _) = fails(CHECK, tables(json!([order, order])));
        assert!(sentence.starts_with("order `a` is duplicated: expected 1 time(s)"), "{sentence}");
        fails(CHECK, tables(json!([])));
    }

    #[test]
    fn wrong_value_of_the_right_order_is_found() {
        let (sentence, _) = fails(
            CHECK,
            json!({
                "acked": [{"order": "a", "buyer": 1}],
                "orders": [{"order": "a", "buyer": 9}],
                "unanswered": [],
            }),
        );
        assert!(sentence.starts_with("order `a` differs: expected buyer `1`, found buyer `9`"), "{sentence}");
    }

    #[test]
    fn multiplicity_counts_when_a_key_is_expected_several_times() {
        let check = "each_once = { expected = 'events', actual = 'mails', key = ['kind', 'to'] }";
        let event = json!({"kind": "placed", "to": "s"});
        holds(check, json!({"events": [event, event], "mails": [event, event]}));
        let (sentence, _) = fails(check, json!({"events": [event, event], "mails": [event]}));
        assert!(sentence.contains("kind `placed`, to `s` is lost in part: expected 2"), "{sentence}");
        fails(check, json!({"events": [event, event], "mails": [event, event, event]}));
    }
}
