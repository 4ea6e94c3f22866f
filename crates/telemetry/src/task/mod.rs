//! Spawned tasks that keep the context they were spawned in: trace, correlation id and baggage.
//!
//! `tokio::spawn` forgets all three. Here each task also has a name, under which it is counted (`app.task.active`), timed
//! (`app.task.duration`, s) and, when it panics, counted once more (`app.task.panics`) and logged with the ids of whom it
//! worked for.
//!
//! # Examples
//!
//! ```
//! use telemetry::correlation::{self, CorrelationId};
//! use telemetry::task;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let id = CorrelationId::generate();
//! let task = correlation::scope(id.clone(), async { task::spawn("seen", async { correlation::current() }) }).await;
//! assert_eq!(task.await.unwrap(), Some(id));
//! # }
//! ```

mod handle;
mod running;
mod spawn;

pub use handle::{Handle, Panic, Stopped};
pub use spawn::{Task, spawn, spawn_blocking, spawn_detached};
