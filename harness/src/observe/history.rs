//! Tables from the clients' history: one row for each operation.

use std::collections::BTreeMap;
use std::path::Path;

use chaos::invariants::Row;
use chaos::{History, Operation, Outcome};
use serde_json::Value;

use super::{MOST_ROWS, Reason, pick};

/// Which operations to take.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) operation: String,
    pub(super) outcome: Option<String>,
    pub(super) status: Option<u16>,
}

impl Filter {
    fn takes(&self, operation: &Operation) -> bool {
        let outcome = match operation.outcome {
            Outcome::Ok => "ok",
            Outcome::Fail => "fail",
            Outcome::Info => "info",
        };
        operation.operation == self.operation
            && self.outcome.as_deref().is_none_or(|wanted| wanted == outcome)
            && self.status.is_none_or(|wanted| operation.status == Some(wanted))
    }
}

/// Reads the history; `writer` has its buffer written out before. Without `columns`, a row has the operation's own members
/// and those of `saved`. The trace always comes along, for whoever has to look at a witness.
pub(super) fn rows(
    writer: Option<&History>,
    file: &Path,
    filter: &Filter,
    columns: &BTreeMap<String, String>,
) -> Result<Vec<Row>, Reason> {
    let file = match writer {
        Some(writer) => {
            writer.flush()?;
            writer.path()
        }
        None => file,
    };
    if !file.exists() {
        // No operation was recorded yet.
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    for operation in chaos::history::read(file)? {
        let operation = operation?;
        if !filter.takes(&operation) {
            continue;
        }
        if rows.len() == MOST_ROWS {
            return Err(Reason::TooLarge(MOST_ROWS));
        }
        let trace_id = operation.trace_id.clone().map_or(Value::Null, Value::from);
        // Plain data, which always has a JSON form.
        let mut document = serde_json::to_value(operation).unwrap_or_default();
        let mut row = if columns.is_empty() {
            let saved = document.get_mut("saved").map(Value::take);
            let own = document.as_object().cloned().unwrap_or_default();
            let saved = saved.and_then(|saved| saved.as_object().cloned()).unwrap_or_default();
            saved.into_iter().chain(own.into_iter().filter(|(name, _)| name != "saved")).collect()
        } else {
            pick(&document, columns)
        };
        row.entry("trace_id").or_insert(trace_id);
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn operation(id: &str, name: &str, outcome: Outcome, status: Option<u16>) -> Operation {
        Operation {
            id: id.to_owned(),
            scope: "load".to_owned(),
            journey: "buy".to_owned(),
            iteration: 1,
            operation: name.to_owned(),
            phase: String::new(),
            intended_us: 0,
            start_us: 1,
            end_us: 2,
            outcome,
            status,
            error: None,
            trace_id: Some("t".to_owned()),
            correlation_id: None,
            saved: BTreeMap::from([("order".to_owned(), json!(format!("o-{id}")))]),
        }
    }

    #[test]
    fn acknowledged_and_unanswered_operations_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let history = History::append_to(folder.path().join("history.jsonl")).expect("a history");
        for operation in [
            operation("1", "create order", Outcome::Ok, Some(201)),
            operation("2", "create order", Outcome::Info, None),
            operation("3", "sign in", Outcome::Ok, Some(201)),
            operation("4", "create order", Outcome::Fail, Some(409)),
        ] {
            history.append(&operation).expect("written");
        }
        let columns = BTreeMap::from([("order".to_owned(), "/saved/order".to_owned())]);
        let read = |outcome: &str, status| {
            let filter = Filter { operation: "create order".to_owned(), outcome: Some(outcome.to_owned()), status };
            rows(Some(&history), Path::new("/nowhere"), &filter, &columns).expect("rows")
        };
        assert_eq!(json!(read("ok", Some(201))), json!([{ "order": "o-1", "trace_id": "t" }]));
        assert_eq!(json!(read("info", None)), json!([{ "order": "o-2", "trace_id": "t" }]));
        assert!(read("ok", Some(200)).is_empty());
        let filter = Filter { operation: "sign in".to_owned(), outcome: None, status: None };
        let all = rows(Some(&history), Path::new("/nowhere"), &filter, &BTreeMap::new()).expect("rows");
        assert_eq!((&all[0]["order"], &all[0]["id"]), (&json!("o-3"), &json!("3")));
        assert!(rows(None, Path::new("/nowhere"), &filter, &columns).expect("no history yet").is_empty());
    }
}
