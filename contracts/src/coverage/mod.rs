//! What of the providers' documents the recorded pacts cover, and whether pacts and documents fit each other.
//!
//! An operation is covered when some consumer's pact has an interaction with it, an event when some consumer's pact has
//! its message. Nothing is started: pacts and documents are read, so this is the cheapest of all checks, and finds a
//! consumer that expects what no document promises before any provider has to run.

mod bind;
mod check;
mod exchange;
mod measure;
mod model;
mod problem;
mod promises;
mod text;

pub use measure::measure;
pub use model::{ConsumerCoverage, Coverage, ProviderCoverage, Share};
pub use problem::Problem;
pub use promises::Promises;

pub(crate) use bind::{Bound, bind};
pub(crate) use exchange::Talk;
