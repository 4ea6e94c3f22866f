//! The link of one gateway, from its `sync` until it is gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use socketioxide::handler::ConnectHandler as _;
use socketioxide::{SendError, SocketError, SocketIo};
use telemetry::context::MessageContext;
use telemetry::socketio::Namespace;
use telemetry::task;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::pushes::{Cursor, RETENTION, Stored};
use super::wire::{NAMESPACE, Presence, Push, Sync, Synced};
use super::{Live, ms, now_ms, presence};

/// Events of a gateway that wait to be handled; more than these break the link.
const WAITING: usize = 1024;
/// How long after it has connected a gateway has to say who it is.
const HELLO: Duration = Duration::from_secs(5);
/// Pause before the next attempt to write to a gateway that reads slowly.
const FULL: Duration = Duration::from_millis(20);

/// Why a link ends.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("event `{0}` cannot be read: expected `sync` first, then `presence` or `leave`, in their shape")]
    Unexpected(String),
    #[error("no `sync` within 5 s")]
    Silent,
    #[error("the gateway had been given up and must sync again")]
    Expired,
    #[error("the connection is closed")]
    Closed,
    #[error("what is sent cannot be written: {0}")]
    Unwritable(String),
}

/// One event of a gateway.
struct Said {
    event: String,
    data: Value,
    ack: AckSender,
}

/// Serves gateways on `io`. Who may connect was decided before: the request carries an internal token.
pub(super) fn accept(io: &SocketIo, live: &Live) {
    let namespace =
        Namespace::new(NAMESPACE).events(["sync", "presence", "leave", "message received", "message updated"]);
    let live = live.clone();
    // A middleware: it runs before the gateway is told that it is connected, so no event can come too early.
    let listen = move |socket: SocketRef| {
        let (said, heard) = mpsc::channel(WAITING);
        let closed = CancellationToken::new();
        let overrun = closed.clone();
        // Runs in the order of events up to its future; what it returns is run as a task, in no order.
        socket.on_fallback(move |Event(event): Event, TryData(data): TryData<Value>, ack: AckSender| {
            let data = data.unwrap_or(Value::Null);
            if said.try_send(Said { event, data, ack }).is_err() {
                overrun.cancel();
            }
            std::future::ready(())
        });
        let gone = closed.clone();
        socket.on_disconnect(move || {
            gone.cancel();
            std::future::ready(())
        });
        let link = Link { live: live.clone(), namespace: namespace.clone(), socket, closed };
        drop(task::spawn("gateway link", link.run(heard)));
        std::future::ready(Ok::<_, std::convert::Infallible>(()))
    };
    // The namespace `/gateway` of this service only: creating it in memory cannot fail.
    io.ns(NAMESPACE, (|| std::future::ready(())).with(listen));
}

struct Link {
    live: Live,
    namespace: Namespace,
    socket: SocketRef,
    closed: CancellationToken,
}

impl Link {
    async fn run(self, mut heard: mpsc::Receiver<Said>) {
        let _connection = self.namespace.connected();
        let result = tokio::select! {
            result = self.serve(&mut heard) => result,
            () = self.closed.cancelled() => Err(LinkError::Closed),
        };
        match result {
            Ok(()) | Err(LinkError::Closed) => tracing::info!("gateway link ended"),
            Err(error) => tracing::warn!(error = %error, "gateway link broken"),
        }
        // What cannot be told (the buffer is full) the heartbeat finds out.
        _ = self.socket.disconnect();
    }

    async fn serve(&self, heard: &mut mpsc::Receiver<Said>) -> Result<(), LinkError> {
        let hello = tokio::time::timeout(HELLO, heard.recv()).await.map_err(|_| LinkError::Silent)?;
        let (gateway, mut cursor) = self.sync(hello.ok_or(LinkError::Closed)?).await?;
        tracing::info!(gateway, "gateway linked");
        let mut pushed = self.live.pushed.subscribe();
        let mut online = self.live.online.subscribe();
        let mut told: Option<Arc<BTreeSet<String>>> = None;
        let mut seen = Instant::now();
        loop {
            pushed.mark_unchanged();
            loop {
                let page = cursor.next(&self.live.database).await?;
                if page.is_empty() {
                    break;
                }
                for push in page {
                    self.push(push).await?;
                }
            }
            let now = online.borrow_and_update().clone();
            if let Some(now) = now {
                self.tell(told.as_deref(), &now).await?;
                told = Some(now);
            }
            if seen.elapsed() >= self.live.settings.expiry / 3 {
                seen = Instant::now();
                if !presence::seen(&self.live.database, &gateway, now_ms()).await? {
                    return Err(LinkError::Expired);
                }
            }
            tokio::select! {
                said = heard.recv() => {
                    if self.hear(&gateway, said.ok_or(LinkError::Closed)?).await? {
                        return Ok(());
                    }
                }
                _ = pushed.changed() => {}
                _ = online.changed() => {}
                () = tokio::time::sleep(self.live.settings.poll.min(self.live.settings.expiry / 3)) => {}
            }
        }
    }

    async fn sync(&self, said: Said) -> Result<(String, Cursor), LinkError> {
        let unexpected = || LinkError::Unexpected(said.event.clone());
        if said.event != "sync" {
            return Err(unexpected());
        }
        let sync: Sync = serde_json::from_value(said.data).map_err(|_| unexpected())?;
        if !sync.is_sound() {
            return Err(unexpected());
        }
        let stored = presence::sync(&self.live.database, &sync.instance, &sync.usernames, now_ms());
        self.namespace.received("sync", &sync.context).run(stored).await?;
        self.live.moved.notify_one();
        let complete = sync.since >= now_ms() - ms(RETENTION);
        said.ack.send(&Synced { complete }).map_err(|_| LinkError::Closed)?;
        Ok((sync.instance, Cursor::since(sync.since)))
    }

    /// Handles an event; true when the gateway goes.
    async fn hear(&self, gateway: &str, said: Said) -> Result<bool, LinkError> {
        match said.event.as_str() {
            "presence" => {
                let unexpected = || LinkError::Unexpected("presence".to_owned());
                let change: Presence = serde_json::from_value(said.data).map_err(|_| unexpected())?;
                if !change.is_sound() {
                    return Err(unexpected());
                }
                let stored = presence::change(&self.live.database, gateway, &change.online, &change.offline);
                self.namespace.received("presence", &change.context).run(stored).await?;
            }
            "leave" => {
                let stored = presence::leave(&self.live.database, gateway);
                self.namespace.received("leave", &MessageContext::default()).run(stored).await?;
            }
            _ => return Err(LinkError::Unexpected(said.event)),
        }
        self.live.moved.notify_one();
        // The gateway may not wait for it.
        _ = said.ack.send(&Value::Null);
        Ok(said.event == "leave")
    }

    /// Tells the gateway what has happened to a message, within the trace of the request that did it.
    async fn push(&self, push: Stored) -> Result<(), LinkError> {
        let raw = |json: &str| {
            serde_json::value::RawValue::from_string(json.to_owned())
                .map_err(|error| LinkError::Unwritable(error.to_string()))
        };
        let (usernames, message) = (raw(&push.usernames)?, raw(&push.message)?);
        let sent = self.namespace.emitted(&push.event).run(|context| async {
            let told = Push { id: &push.id, at: push.at, usernames: &usernames, message: &message, context };
            self.emit(&push.event, &told).await
        });
        push.context.attach(sent).await
    }

    /// Tells the gateway who has come and gone since it was `told`.
    async fn tell(&self, told: Option<&BTreeSet<String>>, now: &BTreeSet<String>) -> Result<(), LinkError> {
        let nobody = BTreeSet::new();
        let known = told.unwrap_or(&nobody);
        let online: Vec<String> = now.difference(known).cloned().collect();
        let offline: Vec<String> = known.difference(now).cloned().collect();
        if told.is_some() && online.is_empty() && offline.is_empty() {
            return Ok(());
        }
        let sent = self.namespace.emitted("presence").run(|context| async {
            let change = Presence { snapshot: told.is_none(), online, offline, context };
            self.emit("presence", &change).await
        });
        sent.await
    }

    /// Writes an event, as soon as the gateway has read enough of what came before.
    async fn emit(&self, event: &str, data: &impl serde::Serialize) -> Result<(), LinkError> {
        loop {
            match self.socket.emit(event, data) {
                Ok(()) => return Ok(()),
                Err(SendError::Socket(SocketError::InternalChannelFull)) => tokio::time::sleep(FULL).await,
                Err(SendError::Socket(SocketError::Closed)) => return Err(LinkError::Closed),
                Err(SendError::Serialize(error)) => return Err(LinkError::Unwritable(error.to_string())),
            }
        }
    }
}
