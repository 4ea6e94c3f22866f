//! What the broker knows, in SQLite or PostgreSQL.

mod content;
mod environments;
mod open;
mod pacts;
mod placements;
mod question;
mod selectors;
mod verifications;
mod versions;

pub use environments::Environment;
pub use open::Store;
pub use pacts::{Publication, Published, StoredPact};
pub use placements::{Placement, PlacementKind};
pub use question::{Question, Which};
pub use selectors::{ForVerification, PactToVerify, Selector};
pub use verifications::{StoredVerification, Verification};
pub use versions::Pacticipant;

#[allow(unused_imports)]
pub(super) use content::interactions;
pub(super) use open::Tx;

/// Now, in the form that is stored: RFC 3339 in UTC, so that text order is time order.
fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
