//! A run, in order: contracts, journeys, load, telemetry, chaos, and the result that all of them fill.

mod brokered;
mod chaos;
mod contracts;
mod drift;
mod evidence;
mod journeys;
mod load;
mod prepare;
mod relay;
mod run;
mod run_dir;
mod session;
mod setup;
mod telemetry;
mod traces;
mod verdict;

pub use brokered::{Brokered, ProviderVersion};
pub use contracts::record;
pub use prepare::{Plan, Replays, Wanted};
pub use run::{Surroundings, run, up};
pub use run_dir::{RunDir, RunDirError};
