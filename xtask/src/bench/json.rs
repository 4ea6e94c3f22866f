//! The table for programs.

use serde_json::{Map, Value, json};

use super::budget;
use super::machine::Machine;
use super::table::{Figures, Row, Table};

/// `{"rows": [...], "machine": .., "date": .., "rustc": ..}`.
pub(crate) fn document(table: &Table, machine: &Machine) -> Value {
    let mut document = Map::from_iter([("rows".to_owned(), table.rows.iter().map(row).collect())]);
    document.extend(machine.json().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(document)
}

fn row(row: &Row) -> Value {
    let budget = budget::of(&row.name);
    let limits = [
        ("ns", budget.ns),
        ("allocs", budget.allocs),
        ("instr_ratio", budget.instr_ratio),
        ("of_cheapest_peer", budget.of_cheapest),
    ];
    let limits: Map<String, Value> =
        limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), json!(limit?)))).collect();
    let peers: Map<String, Value> =
        row.peers.iter().map(|(name, peer)| (name.clone(), Value::Object(figures(row, peer)))).collect();
    let mut object = figures(row, &row.ours);
    object.extend([
        ("name".to_owned(), json!(row.name)),
        ("peers".to_owned(), Value::Object(peers)),
        ("cheapest_peer_ratio".to_owned(), json!(row.cheapest().map(|(_, peer)| rounded(peer.ns / row.ours.ns)))),
        ("empty_layer".to_owned(), json!(row.floor.as_ref().map(|floor| figures(row, floor)))),
        ("budget".to_owned(), Value::Object(limits)),
        ("met".to_owned(), json!(budget.exceeded_by(row).is_empty())),
    ]);
    Value::Object(object)
}

fn figures(row: &Row, figures: &Figures) -> Map<String, Value> {
    let all = [
        ("ns", Some(figures.ns)),
        ("cpu_ns", Some(figures.cpu_ns)),
        ("allocs", Some(figures.allocs)),
        ("process_allocs", Some(figures.process_allocs)),
        ("instr", figures.instructions),
        ("instr_ratio", row.ratio_of(figures)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(rounded(value?))))).collect()
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
