//! Chat at once: browsers over Socket.IO to this gateway, this gateway over Socket.IO to the chat service.
//!
//! A browser connects to `/socket.io/` with the session that it has for everything else, and is told `message received` and
//! `message updated` for its user, and who is `online` and who goes (`user offline`). It hears `degraded` while the chat
//! service cannot be heard, and `restored` when it is; see docs/adr/0017 for what is promised and what is not.
//!
//! - [`client`]: a Socket.IO client.
//! - `link`: the connection to the chat service; `wire` has what goes over it, `seen` what has come before.
//! - `upgrade`, `origin`, `stream`, `connection`: a browser's connection.
//! - `admission`, `registry`: whose it is.
//! - `hub`: what it is told.

mod admission;
pub mod client;
mod connection;
mod hub;
mod link;
mod origin;
mod registry;
mod seen;
mod stream;
mod upgrade;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use platform::Env;
use platform::token::InternalTokens;
use socketioxide::{ParserConfig, SocketIo, TransportType};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::rate::RateLimit;
use crate::session::Sessions;
use hub::Hub;
use link::Link;
use origin::Origins;
use registry::Registry;
use upgrade::Door;

/// How often a browser is asked whether it is there.
const PING: Duration = Duration::from_secs(20);
/// How long it may take to say so.
const PONG: Duration = Duration::from_secs(10);
/// Largest packet of a browser, in bytes: it has little to say.
const MAX_PACKET: usize = 16 * 1024;
/// Events that wait to be written to one browser; one that reads more slowly is cut.
const BUFFER: usize = 128;

/// Limits of sockets, from the environment.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    origins: Origins,
    sockets: usize,
    per_user: usize,
    events_per_second: u32,
}

impl Settings {
    /// Reads `ALLOWED_ORIGINS`, `MAX_SOCKETS`, `SOCKETS_PER_USER` and `SOCKET_EVENTS_PER_SECOND`; mistakes are noted.
    pub(crate) fn from_env(env: &Env) -> Self {
        let number = |name: &str, default: u32, most: u32| {
            let value = env.number(name, default.into());
            match u32::try_from(value) {
                Ok(value) if (1..=most).contains(&value) => value,
                _ => {
                    env.problem::<()>(format!("`{name}` is `{value}`: expected 1 to {most}"));
                    default
                }
            }
        };
        Self {
            origins: Origins::from_env(env),
            sockets: number("MAX_SOCKETS", 10_000, 1_000_000) as usize,
            per_user: number("SOCKETS_PER_USER", 10, 1_000) as usize,
            events_per_second: number("SOCKET_EVENTS_PER_SECOND", 10, 10_000),
        }
    }
}

/// Sockets that are served: the route that opens them, and what runs behind.
pub(crate) struct Sockets {
    door: Door,
    link: Link,
    io: SocketIo,
}

impl Sockets {
    /// Prepares the server, and the link to the chat service at `chat`.
    pub(crate) fn new(
        settings: Settings,
        sessions: Sessions,
        http: telemetry::http::Client,
        tokens: InternalTokens,
        chat: &str,
    ) -> Self {
        let (server, io) = SocketIo::builder()
            .req_path("/socket.io")
            .transports([TransportType::Websocket])
            .ping_interval(PING)
            .ping_timeout(PONG)
            .connect_timeout(connection::CONNECT)
            .max_buffer_size(BUFFER)
            .ws_max_message_size(MAX_PACKET)
            .ws_max_frame_size(MAX_PACKET)
            .with_parser(ParserConfig::common().max_incoming_binaries(1).max_incoming_binary_buf_size(MAX_PACKET))
            .build_with_inner_svc(());
        let hub = Arc::new(Hub::new(io.clone(), Arc::new(Registry::new(settings.per_user))));
        let events = RateLimit::new(settings.events_per_second, settings.events_per_second);
        admission::admit(&hub, sessions, events);
        let places = Arc::new(Semaphore::new(settings.sockets));
        let door = Door { server, io: io.clone(), origins: settings.origins, places };
        Self { door, link: Link::new(hub, http, tokens, chat), io }
    }

    /// Serves `/socket.io/`.
    pub(crate) fn router(&self) -> Router {
        self.door.clone().router()
    }

    /// Runs until `stopping`: tells the sockets what the chat service says, and closes them in the end.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        self.link.run(stopping).await;
        self.io.close().await;
    }
}
