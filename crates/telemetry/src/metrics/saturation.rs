//! How full pools and queues are: what is used of what there is, and how many wait for it.
//!
//! What is registered here is read once a second and whenever metrics are read. Each has the attribute `app.saturation.name`:
//!
//! | metric | meaning |
//! |---|---|
//! | `app.saturation.used` | taken now |
//! | `app.saturation.limit` | most that can be taken, where there is a limit |
//! | `app.saturation.waiting` | those who wait for it now |
//! | `app.saturation.used.max`, `app.saturation.waiting.max` | the most of the samples of the last minute |
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//! use telemetry::metrics::saturation::{self, Usage};
//! use tokio::sync::Semaphore;
//!
//! let permits = Arc::new(Semaphore::new(10));
//! let watched = Arc::clone(&permits);
//! let _watch = saturation::watch("checkout.permits", move || {
//!     Usage::used(10 - watched.available_permits() as u64).limit(10)
//! });
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::asking::{self, Ask, Turn};
use crate::signals::Window;

pub(super) const PREFIX: &str = "app.saturation.";

/// Pools and queues that are watched at a time; further ones are not.
pub(super) const MAX_WATCHED: usize = 256;

static WATCHED: RwLock<Vec<Arc<Watched>>> = RwLock::new(Vec::new());

/// How full something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    used: u64,
    limit: Option<u64>,
    waiting: u64,
}

/// Keeps a pool or queue watched; dropping it ends that.
#[must_use = "nothing is watched once this is dropped"]
pub struct Watch(Arc<Watched>);

struct Watched {
    name: String,
    read: Box<dyn Fn() -> Usage + Send + Sync>,
    panicked: AtomicBool,
    turn: Turn,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    last: Option<Usage>,
    used: Window,
    waiting: Window,
}

/// Watches the pool or queue `name` from now on; `read` is called once a second and whenever metrics
/// are read, on threads of its own.
///
/// A `read` that panics is not called again, and one that blocks holds up nobody: it shows nothing while it does. Two with one name are shown as the later one.
pub fn watch(name: impl Into<String>, read: impl Fn() -> Usage + Send + Sync + 'static) -> Watch {
    let watched = Arc::new(Watched {
        name: name.into(),
        read: Box::new(read),
        panicked: AtomicBool::new(false),
        turn: Turn::default(),
        seen: Mutex::default(),
    });
    let mut all = WATCHED.write().unwrap_or_else(PoisonError::into_inner);
    if all.len() < MAX_WATCHED {
        all.push(Arc::clone(&watched));
        asking::register(&(Arc::clone(&watched) as Arc<dyn Ask>));
    }
    drop(all);
    Watch(watched)
}

// === impl Usage ===

impl Usage {
    /// So many are taken: connections in use, items queued.
    #[must_use]
    pub fn used(used: u64) -> Self {
        Self { used, ..Self::default() }
    }

    /// At most so many can be taken.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// So many wait until one is free.
    #[must_use]
    pub fn waiting(mut self, waiting: u64) -> Self {
        self.waiting = waiting;
        self
    }
}

// === impl Watch ===

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Watch").field(&self.0.name).finish()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

// === impl Watched ===

impl Watched {
    /// What it says, unless somebody else is asking.
    fn read(&self) -> Option<Usage> {
        let _turn = self.turn.take()?;
        if self.panicked.load(Ordering::Relaxed) {
            return None;
        }
        let read = catch_unwind(AssertUnwindSafe(|| (self.read)())).ok();
        if read.is_none() {
            self.panicked.store(true, Ordering::Relaxed);
            tracing::error!(target: "telemetry::metrics", name = self.name, "reading a pool panicked: it is watched no more");
        }
        self.seen().last = read;
        read
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it said last, with the peaks.
    fn shown(&self) -> Option<(Usage, u64, u64)> {
        if self.turn.is_stuck() {
            return None;
        }
        let seen = self.seen();
        let last = seen.last?;
        let peak = |window: &Window, now: u64| window.max().map_or(now, |peak| now.max(peak as u64));
        Some((last, peak(&seen.used, last.used), peak(&seen.waiting, last.waiting)))
    }
}

impl Ask for Watched {
    fn ask(&self) {
        self.read();
    }
}

fn watched() -> Vec<Arc<Watched>> {
    WATCHED.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Once a second; whoever samples the process is not held up.
pub(crate) fn sample() {
    if !watched().is_empty() {
        asking::apart(take);
    }
}

fn take() {
    for watched in watched() {
        if let Some(usage) = watched.read() {
            let mut seen = watched.seen();
            seen.used.add(usage.used as f64);
            seen.waiting.add(usage.waiting as f64);
        }
    }
}

pub(crate) fn observe(meter: &Meter) {
    type Value = fn((Usage, u64, u64)) -> Option<u64>;
    let gauge = |name: &'static str, what: &'static str, value: Value| {
        meter
            .u64_observable_gauge(name)
            .with_description(what)
            .with_callback(move |observer| {
                for watched in watched() {
                    if let Some(value) = watched.shown().and_then(value) {
                        observer.observe(value, &[KeyValue::new("app.saturation.name", watched.name.clone())]);
                    }
                }
            })
            .build();
    };
    gauge("app.saturation.used", "Taken of a pool or queue", |(now, ..)| Some(now.used));
    gauge("app.saturation.limit", "Most that can be taken of a pool or queue", |(now, ..)| now.limit);
    gauge("app.saturation.waiting", "Those who wait for a pool or queue", |(now, ..)| Some(now.waiting));
    gauge("app.saturation.used.max", "Most taken of a pool or queue in the last minute", |(_, used, _)| Some(used));
    gauge("app.saturation.waiting.max", "Most who waited for a pool or queue in the last minute", |(.., waiting)| {
        Some(waiting)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scrape;
    use crate::metrics::exposition::Format;
    use crate::metrics::prometheus::render;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn pool_shows_its_use_and_the_peaks_between_two_looks_until_it_is_gone() {
        let scrape = Scrape::default();
        let provider = SdkMeterProvider::builder().with_reader(scrape.clone()).build();
        observe(&provider.meter("test"));
        let used = Arc::new(AtomicU64::new(9));
        let read = Arc::clone(&used);
        let pool = watch("pool", move || Usage::used(read.load(Ordering::Relaxed)).limit(10).waiting(2));
        let _bad = watch("bad pool", || panic!("no such pool"));
        take();
        used.store(1, Ordering::Relaxed);
        let shown = || {
            let page = render(&scrape.collect(), Format::Prometheus);
            let mut lines: Vec<String> =
                page.lines().filter(|line| line.contains("pool\"")).map(ToOwned::to_owned).collect();
            lines.sort_unstable();
            lines.join("\n")
        };
        insta::assert_snapshot!(shown(), @r#"
        app_saturation_limit{app_saturation_name="pool"} 10
        app_saturation_used_max{app_saturation_name="pool"} 9
        app_saturation_used{app_saturation_name="pool"} 1
        app_saturation_waiting_max{app_saturation_name="pool"} 2
        app_saturation_waiting{app_saturation_name="pool"} 2
        "#);
        drop(pool);
        assert_eq!(shown(), "");
    }
}
