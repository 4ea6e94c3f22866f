//! The broker for people: pages made on the server, without scripts, from what the documents for programs are made of.
//!
//! Whatever a pact says comes from strangers: markup is made by `maud`, which escapes all of it, and the policy of each page
//! allows no script and nothing from elsewhere.

mod accept;
mod gate;
mod interaction;
mod mistake;
mod overview;
mod pact;
mod pair;
mod parts;
mod shell;

pub(super) use accept::Reader;
pub(super) use mistake::for_people;
pub(super) use {gate::answer, overview::overview, pact::pact, pair::pair, pair::rows};
