//! Export over OTLP: bounded, counted, and quiet about itself.

mod admission;
mod counted;
mod otlp;
mod state;

pub(crate) use admission::Admission;
pub(crate) use counted::Counted;
pub(crate) use otlp::{metric_exporter, span_exporter};
pub(crate) use state::ExportState;
