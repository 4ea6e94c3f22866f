//! Delivers a request, again and again while that may help, and never beyond the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ExportState;
use super::answer::Read;
use super::delivery::{Delivery, Failure, Retry};
use super::ending::Ending;
use super::halves::Halve;

/// The first wait; the next ones grow.
const FIRST: Duration = Duration::from_millis(100);

/// Longer waits would keep the queue full after the collector has come back.
const LONGEST: Duration = Duration::from_secs(5);

/// A request is given up after this long: what queued behind it is worth more by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// Attempts per request once the end has been asked for; after that nothing more is tried at all.
const LAST_ATTEMPTS: u32 = 2;

/// Carries the requests of one signal.
pub(super) struct Courier {
    pub(super) delivery: Delivery,
    pub(super) state: Arc<ExportState>,
    pub(super) ending: Arc<Ending>,
    read: Read,
    halve: Halve,
    patience: Duration,
    jitter: Jitter,
    /// The next one, unless the collector asks for another; kept from request to request while it is down.
    wait: Duration,
    /// Nothing is sent before, because the collector, or our own prudence, asked for a pause.
    hold: Option<Instant>,
    hopeless: bool,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Exported or lost for good, and counted as such.
    Settled,
    /// The end came first.
    Unsent,
}

impl Courier {
    pub(super) fn new(
        delivery: Delivery,
        state: Arc<ExportState>,
        ending: Arc<Ending>,
        (read, halve): (Read, Halve),
    ) -> Self {
        let jitter = Jitter::new();
        Self {
            delivery,
            state,
            ending,
            read,
            halve,
            patience: PATIENCE,
            jitter,
            wait: FIRST,
            hold: None,
            hopeless: false,
        }
    }

    /// A request that is superseded by the next one need not outlive it.
    pub(super) fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(PATIENCE);
        self
    }

    pub(super) fn deliver(&mut self, message: Vec<u8>, items: u64) -> Fate {
        let mut parts = vec![(message, items)];
        while let Some((message, items)) = parts.pop() {
            self.hold();
            let message = Bytes::from(message);
            match self.part(&message, items) {
                Ok(Fate::Settled) => {}
                Ok(Fate::Unsent) => return Fate::Unsent,
                Err(too_large) => match (self.halve)(&message) {
                    Some([first, second]) => parts.extend([second, first]),
                    None => self.state.refused(items, &too_large.reason),
                },
            }
        }
        Fate::Settled
    }

    /// Who was asked for a pause keeps to it, though the request that met it has been given up; the end is not held up.
    fn hold(&mut self) {
        if let Some(until) = self.hold.take()
            && self.ending.left().is_none()
        {
            self.ending.pause(until.saturating_duration_since(Instant::now()), false);
        }
    }

    /// `Err` when the collector wants less at a time.
    fn part(&mut self, message: &Bytes, items: u64) -> Result<Fate, Failure> {
        let body = self.delivery.pack(message);
        let given_up = Instant::now() + self.patience;
        let mut last_attempts = 0;
        loop {
            let left = self.ending.left();
            if self.hopeless || left.is_some_and(|left| left.is_zero()) {
                return Ok(Fate::Unsent);
            }
            last_attempts += u32::from(left.is_some());
            let failure = match self.delivery.attempt(&body, left) {
                Ok(answer) => {
                    self.wait = FIRST;
                    self.state.up(items, &(self.read)(&answer));
                    return Ok(Fate::Settled);
                }
                Err(failure) => failure,
            };
            let pause = match failure.retry {
                Retry::Smaller => return Err(failure),
                Retry::Never => {
                    self.state.refused(items, &failure.reason);
                    return Ok(Fate::Settled);
                }
                Retry::After(asked) => asked,
                Retry::Later => self.jitter.around(self.wait),
            };
            self.state.down(&failure.reason);
            self.wait = (self.wait * 2).min(LONGEST);
            let now = Instant::now();
            // As it was before the attempt: an end asked for meanwhile cuts the pause short, as one asked for during it does.
            let ending = left.is_some();
            match self.ending.left() {
                Some(left) if ending && (last_attempts >= LAST_ATTEMPTS || pause >= left) => {
                    // What waits behind this request would meet the same collector.
                    self.hopeless = true;
                    return Ok(Fate::Unsent);
                }
                // It would be too late after the pause.
                None if now + pause > given_up => {
                    self.hold = Some(now + pause);
                    self.state.fail(items);
                    return Ok(Fate::Settled);
                }
                _ => self.ending.pause(pause, ending),
            }
        }
    }
}

/// Spreads retries: the services of a system that lost their collector together should not return together.
struct Jitter(u64);

impl Jitter {
    fn new() -> Self {
        // The random half of a UUIDv7; never 0, where xorshift would stay.
        Self(uuid::Uuid::now_v7().as_u64_pair().1 | 1)
    }

    /// Between half of `wait` and one and a half of it.
    fn around(&mut self, wait: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        wait.mul_f64(0.5 + (self.0 % 1024) as f64 / 1024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use crate::export::Client;
    use crate::settings::OtlpTarget;

    /// Asks for the end while the first attempt is under way, asks for a long pause in its answer, and takes the second one.
    fn end_amid_an_attempt(listener: &TcpListener, ending: &Ending, until: Instant) {
        for answer in ["503 Service Unavailable\r\nretry-after: 3600", "200 OK"] {
            let mut stream = listener.accept().unwrap().0;
            let mut request = Vec::new();
            while !request.ends_with(b"spans") {
                let mut part = [0; 1024];
                let read = stream.read(&mut part).unwrap();
                assert!(read > 0, "the request breaks off");
                request.extend_from_slice(&part[..read]);
            }
            ending.begin(until);
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    }

    const FORMAT: (Read, Halve) = (crate::export::answer::spans, crate::export::halves::spans);

    #[test]
    fn end_that_comes_amid_an_attempt_is_given_another_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = OtlpTarget {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            headers: Vec::new(),
            timeout: Duration::from_secs(20),
            gzip: false,
        };
        let delivery = Delivery::new(Client::default(), &target).unwrap();
        let state = Arc::new(ExportState::new("traces", "span", &target.endpoint));
        let (ending, until) = (Arc::new(Ending::default()), Instant::now() + Duration::from_secs(20));
        let mut courier = Courier::new(delivery, Arc::clone(&state), Arc::clone(&ending), FORMAT);
        std::thread::scope(|scope| {
            scope.spawn(|| end_amid_an_attempt(&listener, &ending, until));
            assert_eq!(courier.deliver(b"spans".to_vec(), 3), Fate::Settled);
        });
        assert_eq!((state.outcome().exported, Instant::now() < until), (3, true));
    }

    #[test]
    fn jitter_stays_around_the_wait_and_varies() {
        let mut jitter = Jitter::new();
        let waits: Vec<Duration> = (0..100).map(|_| jitter.around(Duration::from_secs(2))).collect();
        assert!(waits.iter().all(|wait| (Duration::from_secs(1)..Duration::from_secs(3)).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
