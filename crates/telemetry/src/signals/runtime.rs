//! The tokio runtime: how busy its workers are and how much work waits for them.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use opentelemetry::metrics::Meter;
use tokio::runtime::{Handle, RuntimeMetrics};

use super::sampler::Samples;
use super::window::Window;

/// The runtime that serves; the first that is seen.
static RUNTIME: OnceLock<RuntimeMetrics> = OnceLock::new();

/// Remembers the runtime of the calling thread, unless one is known already.
pub(crate) fn watch_current() {
    if RUNTIME.get().is_none()
        && let Ok(handle) = Handle::try_current()
    {
        let _ = RUNTIME.set(handle.metrics());
    }
}

pub(super) fn watched() -> Option<&'static RuntimeMetrics> {
    RUNTIME.get()
}

/// What a runtime tells at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    workers: usize,
    busy: Duration,
    queued: usize,
}

pub(super) fn look(runtime: &RuntimeMetrics) -> Look {
    let workers = runtime.num_workers();
    let busy = (0..workers).map(|worker| runtime.worker_total_busy_duration(worker)).sum();
    Look { workers, busy, queued: runtime.global_queue_depth() }
}

#[derive(Debug, Default)]
pub(super) struct RuntimeSamples {
    last: Option<(Instant, Look)>,
    /// Between the last two samples.
    utilization: Option<f64>,
    utilization_peak: Window,
    queued_peak: Window,
}

impl RuntimeSamples {
    pub(super) fn add(&mut self, now: Instant, look: Look) {
        if let Some((before, last)) = self.last.replace((now, look)) {
            let time = (now - before).as_secs_f64() * look.workers as f64;
            if time > 0.0 {
                let share = (look.busy.saturating_sub(last.busy).as_secs_f64() / time).clamp(0.0, 1.0);
                self.utilization = Some(share);
                self.utilization_peak.add(share);
            }
        }
        self.queued_peak.add(look.queued as f64);
    }
}

pub(super) fn observe(meter: &Meter, samples: &Samples) {
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
    let sampled =
        |name: &'static str, unit: &'static str, what: &'static str, read: fn(&RuntimeSamples) -> Option<f64>| {
            let samples = samples.clone();
            meter
                .f64_observable_gauge(name)
                .with_unit(unit)
                .with_description(what)
                .with_callback(move |observer| {
                    if let Some(value) = read(&samples.latest().runtime) {
                        observer.observe(value, &[]);
                    }
                })
                .build();
        };
    sampled("app.tokio.worker.utilization", "1", "Share of the last second the workers were busy", |samples| {
        samples.utilization
    });
    sampled(
        "app.tokio.worker.utilization.max",
        "1",
        "Share of the busiest second of the last minute the workers were busy",
        |samples| samples.utilization_peak.max(),
    );
    sampled(
        "app.tokio.global_queue.depth.max",
        "{task}",
        "Most tasks that waited for any worker, of the samples of the last minute",
        |samples| samples.queued_peak.max(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utilization_is_of_the_last_interval_and_its_peak_stays() {
        let mut samples = RuntimeSamples::default();
        let started = Instant::now();
        for (second, busy, queued) in [(0, 0, 0), (1, 2, 7), (2, 2, 0)] {
            let look = Look { workers: 2, busy: Duration::from_secs(busy), queued };
            samples.add(started + Duration::from_secs(second), look);
        }
        assert_eq!((samples.utilization, samples.utilization_peak.max()), (Some(0.0), Some(1.0)));
        assert_eq!(samples.queued_peak.max(), Some(7.0));
    }
}
