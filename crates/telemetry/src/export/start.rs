//! Starts what the configuration asks to export; a signal without an endpoint costs nothing.

use std::sync::Arc;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_sdk::Resource;

use super::worker::{Started, export_records, export_spans};
use super::{Client, Delivery, ExportState, Signal, push};
use crate::init::InitError;
use crate::metrics::Scrape;
use crate::settings::{Config, OtlpSignal};
use crate::trace::Finished;

/// Whether everything that is to be exported can be; starts nothing.
pub(crate) fn check(config: &Config) -> Result<(), InitError> {
    let mut targets = OtlpSignal::ALL.into_iter().filter_map(|signal| config.target(signal));
    targets.try_for_each(|target| Delivery::new(Client::default(), &target).map(drop))
}

/// Spans: whatever can become one on the export thread is pushed.
pub(crate) fn spans(
    config: &Config,
    client: &Client,
    resource: &Resource,
) -> Result<Option<Started<Finished>>, InitError> {
    let Some(target) = config.target(OtlpSignal::Traces) else { return Ok(None) };
    let state = ExportState::new("traces", "span", &target.endpoint);
    let delivery = Delivery::new(client.clone(), &target)?;
    Ok(Some(export_spans(delivery, state, config.batching(), resource)?))
}

/// Log records, redacted before they are pushed.
pub(crate) fn records(
    config: &Config,
    client: &Client,
    resource: &Resource,
) -> Result<Option<Started<LogRecord>>, InitError> {
    let Some(target) = config.target(OtlpSignal::Logs) else { return Ok(None) };
    let state = ExportState::new("logs", "log", &target.endpoint);
    let delivery = Delivery::new(client.clone(), &target)?;
    Ok(Some(export_records(delivery, state, config.records, resource)?))
}

/// Metrics: everything that `scrape` collects.
pub(crate) fn metrics(config: &Config, client: &Client, scrape: Scrape) -> Result<Option<Arc<dyn Signal>>, InitError> {
    let Some(target) = config.target(OtlpSignal::Metrics) else { return Ok(None) };
    let state = ExportState::new("metrics", "metric_data_point", &target.endpoint);
    let delivery = Delivery::new(client.clone(), &target)?;
    Ok(Some(push::push_metrics(delivery, state, config.metric_interval, scrape)?))
}
