//! Load, faults and invariants for a system of services, and the engine that puts them together into a scenario:
//! a steady state is measured, a fault is injected and proves that it bit, the fault is undone, the steady state must
//! come back, and at rest every promise about the data must hold.
//!
//! The crate knows nothing about any particular system. Whoever runs a system implements three traits: [`System`]
//! (kill, stop and start services, reach links, tell when all is at rest), [`Workload`](load::Workload) (one iteration
//! of a user's journey) and [`Judge`] (the verdicts of the invariants on the observed tables).
//!
//! Existing tools did not serve: proxies that inject faults do not prove that these bit, load generators measure from the
//! actual instead of the intended start, and neither judges whether anything was lost.
//!
//! ```
//! use chaos::load::Threshold;
//! use chaos::quantity::{Duration, Rate};
//!
//! let delay: Duration = "250ms".parse().unwrap();
//! assert_eq!(std::time::Duration::from(delay).as_millis(), 250);
//! assert_eq!("40/s".parse::<Rate>().unwrap().per_second(), 40.0);
//! assert_eq!("buy.ok>=99.5 % over 10s".parse::<Threshold>().unwrap().to_string(), "buy.ok >= 99.5% over 10s");
//! ```

pub mod error;
pub mod events;
pub mod faults;

pub mod history;
pub mod invariants;
pub mod judge;
pub mod load;
pub mod proxy;
pub mod quantity;
pub mod scenario;
pub mod system;
pub mod undo;

pub mod verdict;

pub use error::{Problem, Problems};
pub use events::{Events, Quiet};
pub use history::{History, Operation, Outcome};
pub use judge::Judge;
pub use proxy::{Link, Upstream};
pub use system::{BoxFuture, System, SystemError, Targets, UnmetCondition};

pub use undo::{UndoAction, UndoJournal};
pub use verdict::{Finding, Verdict};
