//! The budgets of docs/performance.md, and whether a row meets its own.

use super::table::Row;

/// Most instructions of a whole request with everything on, as a multiple of the bare handler's.
pub(crate) const WHOLE_REQUEST: f64 = 2.2;
/// Most allocations of a request that is not sampled, above those of a layer that does nothing.
pub(crate) const UNSAMPLED_ALLOCATIONS: f64 = 2.0;
/// We cost at most this share of the cheapest peer that does the same.
const OF_CHEAPEST: f64 = 1.0 / 3.0;

/// What a row may cost at most; what is `None` is not limited.
#[derive(Clone, Copy, Default)]
pub(crate) struct Budget {
    pub(crate) ns: Option<f64>,
    pub(crate) allocs: Option<f64>,
    pub(crate) instr_ratio: Option<f64>,
    pub(crate) of_cheapest: Option<f64>,
}

/// The budget of the row of this name.
pub(crate) fn of(row: &str) -> Budget {
    match row {
        "request_sampled" => Budget { ns: Some(700.0), of_cheapest: Some(OF_CHEAPEST), ..Budget::default() },
        "request_unsampled" => Budget {
            ns: Some(300.0),
            allocs: Some(UNSAMPLED_ALLOCATIONS),
            of_cheapest: Some(OF_CHEAPEST),
            ..Budget::default()
        },
        "request_full" => Budget { instr_ratio: Some(WHOLE_REQUEST), ..Budget::default() },
        "log_line_two_spans" => Budget { ns: Some(500.0), allocs: Some(0.0), ..Budget::default() },
        _ => Budget::default(),
    }
}

impl Budget {
    /// What the row is above, in words; empty when it meets its budget.
    pub(crate) fn exceeded_by(&self, row: &Row) -> Vec<String> {
        let above = |what: &str, value: Option<f64>, most: Option<f64>| match (value, most) {
            (Some(value), Some(most)) if value > most => Some(format!("{what} {value:.2}, at most {most:.2}")),
            (None, Some(most)) => Some(format!("{what} was not measured, at most {most:.2}")),
            _ => None,
        };
        // axum allocates for every layer of a router, whatever it does.
        let allocated = row.ours.allocs - row.floor.as_ref().map_or(0.0, |floor| floor.allocs);
        let share = row.cheapest().map(|(_, cheapest)| row.ours.ns / cheapest.ns);
        [
            above("ns", Some(row.ours.ns), self.ns),
            // Averages over thousands of requests: what happens once in a hundred is no allocation per request.
            above("allocations above those of an empty layer", Some((allocated * 100.0).round() / 100.0), self.allocs),
            above("times the bare handler's instructions", row.instr_ratio(), self.instr_ratio),
            above("of the cheapest peer", share, self.of_cheapest),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
