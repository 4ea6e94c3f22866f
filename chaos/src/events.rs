//! What a load or a scenario says while it goes on.

use crate::invariants::InvariantResult;
use crate::load::Interval;

/// Hears about progress. Called from the engine's tasks; must not block.
pub trait Events: Send + Sync {
    /// A phase (`warmup`, `baseline`, `inject`, `recover`, `drain`, `judge`) of `scope` began.
    fn phase(&self, scope: &str, phase: &str) {
        let _ = (scope, phase);
    }

    /// A fault was injected (`active`) or undone.
    fn fault(&self, scope: &str, fault: &str, target: &str, active: bool) {
        let _ = (scope, fault, target, active);
    }

    /// A second of load went by. Operations that still run are not in it.
    fn second(&self, scope: &str, load: &str, interval: &Interval) {
        let _ = (scope, load, interval);
    }

    /// An invariant was judged.
    fn invariant(&self, scope: &str, result: &InvariantResult) {
        let _ = (scope, result);
    }

    /// Something that a person should know.
    fn note(&self, scope: &str, text: &str) {
        let _ = (scope, text);
    }
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Events for Quiet {}
