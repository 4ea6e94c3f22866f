//! Messages that consumers gave up on, for the report: every table that the configuration reads from queues.

use serde_json::Value;

use super::session::Session;
use crate::config::Source;
use crate::report::model::DeadLetter;

/// Most of them that a report shows.
const LIMIT: usize = 100;
/// Characters of a body that a report shows.
const BODY_LIMIT: usize = 400;

pub(super) async fn observe(session: &Session) -> Vec<DeadLetter> {
    let names = session
        .config
        .observe
        .iter()
        .filter(|(_, source)| matches!(source, Source::Messages { .. }))
        .map(|(name, _)| name.as_str());
    let mut letters = Vec::new();
    for name in names {
        match session.system.observer().table(name).await {
            Ok(table) => {
                let text = |row: &chaos::invariants::Row, column: &str| match row.get(column) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                };
                letters.extend(table.rows.iter().map(|row| DeadLetter {
                    queue: text(row, "queue"),
                    message_id: text(row, "message_id"),
                    routing_key: text(row, "routing_key"),
                    reason: text(row, "reason"),
                    body: text(row, "body").chars().take(BODY_LIMIT).collect(),
                }));
            }
            Err(error) => session.events.note(format!("dead letters could not be read: {error}")),
        }
    }
    letters.truncate(LIMIT);
    letters
}
