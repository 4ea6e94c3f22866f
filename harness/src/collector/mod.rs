//! The OpenTelemetry receiver: takes in what the system says about itself and keeps it, bounded, for assertions,
//! the live page and the report.
//!
//! [`Collector::start`] listens for OTLP over HTTP (protobuf and JSON, gzip or not) and over gRPC, on free ports unless
//! told otherwise. Everything lands in one [`Store`], which is read through a [`View`] and awaited by condition:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::{Duration, Instant};
//! use shakedown::collector::{Collector, CollectorConfig};
//!
//! let collector = Collector::start(CollectorConfig::default()).await?;
//! let deadline = Instant::now() + Duration::from_secs(5);
//! let spans = collector
//!     .store
//!     .wait_until(deadline, |view| match view.stats().spans {
//!         0 => Err("a first span has not arrived".to_owned()),
//!         spans => Ok(spans),
//!     })
//!     .await?;
//! # let _ = spans;
//! collector.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod decode;
mod export;
mod grpc;
mod http;
mod ids;
mod intern;
mod log_line;
mod metrics;
mod model;
mod server;
mod stats;
mod store;
mod value;
mod view;

pub use export::ExportError;
pub use ids::{InvalidId, SpanId, TraceId};
pub use metrics::{Aggregation, Exemplar, MetricSeries, Point, PointValue, Temporality};
pub use model::{
    CORRELATION_ATTRIBUTE, Event, Level, Link, LogRecord, LogSource, MESSAGE_ID_ATTRIBUTE, Resource, Span, SpanKind,
    SpanStatus,
};
pub use server::{Collector, CollectorConfig, CollectorError};
pub use stats::{ServiceStats, StoreLimits, StoreStats, WaitTimeout};
pub use store::Store;
pub use value::{Attributes, Value};
pub use view::View;
