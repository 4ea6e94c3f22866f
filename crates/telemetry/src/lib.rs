//! Logs, traces and metrics for services that talk over HTTP and AMQP, with one call.
//!
//! [`init`] sets everything up and gives a guard to end it with. From then on
//!
//! - [`http::server_layer`] and [`http::Client`] observe requests that come in and go out, [`messaging`] observes messages, and
//!   [`span`] whatever else takes time: each with a span, measurements and the ids passed on;
//! - [`correlation`] carries one business id through all of it, so that every log line, span and message of an operation can
//!   be found by it;
//! - `tracing` events become log lines on stdout with these ids, spans and [`metrics`] go out over OTLP, and [`admin`] answers
//!   orchestrators, Prometheus and operators;
//! - [`redact`] keeps personal data and secrets out of everything that leaves;
//! - [`testing`] lets tests ask for what was emitted.
//!
//! Existing crates give traces for one library each; none carries a correlation id, links messages by the conventions,
//! redacts logs, spans and metrics alike, or ends within a deadline when the collector hangs.
//!
//! What is emitted is declared in `registry/`, in the layout of OpenTelemetry's weaver, and tests compare the two. A guide
//! leads here from `tracing-opentelemetry`: `docs/guide/10-migrating-from-tracing-opentelemetry.md`.
//!
//! # Examples
//!
//! `examples/hello.rs` is a whole service in thirty lines. In short:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::{Router, routing::get};
//! use telemetry::{Admin, Config};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = telemetry::init(Config::from_env("hello"))?;
//! let admin = Admin::new().serve("127.0.0.1:9090").await?;
//! let app = Router::new().route("/", get(|| async { "hello" })).layer(telemetry::http::server_layer());
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app).await?;
//! admin.shutdown().await;
//! telemetry.shutdown_async(Duration::from_secs(5)).await;
//! # Ok(()) }
//! ```

pub mod admin;
pub mod baggage;
mod cache;
pub mod context;
mod core;
pub mod correlation;
pub mod db;
mod export;
pub mod http;
mod init;
#[cfg(feature = "kafka")]
pub mod kafka;
mod late;
mod logs;
pub mod mail;
pub mod messaging;
pub mod metrics;
mod readings;
pub mod redact;
mod settings;
mod shutdown;
mod signals;
pub mod socketio;
pub mod span;
pub mod task;
pub mod testing;
mod trace;
mod work;

pub use admin::{Admin, admin_router};
pub use init::{InitError, Telemetry, init};
pub use logs::{InvalidFilter, LogStats};
pub use settings::{Buckets, Config, LogFormat, Sampling};
pub use shutdown::{ExportOutcome, ShutdownReport};

/// The code of the guide that moves a service here, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/10-migrating-from-tracing-opentelemetry.md")]
struct MigrationGuide;
