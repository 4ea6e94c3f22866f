//! How many requests are being handled: counted without attributes, turned into measurements when somebody looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::names::{METHODS, MethodName};

#[derive(Debug, Default)]
pub(crate) struct ActiveRequests([[Count; SCHEMES.len()]; METHODS.len()]);

/// Two counters instead of one that goes up and down, so that what never happened is not reported.
#[derive(Debug, Default)]
struct Count {
    started: AtomicU64,
    ended: AtomicU64,
}

const SCHEMES: [&str; 2] = ["http", "https"];

impl ActiveRequests {
    /// Registers `http.server.active_requests`.
    pub(crate) fn observed(meter: &Meter) -> Arc<Self> {
        let active = Arc::<Self>::default();
        let counts = Arc::clone(&active);
        meter
            .i64_observable_up_down_counter("http.server.active_requests")
            .with_unit("{request}")
            .with_description("Requests being handled")
            .with_callback(move |observer| {
                for (method, schemes) in METHODS.iter().zip(&counts.0) {
                    for (scheme, count) in SCHEMES.iter().zip(schemes) {
                        // Read in this order, a request that starts and ends meanwhile does not count below zero.
                        let ended = count.ended.load(Ordering::Acquire);
                        let started = count.started.load(Ordering::Acquire);
                        if started > 0 {
                            let attributes =
                                [KeyValue::new("http.request.method", *method), KeyValue::new("url.scheme", *scheme)];
                            observer.observe(i64::try_from(started - ended).unwrap_or(i64::MAX), &attributes);
                        }
                    }
                }
            })
            .build();
        active
    }

    pub(super) fn start(&self, method: MethodName, https: bool) {
        self.0[method.index()][usize::from(https)].started.fetch_add(1, Ordering::Release);
    }

    pub(super) fn end(&self, method: MethodName, https: bool) {
        self.0[method.index()][usize::from(https)].ended.fetch_add(1, Ordering::Release);
    }
}
