//! What the sockets of this gateway are told.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide::{SendError, SocketError, SocketIo};
use telemetry::socketio::Namespace;

use super::connection::Connection;
use super::registry::Registry;
use super::wire::{About, BROWSERS, Presence, Push, Restored};

/// Names in one `online` or `user offline` event; a longer list comes in several.
const NAMES: usize = 1_000;

/// The sockets of this gateway, and what they have to know when they connect.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) io: SocketIo,
    pub(super) registry: Arc<Registry>,
    pub(super) browsers: Namespace,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Everybody who is online, on any gateway.
    online: BTreeSet<String>,
    /// Whether the chat service cannot be heard.
    degraded: bool,
}

impl Hub {
    /// A hub that has not heard the chat service yet.
    pub(super) fn new(io: SocketIo, registry: Arc<Registry>) -> Self {
        let events = ["message received", "message updated", "online", "user offline", "degraded", "restored"];
        let browsers = Namespace::new(BROWSERS).events(events);
        Self { io, registry, browsers, state: Mutex::new(State { online: BTreeSet::new(), degraded: true }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a socket that has just connected who is online, and whether the chat service is away.
    pub(super) fn welcome(&self, socket: &SocketRef) {
        // Under the lock, so that whoever goes meanwhile is told after the list that has them.
        let state = self.state();
        let names: Vec<&String> = state.online.iter().collect();
        let lists: &[&[&String]] = if names.is_empty() { &[&[]] } else { &names.chunks(NAMES).collect::<Vec<_>>() };
        for list in lists {
            // As one argument: a list by itself would be taken for several.
            emit(socket, "online", &(list,));
        }
        if state.degraded {
            emit(socket, "degraded", &());
        }
    }

    /// Tells what has happened to a message to the sockets of those whom it is for. Runs within the trace of the push.
    pub(super) async fn message(&self, event: &str, push: &Push) {
        let sockets: BTreeSet<Sid> = push.usernames.iter().flat_map(|username| self.registry.of(username)).collect();
        if sockets.is_empty() {
            return;
        }
        let sent = self.browsers.emitted(event).run(|context| {
            let about = About { correlation_id: context.correlation_id };
            self.send(sockets, event, &(&push.message, about));
            std::future::ready(Ok::<_, Infallible>(()))
        });
        _ = sent.await;
    }

    /// Tells everybody who came and who went.
    pub(super) async fn presence(&self, change: Presence) {
        let mut events: Vec<(&str, Vec<String>)> = Vec::new();
        {
            let mut state = self.state();
            let offline: Vec<String> = if change.snapshot {
                let now: BTreeSet<&String> = change.online.iter().collect();
                state.online.iter().filter(|username| !now.contains(username)).cloned().collect()
            } else {
                change.offline
            };
            let online: Vec<String> =
                change.online.into_iter().filter(|username| state.online.insert(username.clone())).collect();
            let offline: Vec<String> = offline.into_iter().filter(|username| state.online.remove(username)).collect();
            // Lists, since a gateway that dies takes many along: an event for each would be more than a socket buffers.
            events.extend(offline.chunks(NAMES).map(|names| ("user offline", names.to_vec())));
            events.extend(online.chunks(NAMES).map(|names| ("online", names.to_vec())));
        }
        for (event, names) in events {
            let sent = self.browsers.emitted(event).run(|_| {
                self.send(self.registry.all(), event, &(&names,));
                std::future::ready(Ok::<_, Infallible>(()))
            });
            _ = sent.await;
        }
    }

    /// The chat service cannot be heard any more.
    pub(super) fn degraded(&self) {
        let mut state = self.state();
        if !state.degraded {
            state.degraded = true;
            self.send(self.registry.all(), "degraded", &());
        }
    }

    /// The chat service is heard again.
    pub(super) fn restored(&self, complete: bool) {
        let mut state = self.state();
        if state.degraded {
            state.degraded = false;
            self.send(self.registry.all(), "restored", &Restored { complete });
        }
    }

    fn send(&self, sockets: impl IntoIterator<Item = Sid>, event: &str, data: &impl Serialize) {
        // Absent once the gateway stops.
        let Some(namespace) = self.io.of(BROWSERS) else { return };
        for sid in sockets {
            // One that is connecting is not there yet, one that has left not any more.
            if let Some(socket) = namespace.get_socket(sid) {
                emit(&socket, event, data);
            }
        }
    }
}

/// Tells one socket. One that reads too slowly is cut: it connects again and asks over HTTP what it has missed, whereas
/// leaving something out would go unnoticed.
fn emit(socket: &SocketRef, event: &str, data: &impl Serialize) {
    match socket.emit(event, data) {
        Ok(()) | Err(SendError::Socket(SocketError::Closed)) => {}
        Err(SendError::Socket(SocketError::InternalChannelFull)) => {
            tracing::info!("a socket that does not read was cut");
            if let Some(connection) = socket.req_parts().extensions.get::<Connection>() {
                connection.cut();
            }
        }
        Err(SendError::Serialize(error)) => tracing::error!(error = %error, event, "an event cannot be written"),
    }
}
