//! An embedded AMQP 0-9-1 broker that speaks RabbitMQ's protocol, so that a system of services runs, and is tested, on
//! a machine with nothing installed.
//!
//! Existing embeddable brokers either lack what RabbitMQ's users rely on (publisher confirms, dead-letter exchanges,
//! consumer prefetch, redelivery) or are servers of their own. Here, queues live in memory; with a data directory,
//! durable queues and persistent messages are also in a journal that is written before the confirm, so that they
//! survive the death of the process. Management is served over HTTP in the shape of RabbitMQ's management API.
//!
//! It is one node with one virtual host and one user. It has no transactions (`tx.*` is answered with 540), no quorum
//! queues or streams (406), no priorities, and no TLS. In RabbitMQ's place it is meant for tests, demonstrations and
//! first runs, not for production.
//!
//! ```
//! use amqp_broker::{Broker, Config};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = Broker::start(Config::default()).await?;
//! let url = format!("amqp://guest:guest@{}/%2f", broker.amqp_addr());
//! // Services connect to `url` as they would to RabbitMQ.
//! # let _ = url;
//! broker.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod bindings;
mod channel;
mod channel_state;
mod config;
mod connection;
mod content;
mod dead_letter;
mod declare;
mod deliver;
mod error;
mod exchange;
mod faults;
mod frame;
mod journal;
mod management;
mod message;
mod method;
mod outbox;
mod peek;
mod properties;
mod publish;
mod queue;
mod record;
mod recovery;
mod registry;
mod server;
mod session;
mod settle;
mod topic;
mod value;
mod vhost;
mod wire;

pub use config::{Config, Limits};
pub use error::StartError;
pub use journal::Recovery;
pub use server::Broker;

/// The name under which the broker presents itself to clients and in the management API.
pub const PRODUCT: &str = "Shakedown AMQP";

/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Entry points for the fuzz targets; not part of the interface.
#[doc(hidden)]
pub mod fuzzing {
    /// Decodes arbitrary bytes as frames, and their payloads as methods, properties and journal records.
    pub fn decode(data: &[u8]) {
        let mut rest = data;
        while let Ok(Some((frame, length))) = crate::frame::parse(rest, 131_072) {
            let _ = crate::method::Method::decode(frame.payload, 16);
            let _ = crate::properties::Layout::of(frame.payload, 16);
            rest = &rest[length..];
        }
        let _ = crate::method::Method::decode(data, 16);
        let _ = crate::properties::Layout::of(data, 16);
        let _ = crate::record::Record::decode(data);
    }

    /// Decodes arbitrary bytes as a method; what decodes must survive a round trip.
    pub fn round_trip(data: &[u8]) {
        if let Ok(method) = crate::method::Method::decode(data, 16) {
            let mut out = bytes::BytesMut::new();
            method.encode(&mut out);
            assert_eq!(crate::method::Method::decode(&out, 16), Ok(method));
        }
    }
}
