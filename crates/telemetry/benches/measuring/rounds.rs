//! Rounds: in each, every stack of every row has one turn.
//!
//! The result is what `cargo xtask bench` reads: by row and stack the median of each figure, absolute, and over the base
//! as `{figure}_over`.

use std::collections::BTreeMap;
use std::io::stderr;

use serde_json::{Value, json};

use super::{Children, Figures, Place, print};
use crate::stacks::{FLOOR, ROUND, ROWS, Row};

/// Turns before anything is recorded: caches, connections and buffers that grow once.
const WARM_UP: usize = 5;

type Samples = BTreeMap<String, Vec<f64>>;

/// Measures the rows whose name begins with `only`, with peers or without. The error names who lost spans, as dropping
/// one is cheaper than keeping it.
pub fn measure(rounds: usize, only: &str, peers: bool) -> Result<Value, String> {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.name.starts_with(only)).collect();
    let mut children = Children::new();
    let mut samples: BTreeMap<(&str, &str), Samples> = BTreeMap::new();
    for round in 0..WARM_UP + rounds {
        for row in &rows {
            let mut base = Figures::new();
            for stack in row.stacks(peers) {
                let place = Place { stack, exported: row.exported && !stack.starts_with("bare") };
                let figures = children.run(place, row.trace, ROUND);
                if round < WARM_UP {
                    continue;
                }
                if row.base == Some(stack) {
                    base.clone_from(&figures);
                }
                let of_stack = samples.entry((row.name, stack)).or_default();
                for (name, value) in &figures {
                    of_stack.entry(name.clone()).or_default().push(*value);
                    // Of the same round, so that what slowed both down cancels out.
                    if let Some(of_base) = base.get(name) {
                        of_stack.entry(format!("{name}_over")).or_default().push(value - of_base);
                    }
                }
            }
        }
        if round % 10 == 0 {
            print(stderr(), &format!("round {round} of {}", WARM_UP + rounds));
        }
    }
    let lost = children.finish();
    if !lost.is_empty() {
        return Err(lost.join("\n"));
    }
    let medians = |row: &Row, stack: &'static str| {
        let figures = samples.get(&(row.name, stack))?;
        let mut object: serde_json::Map<String, Value> =
            figures.iter().map(|(name, of)| (name.clone(), json!(median(of.clone())))).collect();
        object.insert("stack".to_owned(), json!(stack));
        Some(Value::Object(object))
    };
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let peers: serde_json::Map<String, Value> =
                row.peers.iter().filter_map(|(name, stack)| Some(((*name).to_owned(), medians(row, stack)?))).collect();
            let base = row.base.and_then(|stack| medians(row, stack));
            let floor = medians(row, FLOOR);
            json!({ "name": row.name, "base": base, "floor": floor, "ours": medians(row, row.ours), "peers": peers })
        })
        .collect();
    Ok(json!({ "rounds": rounds, "round": ROUND, "rows": rows }))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    f64::midpoint(below, above)
}
