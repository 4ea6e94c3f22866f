//! What open sockets are told at once: messages, updates, and who is online.
//!
//! Browsers are connected to gateways, and each gateway keeps one Socket.IO connection to this service, its *link*. What
//! must reach a socket is a row that is committed with the state it tells, so any instance of this service can tell it to
//! the gateways that are linked to it, after a break as well. Who is online is in the database too: a person is, while any
//! gateway that is alive holds a socket of theirs.

mod link;
mod presence;
mod pushes;
mod upkeep;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use platform::{App, Database, Env, Tx};
use socketioxide::{SocketIo, TransportType};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::domain::Message;

/// Where gateways connect.
const PATH: &str = "/socket.io/";
/// Largest frame from a gateway: who is connected to it, at most.
const MAX_FRAME: usize = 4 * 1024 * 1024;
/// How often a gateway is asked whether it is there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(5);
/// How long after the WebSocket a gateway has to connect to the namespace.
const CONNECT: Duration = Duration::from_secs(5);
/// Events that wait to be written to one gateway; the link pauses beyond.
const BUFFER: usize = 1024;

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was sent.
    Received,
    /// It was read, or its offer decided.
    Updated,
}

impl Happened {
    /// The event's name on the wire.
    pub(crate) fn event(self) -> &'static str {
        match self {
            Self::Received => "message received",
            Self::Updated => "message updated",
        }
    }
}

/// Limits of the live part.
#[derive(Clone, Copy, Debug)]
struct Settings {
    /// A gateway that was not seen for this long is dead, and so are its sockets.
    expiry: Duration,
    /// How often the database is read for what other instances of this service have written.
    poll: Duration,
}

impl Settings {
    fn from_env(env: &Env) -> Self {
        let ms = |name: &str, default: u64| {
            let value = env.number(name, default);
            if (10..=600_000).contains(&value) {
                return Duration::from_millis(value);
            }
            env.problem::<()>(format!("`{name}` is `{value}`: expected milliseconds from 10 to 600000"));
            Duration::from_millis(default)
        };
        Self { expiry: ms("PRESENCE_EXPIRY_MS", 10_000), poll: ms("LIVE_POLL_MS", 500) }
    }
}

/// The live part of this service, for everyone who has something to tell. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    database: Database,
    settings: Settings,
    /// Counts what was committed here, to wake the links.
    pushed: Arc<watch::Sender<u64>>,
    /// Wakes [`upkeep`] when somebody came or went here.
    moved: Arc<Notify>,
    /// Everybody who is online; nothing before it was read for the first time.
    online: Arc<watch::Sender<Option<Arc<BTreeSet<String>>>>>,
    stopping: CancellationToken,
}

/// What is not yet opened: limits that were read before the database.
#[derive(Debug)]
pub(crate) struct Prepared(Settings);

/// Reads `PRESENCE_EXPIRY_MS` and `LIVE_POLL_MS`; mistakes are noted in `env`.
pub(crate) fn prepare(env: &Env) -> Prepared {
    Prepared(Settings::from_env(env))
}

impl Prepared {
    pub(crate) fn open(self, database: &Database, stopping: &CancellationToken) -> Live {
        Live {
            database: database.clone(),
            settings: self.0,
            pushed: Arc::new(watch::Sender::new(0)),
            moved: Arc::default(),
            online: Arc::new(watch::Sender::new(None)),
            stopping: stopping.clone(),
        }
    }
}

impl Live {
    /// Stores that `message` is to be told to `usernames`, in the transaction that changes it; [`wake`](Self::wake) after
    /// the commit.
    pub(crate) async fn push(
        &self,
        tx: &mut Tx,
        happened: Happened,
        usernames: &[&str],
        message: &Message,
    ) -> Result<(), sqlx::Error> {
        pushes::insert(tx, happened.event(), usernames, message, now_ms()).await
    }

    /// Tells the links that something was committed.
    pub(crate) fn wake(&self) {
        self.pushed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Adds the Socket.IO server and its upkeep to `app`.
    pub(crate) fn serve(self, app: App) -> App {
        let (service, io) = SocketIo::builder()
            .req_path("/socket.io")
            // Polling would need requests of a gateway to reach the same instance; a gateway needs none.
            .transports([TransportType::Websocket])
            .ping_interval(PING)
            .ping_timeout(PING)
            .connect_timeout(CONNECT)
            .max_buffer_size(BUFFER)
            .ws_max_message_size(MAX_FRAME)
            .ws_max_frame_size(MAX_FRAME)
            .build_svc();
        link::accept(&io, &self);
        let mut app = app.with_task(upkeep::run(self.clone())).with_task({
            let stopping = self.stopping.clone();
            async move {
                stopping.cancelled().await;
                io.close().await;
            }
        });
        app.router = app.router.route_service(PATH, service);
        app
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A duration in the unit of [`now_ms`].
fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
