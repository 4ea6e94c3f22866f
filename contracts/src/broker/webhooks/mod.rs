//! Webhooks: who is told, over HTTP, of what happens in the broker.
//!
//! What is to be told is written in the same transaction as what happened, by whoever writes it (the broker's server or a
//! command on its database), and delivered by the servers. Each delivery is bounded in time, tried again a limited number of
//! times, and its outcome is kept.
//!
//! Whoever may write to a broker could make it send requests into its own network, so there are no receivers unless the
//! operator names their hosts, the broker's own machine least of all; redirects are not followed, and answers are not kept.

mod delivery;
mod event;
mod hosts;
mod request;
mod template;

pub use delivery::{Courier, Pace};
pub use event::HookEvent;
pub use hosts::Hosts;
pub use request::HookRequest;
