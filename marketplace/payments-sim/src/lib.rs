//! A payment provider for the marketplace to depend on: a small HTTP server in the shape of Stripe's PaymentIntents.
//!
//! It stands outside the system: it speaks no events and knows no internal tokens. It keeps a ledger in double entry that
//! anybody may read, and it is honest rather than protective: a second capture under a new idempotency key takes the money
//! a second time, so that a caller's mistake shows in the ledger instead of being refused. Under `LOSE_REPLY_EVERY=N` every
//! Nth capture is applied and its connection closed before the reply, the failure that idempotency keys exist for.

mod answer;
mod entries;
mod intents;
mod lost_reply;
mod routes;

pub use routes::app;
