//! Who judges the invariants at rest.

use crate::invariants::InvariantResult;
use crate::system::BoxFuture;

/// Observes the system at rest and judges its invariants. Implemented by whoever can read the system's tables.
pub trait Judge: Send + Sync {
    /// Names of all invariants there are.
    fn names(&self) -> Vec<String>;

    /// Judges the invariants of these names, or all of them, for the scenario `scope`. An invariant that cannot be
    /// observed is invalid, with the reason as its sentence.
    fn judge<'a>(&'a self, scope: &'a str, only: Option<&'a [String]>) -> BoxFuture<'a, Vec<InvariantResult>>;
}
