//! The official clients of Pact against what is here: who speaks Pact needs no client of ours.
//!
//! `cargo xtask test` installs them; by hand, below this directory:
//!
//! ```sh
//! python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
//! npm ci --prefix node
//! ```

mod broker;
mod cli;
mod orders;
mod providers;
mod recorded_by_others;
mod shop;
mod verified_by_others;
mod verifier;
