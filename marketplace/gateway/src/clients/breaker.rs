//! A circuit breaker: a service that cannot be reached is left alone for a while, instead of being waited for each time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row after which the circuit opens.
const FAILURES: u32 = 20;
/// How long it stays open before one call may probe. Short, so that a restarted service is not punished for long.
const PAUSE: Duration = Duration::from_millis(500);

/// The state of the circuit to one service.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    opened: Option<Instant>,
    probing: bool,
}

/// Leave to make one call. Dropped without a result (the client went away), it says nothing about the service.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Arc<Breaker>,
    probe: bool,
    reported: bool,
}

impl Breaker {
    /// Leave to call now; none while the circuit is open, or while another call probes.
    pub(crate) fn permit(self: &Arc<Self>, now: Instant) -> Option<Permit> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let probe = match state.opened {
            None => false,
            Some(opened) if now < opened + PAUSE || state.probing => return None,
            Some(_) => {
                state.probing = true;
                true
            }
        };
        Some(Permit { breaker: Arc::clone(self), probe, reported: false })
    }
}

impl Permit {
    /// Says whether the service answered.
    pub(crate) fn report(mut self, answered: bool, now: Instant) {
        self.reported = true;
        let breaker = Arc::clone(&self.breaker);
        let mut state = breaker.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.probe {
            state.probing = false;
        }
        if answered {
            state.failures = 0;
            state.opened = None;
        } else {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES {
                state.opened = Some(now);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe && !self.reported {
            let mut state = self.breaker.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(breaker: &Arc<Breaker>, times: u32, now: Instant) {
        for _ in 0..times {
            breaker.permit(now).unwrap().report(false, now);
        }
    }

    #[test]
    fn circuit_opens_after_failures_in_a_row_only() {
        let (breaker, now) = (Arc::new(Breaker::default()), Instant::now());
        failed(&breaker, FAILURES - 1, now);
        breaker.permit(now).unwrap().report(true, now);
        failed(&breaker, FAILURES, now);
        assert!(breaker.permit(now).is_none());
    }

    #[test]
    fn one_probe_at_a_time_decides() {
        let (breaker, now) = (Arc::new(Breaker::default()), Instant::now());
        failed(&breaker, FAILURES, now);
        let later = now + PAUSE;
        let probe = breaker.permit(later).unwrap();
        assert!(breaker.permit(later).is_none());
        probe.report(false, later);
        assert!(breaker.permit(later).is_none());
        let again = later + PAUSE;
        breaker.permit(again).unwrap().report(true, again);
        assert!(breaker.permit(again).is_some());
    }

    #[test]
    fn abandoned_probe_lets_the_next_one_try() {
        let (breaker, now) = (Arc::new(Breaker::default()), Instant::now());
        failed(&breaker, FAILURES, now);
        let later = now + PAUSE;
        drop(breaker.permit(later));
        assert!(breaker.permit(later).is_some());
    }
}
