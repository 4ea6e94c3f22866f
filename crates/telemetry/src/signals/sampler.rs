//! Looks at the process, its runtime and its pools once a second, whether anybody scrapes or not.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::process::{self, ProcessSamples};
use super::runtime::{self, RuntimeSamples};
use crate::metrics::saturation;

/// Often enough to see what lasts for seconds, seldom enough to cost nothing.
const PERIOD: Duration = Duration::from_secs(1);

/// What was seen last, shared with the callbacks that report it.
#[derive(Debug, Clone, Default)]
pub(super) struct Samples(Arc<Mutex<Latest>>);

#[derive(Debug, Default)]
pub(super) struct Latest {
    pub(super) process: ProcessSamples,
    pub(super) runtime: RuntimeSamples,
}

/// Takes the first sample and starts the thread that takes the others. It ends with the process: nothing it does needs an end.
pub(super) fn start() -> io::Result<Samples> {
    let samples = Samples::default();
    samples.take(Instant::now());
    let taking = samples.clone();
    thread::Builder::new().name("telemetry-sampler".into()).spawn(move || {
        loop {
            thread::sleep(PERIOD);
            taking.take(Instant::now());
        }
    })?;
    Ok(samples)
}

impl Samples {
    pub(super) fn latest(&self) -> MutexGuard<'_, Latest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, now: Instant) {
        // Before the lock: reading files takes its time.
        let usage = process::read();
        {
            let mut latest = self.latest();
            if let Some(usage) = usage {
                latest.process.add(now, usage);
            }
            if let Some(runtime) = runtime::watched() {
                latest.runtime.add(now, runtime::look(runtime));
            }
        }
        saturation::sample();
    }
}
