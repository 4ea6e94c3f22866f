//! The crate against small providers of its own: recording, reading, replaying, judging.

mod bad_input;
mod broker_client;
mod broker_findings;
mod broker_http;
mod broker_pages;
mod broker_removal;
mod broker_store;
mod broker_webhooks;
mod flaky;
mod fuzz;
mod gate;
mod http;
mod live;
mod matrix;
mod message;
mod recording;
mod shop;
mod states;
mod store;
