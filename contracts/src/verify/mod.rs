//! Replay of pacts on a running provider.
//!
//! For each interaction the provider is put into its states, the request is sent (or the message asked for) in a fresh
//! trace, the answer is compared by the pact's own matching rules, and the states are torn down. Each interaction gets
//! its own verdict with the JSON path of every mismatch; a state hook that fails, a provider that hangs or dies, costs
//! the interactions it touches and is named.
//!
//! With [`Options::shuffle`] and [`Options::repeat`] interactions are replayed several times in several orders, which
//! shows those that hold by chance and those that only fail after another one.

mod attempt;
mod exchange;
mod http;
mod judge;
mod leak;
mod message;
mod mismatch;
mod nesting;
mod order;
mod provider;
mod replay;
mod rounds;
mod states;

pub(crate) use http::judged as response_judged;
pub(crate) use message::judged as message_judged;
pub use mismatch::{Mismatch, Part};
pub use provider::{Filter, Options, Provider};
pub use replay::verify;
