//! Tables that invariants are judged on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Tables by name.
pub type Tables = BTreeMap<String, Table>;

/// Rows observed from somewhere: a query, a document, captured mails, the clients' history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Columns that every row has. A row may leave out a value that is null.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row: values by column name.
pub type Row = Map<String, Value>;

impl Table {
    /// A table from its rows; the columns are those that occur in any row.
    #[must_use]
    pub fn from_rows(name: impl Into<String>, rows: Vec<Row>) -> Self {
        let mut columns: Vec<String> = Vec::new();
        for row in &rows {
            for key in row.keys() {
                if !columns.contains(key) {
                    columns.push(key.clone());
                }
            }
        }
        Self { name: name.into(), columns, rows }
    }
}

/// The text of a value for comparison across sources: a database may return `7` where a document has `"7"`.
pub(super) fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "null".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => match number.as_f64() {
            // 2^53: up to there an integer survives the way through a float.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
                format!("{}", float as i64)
            }
            _ => number.to_string(),
        },
        Some(other) => other.to_string(),
    }
}

/// The texts of some columns of a row: its key.
pub(super) fn key(row: &Row, columns: &[String]) -> Vec<String> {
    columns.iter().map(|column| text(row.get(column))).collect()
}

/// A key as people read it: `order=o-1, kind=capture`.
pub(super) fn describe(columns: &[String], key: &[String]) -> String {
    if columns.is_empty() {
        return "everything".to_owned();
    }
    let parts: Vec<String> = columns.iter().zip(key).map(|(column, value)| format!("{column} `{value}`")).collect();
    parts.join(", ")
}

/// Traces that rows name in a column `trace_id`, each once.
pub(super) fn traces<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for row in rows {
        if let Some(Value::String(id)) = row.get("trace_id")
            && !id.is_empty()
            && !ids.contains(id)
        {
            ids.push(id.clone());
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_the_same_for_the_same_value_from_different_sources() {
        assert_eq!(text(Some(&json!(7))), text(Some(&json!("7"))));
        assert_eq!(text(Some(&json!(7.0))), text(Some(&json!(7))));
        assert_ne!(text(Some(&json!(7.5))), text(Some(&json!(7))));
        assert_eq!(text(None), text(Some(&Value::Null)));
        assert_ne!(text(Some(&json!(true))), text(Some(&json!(1))));
    }

    #[test]
    fn columns_are_those_of_all_rows() {
        let rows =
            vec![json!({"a": 1}).as_object().unwrap().clone(), json!({"b": 1, "a": 2}).as_object().unwrap().clone()];
        assert_eq!(Table::from_rows("t", rows).columns, ["a", "b"]);
    }
}
