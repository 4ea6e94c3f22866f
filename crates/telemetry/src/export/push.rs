//! The thread that pushes metrics: everything measured so far, once per interval and once more at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use prost::Message;

use super::answer;
use super::ending::{Done, Ending};
use super::halves;
use super::retry::{Courier, Fate};
use super::{Delivery, ExportState, Signal, points};
use crate::metrics::Scrape;

/// More often than this, collecting would show in what it measures.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

struct Pusher {
    state: Arc<ExportState>,
    ending: Arc<Ending>,
    /// Points of all pushes, that under way included.
    offered: Arc<AtomicU64>,
}

/// Starts to push what `scrape` collects.
pub(super) fn push_metrics(
    delivery: Delivery,
    state: ExportState,
    interval: Duration,
    scrape: Scrape,
) -> std::io::Result<Arc<dyn Signal>> {
    let interval = interval.max(SHORTEST_INTERVAL);
    let (state, ending, offered) = (Arc::new(state), Arc::new(Ending::default()), Arc::new(AtomicU64::new(0)));
    let courier = Courier::new(delivery, Arc::clone(&state), Arc::clone(&ending), (answer::points, halves::metrics))
        .patience(interval);
    let pusher = Pusher { state, ending, offered: Arc::clone(&offered) };
    let run = move || run(courier, interval, &scrape, &offered);
    thread::Builder::new().name("telemetry-metrics".into()).spawn(run)?;
    Ok(Arc::new(pusher))
}

fn run(mut courier: Courier, interval: Duration, scrape: &Scrape, offered: &AtomicU64) {
    let ending = Arc::clone(&courier.ending);
    let _done = Done(&ending);
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    let mut next = Instant::now() + interval;
    loop {
        // A push that took longer than the interval is followed by the next one in step, not by two.
        let now = Instant::now();
        while next <= now {
            next += interval;
        }
        ending.pause(next - now, false);
        let last = ending.left().is_some();
        let request = points::request(&scrape.collect());
        let points = points::count(&request);
        if points > 0 {
            offered.fetch_add(points, Ordering::Relaxed);
            if courier.deliver(request.encode_to_vec(), points) == Fate::Unsent {
                return;
            }
        }
        if last {
            return;
        }
    }
}

impl Signal for Pusher {
    fn state(&self) -> &ExportState {
        &self.state
    }

    fn offered(&self) -> u64 {
        self.offered.load(Ordering::Relaxed)
    }

    fn processed(&self) -> u64 {
        self.offered()
    }

    fn capacity(&self) -> Option<u64> {
        None
    }

    fn end(&self, until: Instant) {
        self.ending.begin(until);
    }

    fn ended(&self, until: Instant) -> bool {
        self.ending.ended(until)
    }
}
