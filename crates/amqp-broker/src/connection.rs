//! One TCP connection: a task that reads and one that writes.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::BytesMut;
use tokio::{
    io::AsyncReadExt,
    net::{TcpStream, tcp::OwnedReadHalf},
};
use tokio_util::sync::CancellationToken;

use crate::{
    method::Method,
    outbox::{self, Outbox},
    server::Shared,
    session::{Session, Stage},
    value::ShortStr,
};

/// Room made in the read buffer before each read.
const READ: usize = 64 * 1024;

/// How long the last octets may take to be written once the connection has ended.
const FLUSH_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Serves the connection until it ends, and then lets go of all that it held.
pub(crate) async fn serve(shared: Arc<Shared>, socket: TcpStream, peer: SocketAddr, local: SocketAddr) {
    let (mut reader, writer) = socket.into_split();
    let outbox = Arc::new(Outbox::new(shared.config.limits.write_buffer));
    let id = shared.vhost().fresh_id();
    let held = Held { shared: Arc::clone(&shared), id, outbox: Arc::clone(&outbox) };
    let gone = CancellationToken::new();
    let mut writing = tokio::spawn({
        let (outbox, shared, gone) = (Arc::clone(&outbox), Arc::clone(&shared), gone.clone().drop_guard());
        async move {
            let _gone = gone;
            let flush = || shared.flush();
            let on_room = || shared.vhost().has_room(id);
            tokio::select! {
                // The error is the end of the connection, which its reader sees by the guard.
                _ = outbox::write_all(outbox, writer, flush, on_room) => {}
                () = shared.stopped.cancelled() => {}
            }
        }
    });
    let mut session = Session::new(shared, id, outbox, peer, local);
    read_all(&mut session, &mut reader, &gone).await;
    drop(held);
    if tokio::time::timeout(FLUSH_PATIENCE, &mut writing).await.is_err() {
        writing.abort();
    }
}

/// Requeues and releases even when the task that serves the connection is dropped.
struct Held {
    shared: Arc<Shared>,
    id: u64,
    outbox: Arc<Outbox>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.vhost().close_connection(self.id);
        self.outbox.close();
        // A failure leaves the records pending for the next flush.
        let _ = self.shared.flush();
    }
}

async fn read_all(session: &mut Session, reader: &mut OwnedReadHalf, gone: &CancellationToken) {
    let shared = Arc::clone(&session.shared);
    let handshake_deadline = Instant::now() + shared.config.limits.handshake;
    let mut heard = Instant::now();
    let mut buffer = BytesMut::with_capacity(READ);
    while session.stage != Stage::Done {
        let deadline = match session.stage {
            Stage::Running if session.heartbeat == 0 => None,
            Stage::Running => Some(heard + session.patience()),
            Stage::Closing => Some(session.close_deadline),
            _ => Some(handshake_deadline),
        };
        let late = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        buffer.reserve(READ);
        tokio::select! {
            biased;
            () = gone.cancelled() => return,
            () = session.force_close.cancelled(), if session.stage != Stage::Closing => {
                session.force(&mut shared.vhost());
                continue;
            }
            read = reader.read_buf(&mut buffer) => match read {
                Ok(0) | Err(_) => return,
                Ok(_) => heard = Instant::now(),
            },
            () = late => return,
        }
        let blocked = {
            let mut vhost = shared.vhost();
            session.consume(&mut vhost, &mut buffer);
            vhost.compact_if_worthwhile();
            std::mem::take(&mut session.published) && vhost.is_alarmed()
        };
        if shared.flush().is_err() {
            // Confirms are waiting behind what could not be written: the publisher must not see them.
            return;
        }
        if !has_room(session, gone).await {
            return;
        }
        if blocked && session.stage == Stage::Running {
            wait_for_memory(session, gone).await;
            heard = Instant::now();
        }
    }
}

/// Waits while the peer does not take its answers; false when it is to be given up.
async fn has_room(session: &Session, gone: &CancellationToken) -> bool {
    let patience = async {
        match session.heartbeat {
            0 => std::future::pending().await,
            _ => tokio::time::sleep(session.patience()).await,
        }
    };
    tokio::select! {
        biased;
        () = session.outbox.wait_to_read() => true,
        () = gone.cancelled() => false,
        () = session.force_close.cancelled() => false,
        () = patience => false,
    }
}

/// Blocks a publisher until the queues hold less, as RabbitMQ does on its memory alarm.
async fn wait_for_memory(session: &Session, gone: &CancellationToken) {
    let set_blocked = |blocked| {
        if let Some(info) = session.shared.vhost().connections.get_mut(&session.id) {
            info.blocked = blocked;
        }
        if session.knows_blocked {
            let method = if blocked {
                Method::ConnectionBlocked { reason: ShortStr::truncated("low on memory") }
            } else {
                Method::ConnectionUnblocked {}
            };
            session.outbox.push_method(0, &method);
        }
    };
    set_blocked(true);
    loop {
        let mut freed = std::pin::pin!(session.shared.memory_freed.notified());
        // Registered before the check, or the notice could come between the two.
        freed.as_mut().enable();
        if !session.shared.vhost().is_alarmed() {
            break;
        }
        tokio::select! {
            () = freed => {}
            () = gone.cancelled() => return,
            () = session.force_close.cancelled() => break,
        }
    }
    set_blocked(false);
}
