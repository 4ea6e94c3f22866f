//! Replay of pacts on a running provider.
//!
//! For each interaction the provider is put into its states, the request is sent (or the message asked for) in a fresh
//! trace, the answer is compared by the pact's own matching rules, and the states are torn down. Each interaction gets
//! its own verdict with the JSON path of every mismatch; a state hook that fails, a provider that hangs or dies, costs
//! the interactions it touches and is named.

mod exchange;
mod http;
mod judge;
mod message;
mod mismatch;
mod nesting;
mod provider;
mod replay;
mod states;

pub use mismatch::{Mismatch, Part};
pub use provider::{Filter, Options, Provider};
pub use replay::verify;
