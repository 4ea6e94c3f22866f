//! HTTP, both sides: a tower layer for servers and a client that wraps reqwest.

mod active;
mod answer;
mod body;
mod call;
mod client;
mod facts;
mod hosts;
mod in_flight;
mod names;
mod routes;
mod series;
mod server;
mod unwinding;

pub(crate) use active::ActiveRequests;
pub(crate) use facts::{ServerFacts, ServerRequest};
pub(crate) use hosts::normalised as normalised_host;
pub(crate) use routes::Routes;

pub use client::{Client, RequestBuilder};
pub use hosts::redirects;
pub use server::{ResponseFuture, ServerLayer, ServerService, SlowServerLayer, server_layer};
