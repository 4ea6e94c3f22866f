//! What the broker knows, in SQLite or PostgreSQL.

mod content;
mod environments;
mod open;
mod pacts;
mod placements;
mod question;
mod reach;
mod removal;
mod selectors;
mod verifications;
mod versions;
mod webhooks;

pub use environments::Environment;
pub use open::Store;
pub use pacts::{Publication, Published, StoredPact};
pub use placements::{Placement, PlacementKind};
pub use question::{Question, Which};
pub use selectors::{ForVerification, PactToVerify, Selector};
pub use verifications::{StoredVerification, Verification};
pub use versions::{Marks, Pacticipant};
pub use webhooks::{DeliveryState, HookDelivery, Occasion, Webhook};

pub(super) use content::{Content, interactions};
pub(super) use environments::unknown;
pub(super) use open::Tx;

/// Now, in the form that is stored: RFC 3339 in UTC, so that text order is time order.
pub(super) fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
