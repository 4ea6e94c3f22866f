//! The whole marketplace in one process, on both pairs of backends, through the gateway's public paths.
//!
//! `endpoints` is a table with one row for each endpoint: what it is called, who may use it, what it refuses. `events`
//! is a table with one row for each event: who hears of it, and what they do about it, once.

mod endpoints;
mod events;
mod idempotency;
mod mail_sink;
mod pages;
mod schema;
mod system;
mod tap;
mod wait;
mod world;
