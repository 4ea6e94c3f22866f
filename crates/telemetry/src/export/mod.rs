//! Export over OTLP: HTTP with protobuf, one thread per signal, bounded in memory and time, counted, and quiet about itself.
//!
//! A request only pushes onto a [`Queue`]; converting, redacting, encoding and sending happen on the signal's own thread. See
//! docs/adr/0011 for why this is not the SDK's.

mod answer;
mod delivery;
mod encode;
mod ending;
mod halves;
mod measure;
mod points;
mod push;
mod queue;
mod retry;
mod signal;
mod sink;
mod start;
mod state;
mod worker;

pub(crate) use delivery::Client;
pub(crate) use measure::observe;
pub(crate) use queue::Queue;
pub(crate) use signal::Signal;
pub(crate) use start::{check, metrics, records, spans};
pub(crate) use state::{ExportState, Outcome};

use delivery::Delivery;
