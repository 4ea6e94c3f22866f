//! Messages over Kafka (rdkafka, feature `kafka`): sending with a PRODUCER span, processing with a CONSUMER span that links
//! back to it, batches, commits, and the lag of consumers.
//!
//! Spans, attributes and metrics are those of [`crate::messaging`], with `messaging.system` `kafka`.
//!
//! # Examples
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use rdkafka::producer::{FutureProducer, FutureRecord};
//! use telemetry::kafka;
//!
//! # async fn run(producer: FutureProducer, message: rdkafka::message::OwnedMessage) {
//! let record = FutureRecord::to("orders").key("order-42").payload("{}");
//! let sent = kafka::send(&producer, record, Duration::from_secs(5)).await;
//!
//! let consumer = kafka::Consumer::new("users");
//! consumer.process(&message, async { tracing::info!("order seen") }).await;
//! # let _ = sent; }
//! ```

mod consumer;
mod error;
mod headers;
mod lag;
mod send;

pub use consumer::Consumer;
pub use headers::{extract, inject};
pub use lag::{Lag, LagContext};
pub use send::send;

/// `messaging.system` of this module.
const SYSTEM: &str = "kafka";
