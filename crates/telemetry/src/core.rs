//! The one thing every part of this crate asks at run time: the tracer, the instruments and the thresholds in force.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::admin::Build;
use crate::http::{ActiveRequests, Routes};
use crate::logs::Logs;
use crate::metrics::{Instruments, Scrape};
use crate::settings::Sampling;
use crate::trace::{OperationTracer, Sampler};

/// Instrumentation scope of everything this crate emits itself.
pub(crate) const SCOPE: &str = "telemetry";

/// Installed once by [`crate::init`]; read without locking afterwards.
static CORE: OnceLock<Core> = OnceLock::new();

/// Used until then, so that a service that forgot to initialise still propagates ids and never fails.
static FALLBACK: OnceLock<Core> = OnceLock::new();

pub(crate) struct Core {
    pub(crate) tracer: OperationTracer,
    pub(crate) meter: Meter,
    pub(crate) instruments: Instruments,
    pub(crate) active_requests: Arc<ActiveRequests>,
    pub(crate) routes: Routes,
    pub(crate) scrape: Option<Scrape>,
    pub(crate) logs: Option<Logs>,
    pub(crate) build: Option<Build>,
    pub(crate) slow_server: Duration,
    pub(crate) slow_client: Duration,
    pub(crate) baggage: Vec<String>,
    pub(crate) internal_hosts: Vec<String>,
    pub(crate) access_log: bool,
}

impl Core {
    pub(crate) fn new(tracer: OperationTracer, meters: &SdkMeterProvider) -> Self {
        let own = meters.meter(SCOPE);
        let meter = crate::metrics::guarded(own.clone());
        Self {
            tracer,
            instruments: Instruments::new(&meter),
            active_requests: ActiveRequests::observed(&own),
            routes: Routes::default(),
            meter,
            scrape: None,
            logs: None,
            build: None,
            slow_server: crate::settings::SLOW_SERVER,
            slow_client: crate::settings::SLOW_CLIENT,
            baggage: Vec::new(),
            internal_hosts: Vec::new(),
            access_log: true,
        }
    }

    /// Whether a baggage entry may come in from, or go out to, another process.
    pub(crate) fn allows_baggage(&self, key: &str) -> bool {
        self.baggage.iter().any(|allowed| allowed == key)
    }
}

/// Installs `core` for the rest of the process; gives it back when there is one already.
pub(crate) fn install(core: Core) -> Result<(), Box<Core>> {
    CORE.set(core).map_err(Box::new)
}

/// Whether [`install`] has succeeded.
pub(crate) fn installed() -> bool {
    CORE.get().is_some()
}

pub(crate) fn core() -> &'static Core {
    CORE.get().unwrap_or_else(|| {
        FALLBACK.get_or_init(|| {
            let sampler = Arc::new(Sampler::new(Sampling::Never, None));
            Core::new(OperationTracer::new(sampler, None, false), &SdkMeterProvider::builder().build())
        })
    })
}
