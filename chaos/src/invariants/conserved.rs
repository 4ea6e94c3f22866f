//! Sums balance: what came in equals what is held, paid out, charged and given back, for each key, to the smallest unit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::judge::{Checked, View};
use super::table::{describe, key, text, traces};
use super::{Columns, Row};
use crate::verdict::Finding;

/// Settings of the check: the sum over `left` equals the sum over `right` for each value of `by`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conserved {
    /// Summands of one side.
    pub left: Vec<Term>,
    /// Summands of the other side.
    pub right: Vec<Term>,
    /// Columns by which sums are grouped, such as order and currency; everything together when empty.
    #[serde(default)]
    pub by: Columns,
}

/// A column of whole numbers (minor units of money).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Table.
    pub table: String,
    /// Column of whole numbers.
    pub column: String,
    /// Only rows with these values.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, Value>,
}

#[derive(Default)]
struct Balance<'a> {
    sums: [i128; 2],
    rows: Vec<&'a Row>,
}

/// Rows of a group that are kept for the traces of its witness.
const KEPT: usize = 16;

impl Conserved {
    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let mut groups: BTreeMap<Vec<String>, Balance<'_>> = BTreeMap::new();
        for (side, terms) in [&self.left, &self.right].into_iter().enumerate() {
            for term in terms {
                self.add(view, term, side, &mut groups)?;
            }
        }
        let mut checked = Checked::of(groups.len());
        for (values, Balance { sums: [left, right], rows }) in &groups {
            if left != right {
                checked.violation(|| {
                    Finding::new(format!(
                        "{} does not balance: {} is {left}, {} is {right}, a difference of {}",
                        describe(&self.by.0, values),
                        sum(&self.left),
                        sum(&self.right),
                        left - right
                    ))
                    .with_witness(json!({ "key": values, "left": left.to_string(), "right": right.to_string() }))
                    .with_traces(traces(rows.iter().copied()))
                });
            }
        }
        Ok(checked)
    }

    fn add<'a>(
        &self,
        view: View<'a>,
        term: &Term,
        side: usize,
        groups: &mut BTreeMap<Vec<String>, Balance<'a>>,
    ) -> Result<(), String> {
        let columns: Vec<&str> =
            self.by.0.iter().chain([&term.column]).chain(term.only.keys()).map(String::as_str).collect();
        for row in view.rows(&term.table, &columns)? {
            if term.only.iter().any(|(column, value)| text(row.get(column)) != text(Some(value))) {
                continue;
            }
            let amount = text(row.get(&term.column)).parse::<i64>().map_err(|_| {
                format!(
                    "`{}` in column `{}` of table `{}` is not a whole number",
                    text(row.get(&term.column)),
                    term.column,
                    term.table
                )
            })?;
            let group = groups.entry(key(row, &self.by.0)).or_default();
            group.sums[side] += i128::from(amount);
            if group.rows.len() < KEPT {
                group.rows.push(row);
            }
        }
        Ok(())
    }
}

fn sum(terms: &[Term]) -> String {
    match terms {
        [] => "nothing".to_owned(),
        terms => terms.iter().map(|term| format!("`{}.{}`", term.table, term.column)).collect::<Vec<_>>().join(" + "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::fixture::{fails, holds, run};
    use crate::verdict::Verdict;

    const CHECK: &str = "conserved = { by = ['order', 'currency'], \
        left = [{ table = 'ledger', column = 'amount', where = { kind = 'capture' } }], \
        right = [{ table = 'held', column = 'amount' }, { table = 'ledger', column = 'amount', where = { kind = 'refund' } }] }";

    fn ledger(kind: &str, order: u64, amount: i64) -> serde_json::Value {
        json!({"kind": kind, "order": order, "currency": "EUR", "amount": amount})
    }

    #[test]
    fn balanced_books_pass_for_each_key() {
        let tables = json!({
            "ledger": [ledger("capture", 1, 500), ledger("capture", 2, 70), ledger("refund", 2, 70)],
            "held": [{"order": 1, "currency": "EUR", "amount": 450}, {"order": 1, "currency": "EUR", "amount": 50}],
        });
        assert_eq!(holds(CHECK, tables), 2);
    }

    #[test]
    fn double_capture_is_found_to_the_cent() {
        let (sentence, violations) = fails(
            CHECK,
            json!({
                "ledger": [ledger("capture", 1, 500), ledger("capture", 1, 500), ledger("capture", 2, 1)],
                "held": [{"order": 1, "currency": "EUR", "amount": 500}, {"order": 2, "currency": "EUR", "amount": 1}],
            }),
        );
        assert!(
            sentence.starts_with(
                "order `1`, currency `EUR` does not balance: `ledger.amount` is 1000, \
                 `held.amount` + `ledger.amount` is 500, a difference of 500"
            ),
            "{sentence}"
        );
        assert_eq!(violations, 1);
    }

    #[test]
    fn errors_that_cancel_out_over_keys_are_found() {
        let (_, violations) = fails(
            CHECK,
            json!({
                "ledger": [ledger("capture", 1, 500), ledger("capture", 2, 500)],
                "held": [{"order": 1, "currency": "EUR", "amount": 400}, {"order": 2, "currency": "EUR", "amount": 600}],
            }),
        );
        assert_eq!(violations, 2);
    }

    #[test]
    fn currencies_do_not_mix() {
        fails(
            CHECK,
            json!({
                "ledger": [ledger("capture", 1, 500)],
                "held": [{"order": 1, "currency": "USD", "amount": 500}],
            }),
        );
    }

    #[test]
    fn amount_that_is_no_whole_number_is_invalid() {
        let result = run(
            CHECK,
            json!({
                "ledger": [{"kind": "capture", "order": 1, "currency": "EUR", "amount": 1.5}],
                "held": [],
            }),
        );
        assert_eq!(result.verdict, Verdict::Invalid);
        assert_eq!(result.sentence, "`1.5` in column `amount` of table `ledger` is not a whole number");
    }
}
