//! What a running system says on the wire, for the contracts to be held against: messages that it publishes to its
//! broker, answers that the harness's own clients get, calls between services as their traces show them.
//!
//! Links between services forward bytes without looking into them, so bodies of internal calls are not seen here: those
//! are what the replay of contracts is for.

mod calls;
mod ear;
mod listener;
mod message;

pub(crate) use calls::calls;
pub(crate) use ear::{Ear, Heard};
pub(crate) use listener::Listener;
