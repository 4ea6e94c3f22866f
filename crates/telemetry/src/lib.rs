//! Logs, traces and metrics for services that talk over HTTP and messages, with one call.
//!
//! # Concepts
//!
//! * An **operation** is a request, a call, a message, a query, a task. Each has a span, measurements, and an outcome: it ends
//!   well, with an error, in a panic, or is dropped, and each is told apart by `error.type`.
//! * The **correlation id** names the business operation behind all of them. It comes in a header or is made at the first hop,
//!   and it is in every line, span, call and message that follows. Trace and allowed [`baggage`] travel with it, in
//!   OpenTelemetry's own `Context`.
//! * **Lines, spans and metrics are three views of the same operations.** `tracing` events are lines; `tracing` spans give them
//!   fields. Spans of the trace come from the instrumentation here, and from OpenTelemetry's API. A latency leads to a trace by
//!   its exemplar, a trace to its lines by the ids.
//! * **Telemetry yields to the service.** Nothing waits for a collector or for stdout: what does not fit is dropped and counted,
//!   and spans become what is exported on threads of their own. [`Telemetry::shutdown`] has one deadline and says what was lost.
//! * **Nothing secret leaves**: one policy ([`redact`]) for lines, spans, metrics, baggage and URLs.
//!
//! Existing crates give traces for one library each; none carries a correlation id, links messages by the conventions,
//! redacts logs, spans and metrics alike, or ends within a deadline when the collector hangs.
//!
//! # Example
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
//!
//! # Where to find what
//!
//! | concern | module |
//! |---|---|
//! | start, settings, end | [`init`], [`Config`], [`Telemetry`] |
//! | requests and calls | [`http`] |
//! | messages | [`messaging`] (AMQP), `kafka` (feature `kafka`), [`socketio`] |
//! | databases and mails | [`db`] (sqlx with the feature `sqlx`), [`mail`] |
//! | tasks, and whatever else takes time | [`task`], [`span`] |
//! | ids and what travels | [`correlation`], [`baggage`], [`context`] |
//! | metrics of the application, pools and queues | [`metrics`] |
//! | what must not leave | [`redact`] |
//! | health, `/metrics`, log level | [`admin`] |
//! | tests | [`testing`] |
//!
//! What is emitted is declared in `registry/`, in the layout of OpenTelemetry's weaver, and tests compare the two. The crate's
//! README has the environment variables and the list of metrics. A guide leads here from `tracing-opentelemetry`:
//! `docs/guide/10-migrating-from-tracing-opentelemetry.md`.

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
pub use settings::{Buckets, Config, InvalidLogFormat, LogFormat, Sampling};
pub use shutdown::{ExportOutcome, ShutdownReport};

/// The code of the guide that moves a service here, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/10-migrating-from-tracing-opentelemetry.md")]
struct MigrationGuide;
