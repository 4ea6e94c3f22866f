//! Tables from captured mails: one row for each recipient of each mail.

use std::collections::BTreeMap;
use std::sync::Arc;

use chaos::invariants::Row;
use serde_json::{Value, json};

use super::pick;
use crate::smtp::Mail;

pub(super) fn rows(mails: &[Arc<Mail>], columns: &BTreeMap<String, String>) -> Vec<Row> {
    let rows = mails.iter().flat_map(|mail| mail.to.iter().map(move |to| (mail, to))).map(|(mail, to)| {
        let document = json!({
            "message_id": mail.message_id,
            "from": mail.from,
            "to": to,
            "subject": mail.subject,
            "text": mail.text,
            "headers": mail.headers,
        });
        match document {
            Value::Object(row) if columns.is_empty() => row,
            document => pick(&document, columns),
        }
    });
    rows.collect()
}
