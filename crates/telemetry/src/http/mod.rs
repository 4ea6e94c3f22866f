//! HTTP, both sides: a tower layer for servers and a client that wraps reqwest.

mod body;
mod client;
mod in_flight;
mod names;
mod server;

pub use body::ObservedBody;
pub use client::{Client, RequestBuilder};
pub use server::{ResponseFuture, ServerLayer, ServerService, server_layer};
