//! A scenario that is checked and ready to run.

use std::sync::Arc;
use std::time::Duration;

use crate::faults::Fault;
use crate::load::{LoadPlan, Threshold};
use crate::system::Targets;

/// Which form of a scenario is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// As written.
    #[default]
    Full,
    /// With what its `quick` block replaces.
    Quick,
}

/// What a scenario may speak of.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Services and links.
    pub targets: Targets,
    /// Journeys that can be run as load.
    pub journeys: Vec<String>,
    /// Invariants that can be judged.
    pub invariants: Vec<String>,
}

/// A scenario, ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub scenario: String,
    /// The question it asks, as a sentence.
    pub title: String,
    /// Seed of everything random.
    pub seed: u64,
    /// Its loads; at least one.
    pub loads: Vec<LoadPlan>,
    /// How long its phases are.
    pub phases: Phases,
    /// What holds when all is well.
    pub steady_state: Vec<Threshold>,
    /// Whether it must hold while the faults are active.
    pub during: During,
    /// The faults.
    pub faults: Vec<PlannedFault>,
    /// What must hold again after the faults; the steady state when empty.
    pub recover: Vec<Threshold>,
    /// What ends the scenario at once when it holds.
    pub abort: Vec<Threshold>,
    /// Invariants that are judged at rest; all when absent.
    pub invariants: Option<Vec<String>>,
    /// Whether what began after the last fault must have left whole traces; judged by whoever has the telemetry.
    pub telemetry: bool,
}

/// Lengths of the phases of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phases {
    /// Load that is not measured.
    pub warmup: Duration,
    /// Load in which the steady state must hold before anything is broken.
    pub baseline: Duration,
    /// Load in which faults are injected and undone.
    pub inject: Duration,
    /// Load in which the steady state must come back.
    pub recover: Duration,
    /// Time without load in which the system must come to rest.
    pub drain: Duration,
}

impl Phases {
    /// Names of the phases under load with their ends, from the start of the load.
    #[must_use]
    pub fn ends(&self) -> [(&'static str, Duration); 4] {
        let baseline = self.warmup + self.baseline;
        let inject = baseline + self.inject;
        [("warmup", self.warmup), ("baseline", baseline), ("inject", inject), ("recover", inject + self.recover)]
    }
}

/// Whether the steady state must hold during the faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum During {
    /// It may degrade; it is measured and shown.
    #[default]
    MayDegrade,
    /// It must hold.
    Hold,
}

/// A fault with its time.
#[derive(Clone, Debug)]
pub struct PlannedFault {
    /// Injection, from the start of the inject phase.
    pub at: Duration,
    /// Begin of the undo, from the start of the inject phase.
    pub until: Duration,
    /// The fault.
    pub fault: Arc<dyn Fault>,
}
