//! Promises about data, judged at rest by pure checkers on observed tables.
//!
//! A checker never asks the system anything: it gets tables and returns a result with the smallest counter-example.
//! Each checker is one file, with the bugs planted in its tests that it must find.

mod at_most_once;
mod conserved;
mod each_once;
mod empty;
mod equal;
mod judge;
mod legal_path;
mod mean;
mod spec;
mod table;

pub use at_most_once::AtMostOnce;
pub use conserved::{Conserved, Term};
pub use each_once::EachOnce;
pub use empty::Empty;
pub use equal::Equal;
pub use judge::judge;
pub use legal_path::LegalPath;
pub use mean::Mean;
pub use spec::{Check, Columns, InvariantResult, InvariantSpec, NotOneCheck, Vacuous};
pub use table::{Row, Table, Tables};
