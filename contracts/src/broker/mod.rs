//! The contract broker: who published which pact, who verified it, and what is deployed where.
//!
//! [`Store`] keeps it in SQLite or PostgreSQL, by content: a pact is the hash of its canonical form, so a verification
//! holds for every version that expects the same. Nothing that was published changes: publishing something else under
//! the same version is refused, because whoever verified the first would be taken to have verified the second.
//! [`router`] serves it over HTTP, [`Client`] asks such a server, and [`Broker`] is either of the two.

mod address;
mod client;
mod error;
mod findings;
mod http;
mod open;
mod pending;
mod store;
mod webhooks;

pub use client::Client;
pub use error::BrokerError;
pub use findings::{Finding, Withheld, findings};
pub use http::{Access, Credential, Rights, router, router_with_webhooks};
pub use open::{Announced, Answer, Broker, Given};
pub use pending::{forgive, forgive_all};
pub use store::{
    DeliveryState, Environment, ForVerification, HookDelivery, Marks, Occasion, PactToVerify, Pacticipant, Placement,
    PlacementKind, Publication, Published, Question, Selector, Store, StoredPact, StoredVerification, Verification,
    Webhook, Which,
};
pub use webhooks::{Courier, HookEvent, HookRequest, Hosts, Pace};
