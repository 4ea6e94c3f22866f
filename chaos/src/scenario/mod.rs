//! Scenarios: one question about the system each, asked by breaking it under load.
//!
//! ```yaml
//! scenario: order-killed-under-load
//! title: When the order service dies under load, no order is lost and buyers can buy again
//! seed: 42                          # optional; the run's seed otherwise
//! load:
//!   buy: { arrivals: poisson, rate: [5/s, 40/s over 10s], journey: place_order, max_inflight: 500, timeout: 10s }
//!   look: { rate: 2/s, journey: browse, actors: 25 }      # its setup is run 25 times; each iteration takes one of them
//! phases: { warmup: 5s, baseline: 10s, inject: 15s, recover: 15s, drain: 30s }
//! steady_state: ["buy.ok >= 99%", "buy.p99 < 400ms"]
//! during: may_degrade               # or hold: the steady state must hold while the faults are active
//! inject:                           # `at` from the start of the inject phase, `for` until its end when left out
//!   - { at: 0s, for: 5s, fault: kill, service: order }
//!   - { fault: latency, link: order->broker, delay: 200ms, jitter: 20ms, toxicity: 0.5, direction: both }
//!   - { fault: kill, service: [order, gig], every: 10s, for: 2s }    # again and again, each time one of these
//! recover: ["buy.p99 < 400ms within 10s"]                 # optional; the steady state otherwise
//! invariants: [no_lost_order]       # optional; all otherwise
//! telemetry: true                   # optional: what began after the last fault must have left whole traces
//! abort: ["buy.ok < 10% over 5s"]   # optional: stops the scenario and undoes its faults
//! quick:                            # optional: what is different in a quick run
//!   phases: { baseline: 2s, inject: 3s, recover: 3s }
//! profiles:                         # optional: what is different under a profile of the system's description
//!   real: { quick: { phases: { inject: 10s } } }
//! ```
//!
//! An entry of `inject` with `every` is turned into plain faults when the scenario is planned: gaps between two of them are
//! exponential with that mean, from `at` to the end of the phase, and each lasts for `for`. Its target may be a list, of
//! which each member comes once, in a random order, before any comes again; one that is still down, or came back less than
//! 2 s ago, is passed over. All of it follows from the seed, the scenario's name and the number of the entry alone: an edit
//! of a load or of another entry does not shift it.

mod document;
mod engine;
mod inject;
mod injection;
mod outcome;
mod parse;
mod plan;
mod repeated;
mod result;
mod turns;

pub use engine::{Stage, run_scenario};
pub use parse::ScenarioFile;
pub use plan::{During, Known, Phases, Plan, PlannedFault, Profile};
pub use result::{FaultResult, PhaseTimes, ScenarioResult};
