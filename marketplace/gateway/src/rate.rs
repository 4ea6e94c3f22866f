//! How often one client may call: a token bucket for each user, and one for all visitors of an address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets above this number are thinned out: those that are full again are as good as new.
const MANY: usize = 10_000;
/// Looking through all of them is done no more often than this.
const THIN_OUT_EVERY: Duration = Duration::from_secs(1);

/// Limits the rate of requests by client.
#[derive(Clone, Debug)]
pub struct RateLimit {
    per_second: f64,
    burst: f64,
    buckets: Arc<Mutex<Buckets>>,
}

#[derive(Debug, Default)]
struct Buckets {
    by_client: HashMap<String, Bucket>,
    thinned_out: Option<Instant>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimit {
    /// `per_second` requests on average, `burst` at once.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second: f64::from(per_second.max(1)), burst: f64::from(burst.max(1)), buckets: Arc::default() }
    }

    /// Takes one request of `client` at `now`.
    ///
    /// # Errors
    /// The seconds, rounded up, after which the next request is welcome.
    pub fn take(&self, client: &str, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let crowded = |buckets: &Buckets| buckets.by_client.len() >= MANY && !buckets.by_client.contains_key(client);
        let rested = |since: Instant| now.saturating_duration_since(since) >= THIN_OUT_EVERY;
        if crowded(&buckets) && buckets.thinned_out.is_none_or(rested) {
            buckets.thinned_out = Some(now);
            buckets.by_client.retain(|_, bucket| self.filled(bucket, now) < self.burst);
        }
        // Attackers with many names share one bucket rather than fill the memory.
        let name = if crowded(&buckets) { "" } else { client };
        let bucket = buckets.by_client.entry(name.to_owned()).or_insert(Bucket { tokens: self.burst, at: now });
        bucket.tokens = self.filled(bucket, now);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ok(())
        } else {
            Err(((1.0 - bucket.tokens) / self.per_second).ceil().max(1.0) as u64)
        }
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + passed * self.per_second).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_passes_and_then_the_rate_holds() {
        let (limit, now) = (RateLimit::new(10, 3), Instant::now());
        let passed = (0..10).filter(|_| limit.take("ada", now).is_ok()).count();
        assert_eq!(passed, 3);
        assert_eq!(limit.take("ada", now), Err(1));
        let later = now + Duration::from_millis(150);
        assert_eq!(limit.take("ada", later), Ok(()));
        assert!(limit.take("ada", later).is_err());
    }

    #[test]
    fn clients_do_not_pay_for_each_other() {
        let (limit, now) = (RateLimit::new(1, 1), Instant::now());
        assert!(limit.take("ada", now).is_ok());
        assert!(limit.take("ada", now).is_err());
        assert!(limit.take("bob", now).is_ok());
    }

    #[test]
    fn memory_is_bounded_by_whoever_calls() {
        let (limit, now) = (RateLimit::new(1, 1), Instant::now());
        for client in 0..2 * MANY {
            let _ = limit.take(&client.to_string(), now);
        }
        assert!(limit.buckets.lock().unwrap().by_client.len() <= MANY + 1);
        let later = now + Duration::from_secs(2);
        assert!(limit.take("newcomer", later).is_ok());
        assert_eq!(limit.buckets.lock().unwrap().by_client.len(), 1);
    }
}
