//! What a service promises, as documents made from its code: OpenAPI 3.1 of its routes, AsyncAPI 3 of its events.
//!
//! Routes are registered with [`routes!`] on an [`OpenApiRouter`], which takes a handler together with its
//! `#[utoipa::path]`: a route without a document does not compile. What all routes of a server have in common (tokens,
//! limits, the body of errors, health) is written down here once, not beside each of them.

mod asyncapi;
mod openapi;
mod responses;

pub use asyncapi::Events;
pub use openapi::{gateway, service};
pub use utoipa_axum::router::OpenApiRouter;
pub use utoipa_axum::routes;

/// A document, as JSON.
pub type Document = serde_json::Value;

/// Version of the documents: that of the interface in its paths, not of the code behind.
const VERSION: &str = "1.0.0";
