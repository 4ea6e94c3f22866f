//! Typed clients of the services behind the gateway, one module for each.
//!
//! ```no_run
//! use gateway::clients::{GigClient, Service};
//! use platform::Caller;
//! use platform::token::InternalTokens;
//!
//! # async fn read() -> Result<(), gateway::clients::CallError> {
//! let http = telemetry::http::Client::new(reqwest::Client::new());
//! let tokens = InternalTokens::new("a secret of at least 32 characters");
//! let gigs = GigClient::new(Service::new("gig", "http://127.0.0.1:8080", http, tokens));
//! let gig = gigs.gig("0198c2a4", &Caller::anonymous()).await?;
//! assert!(gig.price > 0);
//! # Ok(()) }
//! ```

pub mod auth;
pub mod chat;
mod error;
pub mod gig;
pub mod order;
pub mod review;
mod service;
pub mod users;

pub use auth::AuthClient;
pub use chat::ChatClient;
pub use error::{CallError, GatewayError, Problem};
pub use gig::GigClient;
pub use order::OrderClient;
pub use review::ReviewClient;
pub use service::{Call, Patience, Service};
pub use users::UsersClient;
