//! The tokio runtime: how busy its workers are and how much work waits for them.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry::metrics::Meter;
use tokio::runtime::{Handle, RuntimeMetrics};

/// The runtime that serves; the first that is seen.
static RUNTIME: OnceLock<RuntimeMetrics> = OnceLock::new();

/// Shorter windows would say more about the reader than about the runtime.
const WINDOW: Duration = Duration::from_millis(500);

/// Remembers the runtime of the calling thread, unless one is known already.
pub(crate) fn watch_current() {
    if RUNTIME.get().is_none()
        && let Ok(handle) = Handle::try_current()
    {
        let _ = RUNTIME.set(handle.metrics());
    }
}

pub(super) fn observe(meter: &Meter) {
    let gauge = |name: &'static str, unit: &'static str, what: &'static str, read: fn(&RuntimeMetrics) -> usize| {
        meter
            .u64_observable_gauge(name)
            .with_unit(unit)
            .with_description(what)
            .with_callback(move |observer| {
                if let Some(runtime) = RUNTIME.get() {
                    observer.observe(read(runtime) as u64, &[]);
                }
            })
            .build();
    };
    gauge("app.tokio.workers", "{thread}", "Worker threads of the runtime", RuntimeMetrics::num_workers);
    gauge("app.tokio.tasks", "{task}", "Tasks that are alive", RuntimeMetrics::num_alive_tasks);
    gauge(
        "app.tokio.global_queue.depth",
        "{task}",
        "Tasks that wait for any worker: above 0 for long means saturation",
        RuntimeMetrics::global_queue_depth,
    );
    let utilization = Utilization::default();
    meter
        .f64_observable_gauge("app.tokio.worker.utilization")
        .with_unit("1")
        .with_description("Share of their time the workers were busy")
        .with_callback(move |observer| {
            if let Some(share) = RUNTIME.get().and_then(|runtime| utilization.read(runtime)) {
                observer.observe(share, &[]);
            }
        })
        .build();
}

/// Busy time between two looks, shared by all readers.
#[derive(Default)]
struct Utilization(Mutex<Option<Look>>);

#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    busy: Duration,
    share: Option<f64>,
}

impl Utilization {
    fn read(&self, runtime: &RuntimeMetrics) -> Option<f64> {
        let mut last = self.0.lock().ok()?;
        let now = Instant::now();
        let workers = runtime.num_workers();
        if let Some(last) = *last
            && now - last.at < WINDOW
        {
            return last.share;
        }
        let busy: Duration = (0..workers).map(|worker| runtime.worker_total_busy_duration(worker)).sum();
        let share = last.map(|last| {
            let time = (now - last.at).as_secs_f64() * workers as f64;
            (busy.saturating_sub(last.busy).as_secs_f64() / time).clamp(0.0, 1.0)
        });
        *last = Some(Look { at: now, busy, share });
        share
    }
}
