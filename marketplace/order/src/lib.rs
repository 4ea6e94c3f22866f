//! Orders: from a payment intent to a completed or cancelled order.
//!
//! An order is an append-only timeline of facts ([`domain`]); its state is their fold. The payment is captured exactly once
//! when the order is created and refunded exactly once when it is cancelled: what the provider must be told is written
//! with the fact that demands it ([`settlement`]), and told again under the same idempotency key until it has answered, also
//! after this process died in between.

mod app;
pub mod contract;
pub mod domain;
pub mod events;
mod fold;
mod notifications;
mod orders;
mod payments;
mod place;
mod reviews;
mod routes;
pub mod settlement;
mod store;

pub use app::app;
pub use routes::openapi;
