//! Hands what the chaos engine says on to whoever watches the run.

use chaos::invariants::InvariantResult;
use chaos::load::Interval;

use crate::events::{Event, Events};

/// Listens to the engine.
pub(super) struct Relay(Events);

impl Relay {
    pub(super) fn new(events: Events) -> Self {
        Self(events)
    }
}

impl chaos::Events for Relay {
    fn phase(&self, scope: &str, phase: &str) {
        self.0.note(format!("{scope}: {phase}"));
    }

    fn fault(&self, scope: &str, fault: &str, target: &str, active: bool) {
        self.0.send(Event::Fault {
            scenario: scope.to_owned(),
            fault: fault.to_owned(),
            target: target.to_owned(),
            active,
        });
    }

    fn second(&self, scope: &str, _load: &str, interval: &Interval) {
        self.0.send(Event::Second { load: scope.to_owned(), interval: interval.clone().into() });
    }

    fn invariant(&self, _scope: &str, result: &InvariantResult) {
        self.0.send(Event::Judged {
            name: format!("invariant {}", result.name),
            verdict: result.verdict,
            detail: result.sentence.clone(),
        });
    }

    fn note(&self, scope: &str, text: &str) {
        self.0.note(format!("{scope}: {text}"));
    }
}
