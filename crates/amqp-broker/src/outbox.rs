//! What waits to be written to one connection, and the task that writes it.
//!
//! Deliveries go in only while there is room, and the connection's reader stops while there is none, so that a slow
//! peer holds a bounded number of bytes. The writer passes the journal on before any octet leaves the process: a
//! confirm on the wire is always behind its message in the file.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::Notify,
};

use crate::{frame, method::Method};

/// Capacity of a buffer above which it is given back to the allocator once written.
const KEEP: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    ready: Notify,
    room: Notify,
    /// Octets pushed and not yet taken by the operating system.
    queued: AtomicUsize,
    starved: AtomicBool,
    limit: usize,
    frame_max: AtomicU32,
    heartbeat_seconds: AtomicU32,
}

#[derive(Debug, Default)]
struct Inner {
    buffer: BytesMut,
    closed: bool,
}

/// What the writer is to do next.
enum Next {
    Write(BytesMut),
    Heartbeat,
    Stop,
}

impl Outbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            inner: Mutex::default(),
            ready: Notify::new(),
            room: Notify::new(),
            queued: AtomicUsize::new(0),
            starved: AtomicBool::new(false),
            limit: limit.max(1),
            frame_max: AtomicU32::new(frame::MIN_MAX),
            heartbeat_seconds: AtomicU32::new(0),
        }
    }

    /// Fixes what the peers have agreed on.
    pub(crate) fn tune(&self, frame_max: u32, heartbeat_seconds: u16) {
        self.frame_max.store(frame_max, SeqCst);
        self.heartbeat_seconds.store(u32::from(heartbeat_seconds), SeqCst);
        // The writer may be waiting without a deadline.
        self.ready.notify_one();
    }

    /// Octets that wait.
    pub(crate) fn queued(&self) -> usize {
        self.queued.load(SeqCst)
    }

    /// Whether another delivery may be pushed.
    pub(crate) fn has_room(&self) -> bool {
        self.queued.load(SeqCst) < self.limit
    }

    /// Like [`has_room`](Self::has_room), and when there is none, the writer will ask for deliveries once there is.
    pub(crate) fn has_room_or_starves(&self) -> bool {
        if self.has_room() {
            return true;
        }
        self.starved.store(true, SeqCst);
        // The writer may have made room before it could see the flag.
        self.has_room()
    }

    /// Waits while the peer leaves so much unread that nothing more should be read from it.
    ///
    /// Deliveries alone never get that far: a client that is busy sending acks must not have to read first.
    pub(crate) async fn wait_to_read(&self) {
        while self.queued.load(SeqCst) >= self.limit.saturating_mul(2) && !self.lock().closed {
            self.room.notified().await;
        }
    }

    pub(crate) fn push_method(&self, channel: u16, method: &Method) {
        self.push(|out, _| frame::write_method(out, channel, method));
    }

    /// A method with its content, never interleaved with another frame of the channel.
    pub(crate) fn push_content(&self, channel: u16, method: &Method, properties: &[u8], body: &[u8]) {
        self.push(|out, frame_max| {
            frame::write_method(out, channel, method);
            frame::write_content(out, channel, properties, body, frame_max);
        });
    }

    pub(crate) fn push_bytes(&self, bytes: &[u8]) {
        self.push(|out, _| out.extend_from_slice(bytes));
    }

    fn push(&self, write: impl FnOnce(&mut BytesMut, usize)) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        let before = inner.buffer.len();
        write(&mut inner.buffer, self.frame_max.load(SeqCst) as usize);
        self.queued.fetch_add(inner.buffer.len() - before, SeqCst);
        drop(inner);
        if before == 0 {
            self.ready.notify_one();
        }
    }

    /// Refuses further pushes; the writer ends after what is queued.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
        self.room.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn next(&self) -> Next {
        loop {
            {
                let mut inner = self.lock();
                if !inner.buffer.is_empty() {
                    return Next::Write(std::mem::take(&mut inner.buffer));
                }
                if inner.closed {
                    return Next::Stop;
                }
            }
            let seconds = self.heartbeat_seconds.load(SeqCst);
            if seconds == 0 {
                self.ready.notified().await;
            } else {
                // Twice as often as agreed, so that one late heartbeat does not cost the connection.
                let pause = Duration::from_millis(u64::from(seconds) * 500);
                if tokio::time::timeout(pause, self.ready.notified()).await.is_err() {
                    return Next::Heartbeat;
                }
            }
            // Tasks that are ready to run may have more to add: one write for all of it costs less than one for each.
            tokio::task::yield_now().await;
        }
    }

    fn give_back(&self, mut buffer: BytesMut) {
        let mut inner = self.lock();
        if inner.buffer.is_empty() && inner.buffer.capacity() == 0 && buffer.capacity() <= KEEP {
            buffer.clear();
            inner.buffer = buffer;
        }
    }
}

/// Writes until the outbox is closed and empty, or the peer is gone.
///
/// `before_write` runs before octets leave; `on_room` when deliveries were withheld and there is room again.
///
/// # Errors
/// When `before_write` or the socket fails.
pub(crate) async fn write_all(
    outbox: Arc<Outbox>,
    mut socket: impl AsyncWrite + Unpin,
    mut before_write: impl FnMut() -> io::Result<()>,
    mut on_room: impl FnMut(),
) -> io::Result<()> {
    loop {
        match outbox.next().await {
            Next::Write(buffer) => {
                before_write()?;
                socket.write_all(&buffer).await?;
                outbox.queued.fetch_sub(buffer.len(), SeqCst);
                outbox.give_back(buffer);
                outbox.room.notify_one();
                if outbox.queued.load(SeqCst) <= outbox.limit / 2 && outbox.starved.swap(false, SeqCst) {
                    on_room();
                }
            }
            Next::Heartbeat => {
                let mut heartbeat = BytesMut::new();
                frame::write_heartbeat(&mut heartbeat);
                socket.write_all(&heartbeat).await?;
            }
            Next::Stop => {
                return socket.shutdown().await;
            }
        }
    }
}
