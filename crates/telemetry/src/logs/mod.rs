//! Log lines: one per event, with the ids of the operation it belongs to, written without ever blocking the caller.

use std::time::Duration;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, reload};

mod encode;
mod fields;
mod filter;
mod layer;
mod panic;
mod timestamp;
mod writer;

pub(crate) use filter::InvalidFilter;
pub(crate) use layer::Service;
pub(crate) use panic::install_hook;
pub(crate) use writer::{Sink, Writer};

use crate::settings::LogFormat;

/// The handle of what [`subscriber`] made.
#[derive(Clone)]
pub(crate) struct Logs {
    pub(crate) writer: Writer,
    filter: reload::Handle<EnvFilter, Registry>,
}

/// A subscriber that writes to `writer` what passes `filter`.
///
/// The filter belongs to this layer alone: whoever adds another layer is not cut by it.
pub(crate) fn subscriber(
    service: Service,
    format: LogFormat,
    directives: &str,
    writer: Writer,
) -> Result<(impl tracing::Subscriber + Send + Sync, Logs), InvalidFilter> {
    let (filter, handle) = reload::Layer::new(filter::parse(directives)?);
    let layer = layer::LogLayer::new(service, format, writer.clone()).with_filter(filter);
    Ok((Registry::default().with(layer), Logs { writer, filter: handle }))
}

impl Logs {
    /// Replaces the filter for the rest of the process.
    pub(crate) fn set_filter(&self, directives: &str) -> Result<(), InvalidFilter> {
        let filter = filter::parse(directives)?;
        self.filter.reload(filter).map_err(|error| InvalidFilter { reason: error.to_string() })
    }

    /// The filter in force.
    pub(crate) fn filter(&self) -> String {
        self.filter.with_current(ToString::to_string).unwrap_or_default()
    }

    /// Waits until every line so far is written; `false` when time ran out first.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        self.writer.flush(timeout)
    }
}
