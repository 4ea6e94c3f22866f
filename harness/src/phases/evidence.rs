//! What providers said about replays that did not hold: log lines and spans, found by the trace that each replay carried.

use std::collections::HashMap;

use chaos::verdict::Verdict;

use crate::assertions::{self, Seed};
use crate::collector::{LogRecord, Store, View};
use crate::report::model;

/// Log lines kept of one replay, the last ones.
const MOST_LINES: usize = 20;
/// Characters kept of one line.
const LINE: usize = 300;
/// Spans kept of one replay.
const MOST_SPANS: usize = 60;
/// Replays of which evidence is kept; a provider that breaks every contract repeats itself.
const MOST_REPLAYS: usize = 200;

/// Adds what the store holds to every interaction that did not hold.
pub(super) fn add(store: &Store, interactions: &mut [model::Interaction]) {
    let broken = interactions.iter_mut().filter(|one| one.verdict != Verdict::Pass && one.trace_id.is_some());
    let broken: Vec<&mut model::Interaction> = broken.take(MOST_REPLAYS).collect();
    if broken.is_empty() {
        return;
    }
    store.read(|view| {
        let strays = without_trace(view, &broken);
        for interaction in broken {
            interaction.evidence = of(view, interaction, &strays);
        }
    });
}

/// Lines that carry the correlation id of one of these replays and no trace, by that id.
fn without_trace<'v>(view: &View<'v>, broken: &[&mut model::Interaction]) -> HashMap<String, Vec<&'v LogRecord>> {
    let mut found: HashMap<String, Vec<&LogRecord>> =
        broken.iter().filter_map(|one| Some((one.correlation_id.clone()?, Vec::new()))).collect();
    for log in view.logs().filter(|log| log.trace_id.is_none()) {
        if let Some(lines) = log.correlation_id.as_deref().and_then(|id| found.get_mut(id)) {
            lines.push(log);
        }
    }
    found
}

fn of(
    view: &View<'_>,
    interaction: &model::Interaction,
    strays: &HashMap<String, Vec<&LogRecord>>,
) -> Option<model::Evidence> {
    let seed = Seed::trace(interaction.trace_id.as_deref()?)?;
    let flow = assertions::flow(view, &seed);
    let (waterfall, waterfall_omitted) = assertions::waterfall(&flow, MOST_SPANS);
    let stray = interaction.correlation_id.as_ref().and_then(|id| strays.get(id));
    let mut logs: Vec<&LogRecord> = flow.logs.iter().map(|log| &**log).collect();
    logs.extend(stray.into_iter().flatten());
    logs.sort_by_key(|log| log.time_ns);
    let logs_omitted = logs.len().saturating_sub(MOST_LINES);
    let logs = logs[logs_omitted..].iter().map(|log| line(log)).collect();
    Some(model::Evidence { logs, logs_omitted, waterfall, waterfall_omitted })
}

fn line(log: &LogRecord) -> String {
    let mut text = format!("{} {}: {}", log.level.name(), log.service(), log.message);
    let fields = log.fields.to_string();
    if !fields.is_empty() {
        text.push(' ');
        text.push_str(&fields);
    }
    // A line stays one line, whatever it says.
    let text = text.replace(['\n', '\r'], " ");
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::sample;

    fn broken(trace_id: &str, correlation_id: &str) -> model::Interaction {
        let mut interaction = sample::failed().contracts.interactions.swap_remove(1);
        interaction.evidence = None;
        interaction.trace_id = Some(trace_id.to_owned());
        interaction.correlation_id = Some(correlation_id.to_owned());
        interaction
    }

    fn say(store: &Store, second: usize, ids: &serde_json::Value, message: &str) {
        let mut line =
            json!({ "timestamp": format!("2026-01-02T03:04:{second:02}Z"), "level": "INFO", "message": message });
        line.as_object_mut().expect("an object").extend(ids.as_object().expect("an object").clone());
        store.ingest_log_line("order", &line.to_string());
    }

    #[test]
    fn last_lines_of_the_replay_are_kept_and_the_others_counted() {
        let (store, trace) = (Store::default(), format!("{:032x}", 7));
        for second in 0..25 {
            say(&store, second, &json!({ "trace_id": trace, "row": second }), "one\nmore");
        }
        say(&store, 30, &json!({ "correlation_id": "c-1" }), &"x".repeat(400));
        say(&store, 31, &json!({ "correlation_id": "c-2" }), "of somebody else");
        say(&store, 31, &json!({ "trace_id": format!("{:032x}", 8), "correlation_id": "c-1" }), "of another replay");
        let mut interactions = [broken(&trace, "c-1")];
        add(&store, &mut interactions);
        let evidence = interactions[0].evidence.clone().expect("evidence");
        assert_eq!((evidence.logs.len(), evidence.logs_omitted), (20, 6));
        assert_eq!(evidence.logs[0], "info order: one more row=6");
        let last = &evidence.logs[19];
        assert!(last.starts_with("info order: xxx") && last.ends_with("x...") && last.len() == LINE + 3, "{last}");
    }

    #[test]
    fn replay_that_held_has_no_evidence() {
        let store = Store::default();
        let mut held = broken(&format!("{:032x}", 7), "c-1");
        held.verdict = Verdict::Pass;
        let mut interactions = [held];
        add(&store, &mut interactions);
        assert_eq!(interactions[0].evidence, None);
    }
}
