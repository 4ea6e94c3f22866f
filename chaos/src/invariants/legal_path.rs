//! Every key went from an initial state through allowed transitions only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::judge::{Checked, View};
use super::table::{describe, key, text, traces};
use super::{Columns, Row};
use crate::verdict::Finding;

/// Settings of the check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalPath {
    /// Table with one row for each state that was entered.
    pub table: String,
    /// Columns that identify what has the state.
    pub key: Columns,
    /// Column whose values order the rows of a key; numbers by value, anything else by text. No value occurs twice.
    pub order_by: String,
    /// Column of the state.
    pub state: String,
    /// States in which a path may begin.
    pub initial: Vec<String>,
    /// States that may follow a state.
    pub transitions: BTreeMap<String, Vec<String>>,
}

impl LegalPath {
    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let columns: Vec<&str> = self.key.0.iter().chain([&self.order_by, &self.state]).map(String::as_str).collect();
        let mut paths: BTreeMap<Vec<String>, Vec<&Row>> = BTreeMap::new();
        for row in view.rows(&self.table, &columns)? {
            paths.entry(key(row, &self.key.0)).or_default().push(row);
        }
        let mut checked = Checked::of(paths.len());
        for (values, rows) in &mut paths {
            rows.sort_by(|a, b| order(a.get(&self.order_by), b.get(&self.order_by)));
            self.walk(&mut checked, values, rows);
        }
        Ok(checked)
    }

    fn walk(&self, checked: &mut Checked, values: &[String], rows: &[&Row]) {
        let states: Vec<String> = rows.iter().map(|row| text(row.get(&self.state))).collect();
        let mut report = |at: usize, wrong: String| {
            checked.violation(|| {
                Finding::new(format!("{} {wrong}", describe(&self.key.0, values)))
                    .with_witness(json!({ "key": values, "path": states, "at": at, "row": rows[at] }))
                    .with_traces(traces([rows[at]]))
            });
        };
        if let Some(first) = states.first()
            && !self.initial.contains(first)
        {
            report(0, format!("begins in `{first}`, expected {}", list(&self.initial)));
        }
        for at in 1..rows.len() {
            let (from, to) = (&states[at - 1], &states[at]);
            if text(rows[at - 1].get(&self.order_by)) == text(rows[at].get(&self.order_by)) {
                let place = text(rows[at].get(&self.order_by));
                report(at, format!("has two states at {} `{place}`: `{from}` and `{to}`", self.order_by));
                continue;
            }
            let allowed = self.transitions.get(from).map_or(&[][..], Vec::as_slice);
            if !allowed.contains(to) {
                report(at, format!("went from `{from}` to `{to}`, expected {}", list(allowed)));
            }
        }
    }
}

fn list(states: &[String]) -> String {
    match states {
        [] => "no further state".to_owned(),
        states => states.iter().map(|state| format!("`{state}`")).collect::<Vec<_>>().join(" or "),
    }
}

fn order(a: Option<&Value>, b: Option<&Value>) -> std::cmp::Ordering {
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => text(a).cmp(&text(b)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::judge::fixture::{fails, holds};

    const CHECK: &str = "legal_path = { table = 'timeline', key = 'order', order_by = 'seq', state = 'state', \
        initial = ['open'], transitions = { open = ['delivered', 'cancelled'], delivered = ['completed'] } }";

    fn timeline(states: &[(u64, &str)]) -> Value {
        let rows: Vec<Value> =
            states.iter().map(|(seq, state)| json!({"order": "o", "seq": seq, "state": state})).collect();
        json!({ "timeline": rows })
    }

    #[test]
    fn legal_paths_pass_in_any_order_of_rows() {
        assert_eq!(holds(CHECK, timeline(&[(10, "completed"), (9, "delivered"), (2, "open")])), 1);
        holds(CHECK, timeline(&[(1, "open"), (2, "cancelled")]));
        holds(CHECK, timeline(&[(1, "open")]));
    }

    #[test]
    fn skipped_state_is_found() {
        let (sentence, violations) = fails(CHECK, timeline(&[(1, "open"), (2, "completed")]));
        assert!(
            sentence.starts_with("order `o` went from `open` to `completed`, expected `delivered` or `cancelled`"),
            "{sentence}"
        );
        assert_eq!(violations, 1);
    }

    #[test]
    fn state_after_the_last_one_is_found() {
        let (sentence, _) = fails(CHECK, timeline(&[(1, "open"), (2, "cancelled"), (3, "delivered")]));
        assert!(sentence.contains("from `cancelled` to `delivered`, expected no further state"), "{sentence}");
    }

    #[test]
    fn repeated_state_and_wrong_beginning_are_found() {
        fails(CHECK, timeline(&[(1, "open"), (2, "open")]));
        let (sentence, _) = fails(CHECK, timeline(&[(1, "delivered"), (2, "completed")]));
        assert!(sentence.starts_with("order `o` begins in `delivered`, expected `open`"), "{sentence}");
    }

    #[test]
    fn two_states_at_one_place_are_found() {
        let (sentence, _) = fails(CHECK, timeline(&[(1, "open"), (2, "delivered"), (2, "cancelled")]));
        assert!(sentence.contains("has two states at seq `2`"), "{sentence}");
    }
}
