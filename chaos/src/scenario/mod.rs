//! Scenarios: one question about the system each, asked by breaking it under load.

mod result;

pub use result::{FaultResult, PhaseTimes, ScenarioResult};
