//! The crate against small providers of its own: recording, reading, replaying, judging.

mod fuzz;
mod http;
mod matrix;
mod message;
mod recording;
mod shop;
mod states;
mod store;
