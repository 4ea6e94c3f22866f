//! The `shakedown` program on a small system that has nothing to do with the marketplace (`tests/toy`): a Rust service
//! and a Python service, run, broken, killed and described wrongly.

mod bad_input;
mod brokered;
mod cli;
mod contracts;
mod documents;
mod killed;
mod leftovers;
mod not_ready;
mod planted_bug;
mod program;
mod run;
mod toy;
mod until;
