//! What a broker can be told before it starts.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::StartError;

/// RabbitMQ's smallest `frame_max`.
const MIN_OFFER: u32 = 8192;

/// Settings of one broker. [`Config::default`] is a broker in memory on a free port of the loopback interface.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where AMQP clients connect. Port 0 picks a free one, see [`Broker::amqp_addr`](crate::Broker::amqp_addr).
    pub listen: SocketAddr,
    /// Where the management API is served; `None` serves none. Port 0 picks a free one.
    pub management: Option<SocketAddr>,
    /// Directory of the journal, created when missing. `None` keeps everything in memory only.
    pub data: Option<PathBuf>,
    /// Name of the one user, for AMQP and for the management API alike.
    pub user: String,
    /// Password of that user.
    pub password: String,
    /// Name of the one virtual host.
    pub vhost: String,
    /// Bounds on memory and time.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            management: None,
            data: None,
            user: "guest".into(),
            password: "guest".into(),
            vhost: "/".into(),
            limits: Limits::default(),
        }
    }
}

/// Bounds on what clients can make the broker hold or do. Sizes are in bytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest frame, its 8 octets of framing included; offered to clients, which may ask
    /// for less. At least 8192.
    pub frame_max: u32,
    /// Largest message body; a larger one closes its channel with 406.
    pub content_max: u64,
    /// How deep field tables and arrays may nest.
    pub table_depth: usize,
    /// Connections at a time; one more is closed at once.
    pub connections: usize,
    /// Channels per connection; offered to clients, which may ask for less.
    pub channels: u16,
    /// Queues; one more declaration closes its channel with 406, as RabbitMQ does. Exchanges have the same bound.
    pub queues: usize,
    /// Bindings of all exchanges together; one more closes its channel with 406.
    pub bindings: usize,
    /// Bytes of messages in all queues, unacknowledged ones included, above which publishing connections are blocked
    /// (`connection.blocked`, nothing more is read from them) until consumers have made room.
    pub queue_memory: u64,
    /// Bytes waiting to be written to one connection above which nothing more is delivered to it, and nothing more is
    /// read from it, until it reads. One message may exceed this.
    pub write_buffer: usize,
    /// Interval of heartbeats offered to clients; a peer silent for twice as long is dropped. Zero offers none.
    pub heartbeat: Duration,
    /// How long a client may take from connecting to having opened its virtual host.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_max: 131_072,
            content_max: 16 * 1024 * 1024,
            table_depth: 16,
            connections: 1_000,
            channels: 2_047,
            queues: 10_000,
            bindings: 100_000,
            queue_memory: 256 * 1024 * 1024,
            write_buffer: 1024 * 1024,
            heartbeat: Duration::from_secs(60),
            handshake: Duration::from_secs(10),
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), StartError> {
        // Clients such as lapin ask for no less than RabbitMQ's own minimum, whatever they are offered.
        if self.frame_max < MIN_OFFER {
            return Err(StartError::Limit {
                name: "frame_max",
                value: u64::from(self.frame_max),
                expected: "at least 8192",
            });
        }
        // Deep tables are decoded by recursion, which must stay far from the end of the stack.
        // The record of a dead letter is itself three levels deep.
        if !(4..=100).contains(&self.table_depth) {
            return Err(StartError::Limit {
                name: "table_depth",
                value: self.table_depth as u64,
                expected: "4 to 100",
            });
        }
        if self.channels == 0 {
            return Err(StartError::Limit { name: "channels", value: 0, expected: "at least 1" });
        }
        Ok(())
    }

    /// The heartbeat interval in the protocol's unit, whole seconds.
    pub(crate) fn heartbeat_seconds(&self) -> u16 {
        let seconds = self.heartbeat.as_millis().div_ceil(1000);
        u16::try_from(seconds).unwrap_or(u16::MAX)
    }
}
