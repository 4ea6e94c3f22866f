//! Contracts between services: recorded by the consumers' own tests, replayed on the real providers.
//!
//! A *pact* holds what one consumer expects of one provider, as interactions: a request and its response, or a message.
//! [`consumer`] records them while the consumer's real client or handler code runs; [`store`] reads them and tells
//! recorded from committed ones apart; [`verify`] replays them on a running provider; [`matrix`] and [`result`] say in
//! one place who works with whom; [`live`] holds them against a system that runs. Pact's file format and matching rules are used as they are (`pact_models`,
//! `pact_matching`), so that pacts written by any other Pact library can be verified.
//!
//! The replay is our own because the official verifier passes when a filter matches nothing, skips states that have no
//! hook, keeps example values when a state returns nothing for them, and writes to standard output. Here nothing
//! verified is a failure.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use contracts::verify::{Options, Provider, verify};
//!
//! let pacts = contracts::store::load_dir("contracts/pacts".as_ref())?;
//! let provider = Provider::new("order", "http://127.0.0.1:4100".parse()?);
//! let result = verify(&provider, &pacts, &Options::default(), |done| eprintln!("{done}")).await;
//! assert_eq!(result.verified, result.expected);
//! # Ok(()) }
//! ```

pub mod broker;
pub mod consumer;
pub mod coverage;
pub mod diff;
pub mod document;
pub mod drift;
pub mod error;
pub mod gate;
pub mod live;
pub mod matrix;
pub mod result;
pub mod store;
pub mod verify;

mod canonical;
mod file;
mod rules;
mod version;

pub use error::Error;
