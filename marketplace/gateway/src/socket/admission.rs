//! Who may connect to the namespace of browsers, and what they may send.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use platform::token::TokenError;
use serde::{Deserialize, Serialize};
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};
use socketioxide::handler::ConnectHandler as _;
use telemetry::context::MessageContext;

use super::connection::Connection;
use super::hub::Hub;
use super::registry::Seat;
use super::wire::BROWSERS;
use crate::rate::RateLimit;
use crate::session::{self, Sessions};

/// A session that lasts longer is looked at again when its socket connects again.
const LONGEST: u64 = 30 * 24 * 3600;

/// Why nobody may connect, as the client reads it in `connect_error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    NoSession,
    Expired,
    Invalid,
    TooMany,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSession => "sign_in_required",
            Self::Expired => "session_expired",
            Self::Invalid => "invalid_session",
            Self::TooMany => "too_many_sockets",
        })
    }
}

/// What a client may say about itself when it connects.
#[derive(Debug, Default, Deserialize)]
struct Auth {
    #[serde(default)]
    token: Option<String>,
}

/// A socket that is somebody's, for as long as Socket.IO has it.
#[derive(Debug)]
struct Admitted {
    _seat: Seat,
    _counted: telemetry::socketio::Connection,
    connection: Connection,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connection.leave();
    }
}

/// The answer to an event that nobody listens to.
#[derive(Serialize)]
struct Unknown {
    error: &'static str,
}

/// Lets browsers with a session connect; `events` limits what each user sends.
pub(super) fn admit(hub: &Arc<Hub>, sessions: Sessions, events: RateLimit) {
    let at_the_door = Arc::clone(hub);
    let check = move |socket: SocketRef, TryData(auth): TryData<Option<Auth>>| {
        let auth = auth.ok().flatten().unwrap_or_default();
        std::future::ready(enter(&at_the_door, &sessions, &events, &socket, auth))
    };
    let inside = Arc::clone(hub);
    let welcome = move |socket: SocketRef| {
        inside.welcome(&socket);
        std::future::ready(())
    };
    hub.io.ns(BROWSERS, welcome.with(check));
}

fn enter(
    hub: &Arc<Hub>,
    sessions: &Sessions,
    events: &RateLimit,
    socket: &SocketRef,
    auth: Auth,
) -> Result<(), Refusal> {
    let parts = socket.req_parts();
    let Some(connection) = parts.extensions.get::<Connection>().cloned() else { return Err(Refusal::Invalid) };
    let token = auth.token.as_deref().or_else(|| session::token(&parts.headers)).ok_or(Refusal::NoSession)?;
    let (caller, ends) = sessions.read_until(token).map_err(|error| match error {
        TokenError::Expired => Refusal::Expired,
        TokenError::Audience | TokenError::Invalid => Refusal::Invalid,
    })?;
    let seat = hub.registry.seat(&caller.username, socket.id).ok_or(Refusal::TooMany)?;
    let left = u64::try_from(ends.saturating_sub(session::now_s())).unwrap_or(0).min(LONGEST);
    connection.admit(socket.id, tokio::time::Instant::now() + Duration::from_secs(left));
    // Before the client knows that it is connected, so that no event comes too early.
    let (events, namespace, overrun, user) = (events.clone(), hub.browsers.clone(), connection.clone(), caller.id);
    socket.on_fallback(move |Event(event): Event, ack: AckSender| {
        let allowed = events.take(&user, Instant::now()).is_ok();
        if !allowed {
            tracing::info!("a socket sent too many events and was cut");
            overrun.cut();
        }
        let received = namespace.received(&event, &MessageContext::default());
        async move {
            if allowed {
                received.run(async { ack.send(&Unknown { error: "unknown_event" }) }).await.ok();
            }
        }
    });
    let admitted = Admitted { _seat: seat, _counted: hub.browsers.connected(), connection };
    socket.extensions.insert(Arc::new(admitted));
    Ok(())
}
