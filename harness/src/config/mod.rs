//! The configuration of a system: what `shakedown.toml` says ([`schema`]), read as a document and judged as a whole, so
//! that every mistake in it is reported, with its place, before any process starts.

mod backend;
mod check;
mod document;
mod error;
mod parse;
pub mod placeholder;
mod profile;
pub mod schema;
#[cfg(test)]
mod tests;
mod units;

pub use backend::{Backend, BackendKind, RunningServer};
pub use error::{ConfigErrors, Problem};
pub use schema::*;
pub use units::{UnitError, parse_duration, parse_rate, parse_size};
