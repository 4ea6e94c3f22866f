//! A stated value equals the mean of the rows it stands for, such as a rating and its reviews.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::judge::{Checked, View};
use super::table::{describe, key, text, traces};
use super::{Columns, Row};
use crate::verdict::Finding;

/// Settings of the check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    /// Table of the single values.
    pub of: String,
    /// Column of the single values.
    pub column: String,
    /// Table that states the mean. A key without single values must state 0 or nothing.
    pub table: String,
    /// Column of the stated mean.
    pub value: String,
    /// Columns that identify what is rated, the same in both tables.
    pub key: Columns,
    /// Largest difference that is allowed, for rounding.
    #[serde(default = "rounding")]
    pub tolerance: f64,
}

/// What floating point may lose.
fn rounding() -> f64 {
    1e-6
}

#[derive(Default)]
struct Group<'a> {
    sum: f64,
    count: u32,
    stated: Option<&'a Row>,
}

impl Mean {
    pub(super) fn check(&self, view: View<'_>) -> Result<Checked, String> {
        let with = |column: &'_ String| -> Vec<String> { self.key.0.iter().chain([column]).cloned().collect() };
        let (of, stated) = (with(&self.column), with(&self.value));
        let of: Vec<&str> = of.iter().map(String::as_str).collect();
        let stated: Vec<&str> = stated.iter().map(String::as_str).collect();
        let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
        for row in view.rows(&self.of, &of)? {
            let group = groups.entry(key(row, &self.key.0)).or_default();
            group.sum += number(row, &self.column, &self.of)?;
            group.count += 1;
        }
        for row in view.rows(&self.table, &stated)? {
            groups.entry(key(row, &self.key.0)).or_default().stated = Some(row);
        }
        let mut checked = Checked::of(groups.values().filter(|group| group.count > 0).count());
        for (values, group) in &groups {
            let is = match group.stated {
                Some(row) if row.get(&self.value).is_some_and(|value| !value.is_null()) => {
                    Some(number(row, &self.value, &self.table)?)
                }
                _ => None,
            };
            let should = if group.count == 0 { 0.0 } else { group.sum / f64::from(group.count) };
            let holds = match is {
                Some(is) => (is - should).abs() <= self.tolerance,
                None => group.count == 0,
            };
            if !holds {
                checked.violation(|| {
                    let found = is.map_or_else(|| "nothing".to_owned(), |is| format!("`{is}`"));
                    Finding::new(format!(
                        "{} states {found} in `{}.{}`, expected `{should}`, the mean of {} rows of `{}`",
                        describe(&self.key.0, values),
                        self.table,
                        self.value,
                        group.count,
                        self.of
                    ))
                    .with_witness(json!({ "key": values, "found": is, "expected": should, "rows": group.count }))
                    .with_traces(traces(group.stated))
                });
            }
        }
        Ok(checked)
    }
}

fn number(row: &Row, column: &str, table: &str) -> Result<f64, String> {
    let value = text(row.get(column));
    value
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .ok_or_else(|| format!("`{value}` in column `{column}` of table `{table}` is not a number"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::judge::fixture::{fails, holds, run};
    use crate::verdict::Verdict;

    const CHECK: &str = "mean = { of = 'reviews', column = 'stars', table = 'sellers', value = 'rating', key = 'seller', tolerance = 0.01 }";

    #[test]
    fn mean_within_rounding_passes() {
        let tables = json!({
            "reviews": [{"seller": "s", "stars": 5}, {"seller": "s", "stars": 4}, {"seller": "s", "stars": 4}],
            "sellers": [{"seller": "s", "rating": 4.33}, {"seller": "new", "rating": 0}, {"seller": "newer"}],
        });
        assert_eq!(holds(CHECK, tables), 1);
    }

    #[test]
    fn review_that_was_counted_twice_is_found() {
        let (sentence, _) = fails(
            CHECK,
            json!({
                "reviews": [{"seller": "s", "stars": 5}, {"seller": "s", "stars": 2}],
                "sellers": [{"seller": "s", "rating": 4}],
            }),
        );
        assert!(
            sentence.starts_with(
                "seller `s` states `4` in `sellers.rating`, expected `3.5`, the mean of 2 rows of `reviews`"
            ),
            "{sentence}"
        );
    }

    #[test]
    fn missing_rating_and_rating_without_reviews_are_found() {
        fails(CHECK, json!({"reviews": [{"seller": "s", "stars": 5}], "sellers": []}));
        fails(CHECK, json!({"reviews": [], "sellers": [{"seller": "s", "rating": 5}]}));
    }

    #[test]
    fn stars_that_are_no_number_are_invalid() {
        let result = run(CHECK, json!({"reviews": [{"seller": "s", "stars": "many"}], "sellers": []}));
        assert_eq!(result.verdict, Verdict::Invalid);
    }
}
