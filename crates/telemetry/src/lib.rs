//! Logs, traces and metrics for services that talk over HTTP and AMQP, with one call.
//!
//! [`init`] sets everything up. [`http::server_layer`] and [`http::Client`] observe HTTP, [`messaging`] observes lapin, and
//! [`span`] observes whatever else takes time. [`correlation`] carries one business id through all of it, so that every log line, span and message of an operation can be
//! found by it. What a process says about itself goes to stdout (logs) and over OTLP (spans, metrics).
//!
//! Existing crates give traces for one library each; none carries a correlation id, links messages by the conventions,
//! redacts logs and spans alike, or ends within a deadline when the collector hangs.
//!
//! # Examples
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//!
//! # async fn serve(_: Router) {}
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = telemetry::init(telemetry::Config::from_env("hello"))?;
//! serve(Router::new().route("/", get(|| async { "hello" })).layer(telemetry::http::server_layer())).await;
//! telemetry.shutdown_async(Duration::from_secs(5)).await;
//! # Ok(()) }
//! ```

pub mod admin;
pub mod context;
mod core;
pub mod correlation;
mod export;
pub mod http;
mod init;
mod logs;
pub mod messaging;
pub mod metrics;
pub mod redact;
mod settings;
mod shutdown;
mod signals;
pub mod span;
pub mod testing;
mod trace;

pub use admin::{Admin, admin_router};
pub use init::{InitError, Telemetry, init};
pub use logs::{InvalidFilter, LogStats};
pub use settings::{Buckets, Config, LogFormat, Sampling};
pub use shutdown::{ExportOutcome, ShutdownReport};
