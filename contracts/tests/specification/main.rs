//! The Pact specification's own test cases, versions 1 to 4, through the path that pacts take here: read by `store`, sent
//! over HTTP, judged by `verify` (responses and messages) or by the stand-in of `consumer` (requests).
//!
//! The cases are not in this repository: they come with the source of `pact_matching` from the package registry.

mod cases;
mod message;
mod request;
mod response;
