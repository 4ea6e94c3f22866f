//! The one reader of the instruments, asked by scrapers and by the pusher: a second would double the cost of each measurement.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Pipeline, Temporality};

use super::asking;

/// Shared: the meter provider owns one handle, whoever scrapes another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scrape(Arc<ManualReader>);

impl Scrape {
    /// Everything measured so far; empty after shutdown.
    pub(crate) fn collect(&self) -> ResourceMetrics {
        asking::refresh();
        let mut metrics = ResourceMetrics::default();
        if self.0.collect(&mut metrics).is_err() {
            return ResourceMetrics::default();
        }
        metrics
    }
}

impl MetricReader for Scrape {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
