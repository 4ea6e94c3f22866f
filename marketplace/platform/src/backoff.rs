//! Exponential backoff with full jitter: how long to wait before trying again.

use std::time::Duration;

use rand::RngExt as _;

/// Waits that double from `first` up to `cap`, each drawn evenly between nothing and its bound.
///
/// Only for what may be repeated: reads, and writes with an idempotency key.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let mut backoff = platform::Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
/// assert!(backoff.next_wait() <= Duration::from_millis(50));
/// assert!(backoff.next_wait() <= Duration::from_millis(100));
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// Bounds of the first and of the longest wait.
    #[must_use]
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, attempt: 0 }
    }

    /// How many waits were drawn since the start or the last [`reset`](Self::reset).
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let bound = self.first.saturating_mul(1_u32.checked_shl(self.attempt).unwrap_or(u32::MAX)).min(self.cap);
        self.attempt = self.attempt.saturating_add(1);
        bound.mul_f64(rand::rng().random::<f64>())
    }

    /// Starts again from the first bound.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_never_exceeds_its_cap() {
        let cap = Duration::from_millis(800);
        let mut backoff = Backoff::new(Duration::from_millis(100), cap);
        for attempt in 0..100_u32 {
            let bound = Duration::from_millis(100).saturating_mul(2_u32.saturating_pow(attempt)).min(cap);
            assert!(backoff.next_wait() <= bound, "attempt {attempt}");
        }
    }
}
