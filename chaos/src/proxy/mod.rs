//! Fault-proxy links: TCP between two named peers, through which any of them can be slowed, cut or reset.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use chaos::proxy::{Link, Toxic, Upstream};
//! use std::time::Duration;
//!
//! let link = Link::bind("order->broker", Upstream::new("127.0.0.1:5672"))?;
//! println!("connect to {}", link.address());
//! link.add("slow", Toxic::latency(Duration::from_millis(200), Duration::ZERO));
//! link.remove("slow");
//! # Ok(())
//! # }
//! ```
//!
//! A proxy in user space sees streams, not packets: it cannot lose a packet, and it can refuse a connection only by not
//! listening at all (which is what [`ToxicKind::Cut`] does).

mod connection;
mod counters;
mod link;
mod pump;
mod toxic;
mod upstream;

pub use counters::LinkCounters;
pub use link::{Link, Probe};
pub use toxic::{Direction, Toxic, ToxicKind};
pub use upstream::Upstream;
