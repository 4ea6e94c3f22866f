//! What a load is to be.

use std::time::Duration;

use super::{Shape, Threshold};

/// How gaps between arrivals come about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Exponential gaps, drawn from the seed: users who know nothing of each other.
    #[default]
    Poisson,
    /// Equal gaps.
    Constant,
}

/// A load, ready to run.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The load phase or scenario that it belongs to.
    pub scope: String,
    /// Its name; thresholds speak of it.
    pub name: String,
    /// Journey that every arrival runs; thresholds may speak of it instead of the name.
    pub journey: String,
    /// How many times what the journey builds on is set up; each iteration takes one of them, drawn from the seed.
    pub actors: u64,
    /// How gaps come about.
    pub arrivals: Arrivals,
    /// The rate over time.
    pub shape: Shape,
    /// Phases in order; the load lasts until the end of the last one. One named `warmup` is not measured.
    pub phases: Vec<PhaseSpan>,
    /// Most iterations in flight; an arrival above that is shed and counts as failed.
    pub max_inflight: usize,
    /// Time from the intended start after which an iteration counts as timed out.
    pub timeout: Duration,
    /// Largest 99th percentile of the generator's lag with which the load can be judged.
    pub max_lag: Duration,
    /// Seed of schedule and iterations.
    pub seed: u64,
    /// What must hold over the load, warm-up excluded.
    pub thresholds: Vec<Threshold>,
}

/// A phase of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Its name.
    pub name: String,
    /// Its end, from the start of the load.
    pub until: Duration,
}

impl LoadPlan {
    /// Name of the phase that is not measured.
    pub const WARMUP: &'static str = "warmup";
    /// Time-out of an iteration when nothing else is said.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Largest lag when nothing else is said. Far below any threshold that people set, far above what a healthy
    /// generator shows (under 15 ms even on a contended machine).
    pub const DEFAULT_MAX_LAG: Duration = Duration::from_millis(100);
    /// Most actors: each of them is set up before the load begins.
    pub const MOST_ACTORS: u64 = 10_000;
    /// Most iterations in flight when nothing else is said.
    pub const DEFAULT_MAX_INFLIGHT: usize = 1000;

    /// A Poisson load of a constant rate: `warmup` unmeasured, then `duration` in a phase named `load`.
    #[must_use]
    pub fn steady(name: &str, journey: &str, per_second: f64, warmup: Duration, duration: Duration, seed: u64) -> Self {
        let mut phases = vec![PhaseSpan { name: "load".to_owned(), until: warmup + duration }];
        if !warmup.is_zero() {
            phases.insert(0, PhaseSpan { name: Self::WARMUP.to_owned(), until: warmup });
        }
        Self {
            scope: "load".to_owned(),
            name: name.to_owned(),
            journey: journey.to_owned(),
            actors: 1,
            arrivals: Arrivals::Poisson,
            shape: Shape::constant(per_second),
            phases,
            max_inflight: Self::DEFAULT_MAX_INFLIGHT,
            timeout: Self::DEFAULT_TIMEOUT,
            max_lag: Self::DEFAULT_MAX_LAG,
            seed,
            thresholds: Vec::new(),
        }
    }

    /// Time from the first to the end of the last phase.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.phases.last().map_or(Duration::ZERO, |phase| phase.until)
    }

    /// End of the unmeasured warm-up.
    #[must_use]
    pub fn measured_from(&self) -> Duration {
        self.phases.iter().find(|phase| phase.name == Self::WARMUP).map_or(Duration::ZERO, |phase| phase.until)
    }

    /// Start and end of a phase, from the start of the load; empty when there is none of that name.
    #[must_use]
    pub fn span(&self, name: &str) -> (Duration, Duration) {
        let mut from = Duration::ZERO;
        for phase in &self.phases {
            if phase.name == name {
                return (from, phase.until);
            }
            from = phase.until;
        }
        (Duration::ZERO, Duration::ZERO)
    }

    /// Name of the phase at a time from the start.
    #[must_use]
    pub fn phase_at(&self, at: Duration) -> &str {
        self.phases.iter().find(|phase| at < phase.until).or(self.phases.last()).map_or("", |phase| &phase.name)
    }
}
