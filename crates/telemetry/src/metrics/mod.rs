//! Metrics: a meter for the application, and what is measured without being asked.
//!
//! The latency of successes and that of failures are told apart by `error.type`: a duration that has it ended in that error,
//! one without it succeeded. So a quick failure never makes a slow service look fast:
//!
//! ```promql
//! histogram_quantile(0.99, sum by (le) (rate(http_server_request_duration_seconds_bucket{error_type=""}[5m])))
//! ```
//!
//! Pools and queues of the application are watched with [`saturation`].

use opentelemetry::metrics::Meter;

pub(crate) mod asking;
mod attributes;
mod classic;
pub(crate) mod exemplars;
mod exposition;
mod guarded;
mod histogram;
mod instruments;
mod labels;
mod limits;
mod prometheus;
pub mod saturation;
mod scrape;

pub use exposition::exposition;
pub use histogram::{BoundHistogram, Histogram, HistogramBuilder, histogram};

pub(crate) use attributes::with_attributes;
pub(crate) use guarded::{GuardedMeters, guarded};
pub(crate) use instruments::{DURATION_BOUNDS, Instruments};
pub(crate) use limits::limits;
pub(crate) use scrape::Scrape;

/// The meter for the application's own instruments.
///
/// Take it after [`crate::init`]: what is made before measures nothing.
///
/// ```
/// let orders = telemetry::metrics::meter().u64_counter("app.orders.created").with_unit("{order}").build();
/// orders.add(1, &[]);
/// ```
#[must_use]
pub fn meter() -> Meter {
    crate::core::core().meter.clone()
}

/// Bucket bounds for durations in seconds, as the semantic conventions recommend them.
#[must_use]
pub fn duration_bounds() -> Vec<f64> {
    DURATION_BOUNDS.into()
}

/// All metrics of this process in Prometheus' text format; empty before [`crate::init`].
///
/// [`exposition`] lets a scraper choose.
#[must_use]
pub fn prometheus() -> String {
    exposition(None).1
}
