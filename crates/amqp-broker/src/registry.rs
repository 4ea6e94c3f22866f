//! What is known of each open connection.

use std::{net::SocketAddr, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{outbox::Outbox, value::FieldTable};

#[derive(Debug)]
pub(crate) struct ConnectionInfo {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) user: String,
    pub(crate) properties: FieldTable,
    pub(crate) channel_max: u16,
    pub(crate) frame_max: u32,
    pub(crate) heartbeat: u16,
    pub(crate) connected_at: u64,
    /// Whether it wants to hear of consumers that end with their queue.
    pub(crate) cancel_notify: bool,
    pub(crate) blocked: bool,
    pub(crate) outbox: Arc<Outbox>,
    /// Ends the connection with `connection.close` when cancelled.
    pub(crate) force_close: CancellationToken,
}

impl ConnectionInfo {
    /// RabbitMQ's name for it.
    pub(crate) fn name(&self) -> String {
        format!("{} -> {}", self.peer, self.local)
    }
}
