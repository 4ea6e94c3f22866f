//! One connection through a link.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::counters::{Counters, add};
use super::pump::{Passage, Way, pump};
use super::toxic::{Effects, Toxics};
use super::upstream::Upstream;

/// Time allowed for reaching the far end; what it takes longer is as good as dead.
const CONNECT: Duration = Duration::from_secs(5);

/// How a connection ended.
enum End {
    /// Both sides were done.
    Closed,
    /// One side failed, and the other is told so.
    Failed,
    /// A fault reset it.
    Reset,
    /// A fault cut it.
    Cut,
    /// The far end was not there.
    Unreachable,
}

/// Counts a connection as open for as long as it lives, however it ends.
struct Open<'a>(&'a Counters);

impl<'a> Open<'a> {
    fn new(counters: &'a Counters) -> Self {
        add(&counters.open, 1);
        Self(counters)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a connection until it ends or a fault ends it.
pub(super) async fn serve(
    mut client: TcpStream,
    upstream: Upstream,
    passage: Passage<'_>,
    mut toxics: watch::Receiver<Toxics>,
) {
    let counters = passage.counters;
    let _open = Open::new(counters);
    let pumps = toxics.clone();
    let mut far = None;
    let end = {
        let carried = async {
            match reach(&upstream).await {
                Ok(stream) => carry(&passage, &mut client, far.insert(stream), pumps).await,
                Err(_) => End::Unreachable,
            }
        };
        tokio::select! {
            biased;
            end = interrupted(&mut toxics, &passage) => end,
            end = carried => end,
        }
    };
    let counter = match end {
        // Dropping both sockets closes them in order.
        End::Closed => return,
        End::Cut => return add(&counters.cut, 1),
        End::Failed => None,
        End::Reset => Some(&counters.resets),
        End::Unreachable => Some(&counters.unreachable),
    };
    if let Some(counter) = counter {
        add(counter, 1);
    }
    // With nothing to linger for, the close that follows sends RST instead of FIN.
    for socket in [Some(&client), far.as_ref()].into_iter().flatten() {
        let _ = socket.set_zero_linger();
    }
}

async fn reach(upstream: &Upstream) -> io::Result<TcpStream> {
    let address = upstream.get().ok_or(io::ErrorKind::NotConnected)?;
    tokio::time::timeout(CONNECT, TcpStream::connect(&address)).await?
}

async fn carry(
    passage: &Passage<'_>,
    client: &mut TcpStream,
    far: &mut TcpStream,
    toxics: watch::Receiver<Toxics>,
) -> End {
    for socket in [&*client, &*far] {
        // A proxy that waits to fill segments would add a latency of its own.
        let _ = socket.set_nodelay(true);
    }
    let (from_client, to_client) = client.split();
    let (from_far, to_far) = far.split();
    let up = Way { effect: |effects| effects.up, bytes: &passage.counters.bytes_up };
    let down = Way { effect: |effects| effects.down, bytes: &passage.counters.bytes_down };
    let both = tokio::try_join!(
        pump(passage, &up, from_client, to_far, toxics.clone()),
        pump(passage, &down, from_far, to_client, toxics),
    );
    if both.is_ok() { End::Closed } else { End::Failed }
}

/// Waits for a fault that ends the connection.
async fn interrupted(toxics: &mut watch::Receiver<Toxics>, passage: &Passage<'_>) -> End {
    loop {
        let effects = Effects::of(&toxics.borrow_and_update(), passage.link, passage.connection);
        if effects.cut {
            return End::Cut;
        }
        if effects.reset {
            return End::Reset;
        }
        if toxics.changed().await.is_err() {
            // The link is gone, and with it every connection.
            return End::Cut;
        }
    }
}
