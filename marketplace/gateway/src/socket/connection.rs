//! One browser's connection: from the WebSocket, through a session, to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use socketioxide::SocketIo;
use socketioxide::socket::Sid;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::wire::BROWSERS;
use super::{PING, PONG};

/// How long after the WebSocket a browser has to say who it is.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// How long last words may take to go out before the connection is cut.
const GRACE: Duration = Duration::from_secs(2);
/// How long a browser may be silent: it answers heartbeats. Socket.IO counts as well, but takes its leave only of a browser
/// that reads what was written before.
const SILENCE: Duration = Duration::from_secs(PING.as_secs() + PONG.as_secs() + GRACE.as_secs());

/// How long a connection may be in a state that must end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    connect: Duration,
    grace: Duration,
    silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT, grace: GRACE, silence: SILENCE }
    }
}

/// A handle on a connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connection(Arc<State>);

#[derive(Debug)]
struct State {
    opened: Instant,
    /// Milliseconds from `opened` to when something was last read.
    heard: AtomicU64,
    session: OnceLock<Session>,
    admitted: CancellationToken,
    left: CancellationToken,
    cut: CancellationToken,
}

#[derive(Debug)]
struct Session {
    sid: Sid,
    ends: Instant,
}

impl Connection {
    pub(super) fn new() -> Self {
        let token = CancellationToken::new;
        Self(Arc::new(State {
            opened: Instant::now(),
            heard: AtomicU64::new(0),
            session: OnceLock::new(),
            admitted: token(),
            left: token(),
            cut: token(),
        }))
    }

    /// Says that something was read.
    pub(super) fn hear(&self) {
        let since = u64::try_from(self.0.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.heard.store(since, Ordering::Relaxed);
    }

    /// Returns when nothing has been read for `silence`.
    async fn silent(&self, silence: Duration) {
        loop {
            let heard = self.0.opened + Duration::from_millis(self.0.heard.load(Ordering::Relaxed));
            if heard.elapsed() >= silence {
                return;
            }
            sleep_until(heard + silence).await;
        }
    }

    /// Says that `sid` is somebody, until `ends`.
    pub(super) fn admit(&self, sid: Sid, ends: Instant) {
        // A connection has one session: Socket.IO ignores whoever connects twice.
        _ = self.0.session.set(Session { sid, ends });
        self.0.admitted.cancel();
    }

    /// Says that it has left the namespace.
    pub(super) fn leave(&self) {
        self.0.left.cancel();
    }

    /// Ends it now; what is not yet written is lost, and its browser connects again.
    pub(super) fn cut(&self) {
        self.0.cut.cancel();
    }

    /// Whether it was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.0.cut.is_cancelled()
    }

    /// Cancelled when it is cut.
    pub(super) fn token(&self) -> CancellationToken {
        self.0.cut.clone()
    }

    /// Sees to it that it ends: without a session soon, with one when that ends, and in any case when it has left.
    pub(super) async fn supervise(self, io: SocketIo, patience: Patience) {
        let state = &self.0;
        tokio::select! {
            () = state.admitted.cancelled() => {}
            () = state.cut.cancelled() => return,
            () = sleep(patience.connect + patience.grace) => return state.cut.cancel(),
        }
        if let Some(session) = state.session.get() {
            tokio::select! {
                () = state.left.cancelled() => {}
                () = state.cut.cancelled() => return,
                () = self.silent(patience.silence) => return state.cut.cancel(),
                () = sleep_until(session.ends) => {
                    if let Some(socket) = io.of(BROWSERS).and_then(|all| all.get_socket(session.sid)) {
                        _ = socket.disconnect();
                    }
                }
            }
        }
        tokio::select! {
            () = state.cut.cancelled() => {}
            () = sleep(patience.grace) => state.cut.cancel(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Patience = Patience {
        connect: Duration::from_millis(5),
        grace: Duration::from_millis(5),
        silence: Duration::from_millis(5),
    };
    /// What takes this long does not happen.
    const NEVER: Duration = Duration::from_secs(86_400);

    async fn is_cut(connection: &Connection, patience: Patience) {
        let (_, io) = SocketIo::new_svc();
        let supervised = connection.clone().supervise(io, patience);
        tokio::time::timeout(Duration::from_secs(20), supervised).await.expect("it is cut in time");
        assert!(connection.is_cut());
    }

    #[tokio::test]
    async fn browser_without_a_session_is_cut() {
        is_cut(&Connection::new(), Patience { silence: NEVER, ..SHORT }).await;
    }

    #[tokio::test]
    async fn silent_browser_is_cut() {
        let connection = Connection::new();
        connection.admit(Sid::new(), Instant::now() + NEVER);
        is_cut(&connection, Patience { connect: NEVER, grace: NEVER, ..SHORT }).await;
    }

    #[tokio::test]
    async fn connection_of_a_socket_that_has_left_is_cut_after_its_last_words() {
        let connection = Connection::new();
        connection.admit(Sid::new(), Instant::now() + NEVER);
        connection.leave();
        is_cut(&connection, Patience { connect: NEVER, silence: NEVER, ..SHORT }).await;
    }
}
