//! Runs the system: builds it, starts every service as a process of its own, knows when each is ready, connects them by
//! fault-proxy links, stops them, and leaves nothing behind, however the harness itself ends.
//!
//! [`RunningSystem::start`] is the way in; what scenarios need of it is behind [`chaos::System`].

mod assemble;
mod backends;
mod broker;
pub mod build;
mod components;
mod container;
mod environment;
mod links;
mod logs;
mod ports;
mod process;
mod reach;
mod readiness;
mod rest;
mod service;
mod spaces;
mod start;
mod stop;
mod sweep;
mod system;
mod target;
mod topology;
mod undo;
pub mod watchdog;

pub use broker::{BrokerApi, BrokerApiError, QueueState, QueuedMessage};
pub use build::BuildError;
pub(crate) use container::obstacle as engine_obstacle;
pub use links::LinkError;
pub use ports::{PortError, Ports, Reserved};
pub use process::{Exit, SpawnError};
pub use service::{Instance, ServiceError, UnexpectedExit};
pub use start::{StartError, StartOptions};
pub use stop::{Ending, StopReport, Stopped};
pub use system::RunningSystem;
pub use target::{obstacle, targets};
pub(crate) use topology::LISTENING;
pub use watchdog::Watchdog;

/// Variable that every process of a run carries.
pub const RUN_ID_VARIABLE: &str = "SHAKEDOWN_RUN_ID";
/// Variable that sets the processes of one system apart from those of another in the same run.
pub const INSTANCE_VARIABLE: &str = "SHAKEDOWN_INSTANCE";

/// The program that runs, as far as the system tells. Asked once, at the start: a build that replaces the file under the
/// running program leaves the system with the name of a file that is gone.
pub(crate) fn own_program() -> &'static std::path::Path {
    static PROGRAM: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    PROGRAM.get_or_init(|| std::env::current_exe().unwrap_or_else(|_| std::path::PathBuf::from("shakedown")))
}
