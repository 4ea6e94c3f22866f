//! Events of Socket.IO, whichever crate serves it: a span and a measurement for each that comes or goes, and a gauge of
//! connections.
//!
//! The context of an event travels in a field of its payload ([`MessageContext`](crate::context::MessageContext) reads and
//! writes itself with serde), that of a connection in the headers of its handshake or in its `auth` object
//! ([`context_from`]). Names of events come from strangers, so only a bounded number of them is told apart.
//!
//! # Examples
//!
//! ```
//! use telemetry::context::MessageContext;
//! use telemetry::socketio::Namespace;
//!
//! # async fn store() -> Result<(), std::io::Error> { Ok(()) }
//! # async fn emit(_: MessageContext) -> Result<(), std::io::Error> { Ok(()) }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), std::io::Error> {
//! let chat = Namespace::new("/chat").events(["message", "typing"]);
//! let connection = chat.connected();
//!
//! let sent_along: MessageContext = serde_json::from_str(r#"{"x-correlation-id":"order-42"}"#).unwrap();
//! chat.received("message", &sent_along).run(store()).await?;
//! chat.emitted("message").run(|context| emit(context)).await?;
//! drop(connection);
//! # Ok(()) }
//! ```

mod carrier;
mod event;
mod names;
mod namespace;

pub use carrier::context_from;
pub use event::{Emitted, Received};
pub use namespace::{Connection, Namespace};

/// `messaging.system` of this module.
const SYSTEM: &str = "socketio";
