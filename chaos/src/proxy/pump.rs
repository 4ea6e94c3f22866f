//! One direction of a connection.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::counters::{Counters, add};
use super::toxic::{Effect, Effects, Toxics};
use crate::load::substream;

/// Bytes read at once. Large enough that copying is cheap, small enough for many idle connections.
const CHUNK: usize = 32 * 1024;
/// Bytes that may wait in a delay queue; a sender that is faster is held back, as by a full buffer of a real link.
const QUEUED: usize = 2 << 20;
/// Longest burst that a bandwidth lets through at once.
const BURST: Duration = Duration::from_millis(50);

/// Everything that the two directions of a connection share.
pub(super) struct Passage<'a> {
    pub(super) link: &'a str,
    pub(super) connection: u64,
    pub(super) counters: &'a Counters,
}

/// Which of the two directions, and where its bytes are counted.
pub(super) struct Way<'a> {
    pub(super) effect: fn(&Effects) -> Effect,
    pub(super) bytes: &'a AtomicU64,
}

struct Chunk {
    /// Empty for the end of the stream, which is as late as the bytes before it.
    bytes: Bytes,
    arrived: Instant,
    release: Instant,
}

/// Bytes on their way, each with the moment before which it must not arrive.
struct Queue {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    latest: Instant,
    /// When the bandwidth has room again.
    free: Instant,
    random: ChaCha12Rng,
}

/// Copies one direction until its end, which it passes on as a half-close.
///
/// # Errors
/// When either side fails; the connection is then to be reset.
pub(super) async fn pump(
    passage: &Passage<'_>,
    way: &Way<'_>,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut toxics: watch::Receiver<Toxics>,
) -> io::Result<()> {
    let effects = |toxics: &mut watch::Receiver<Toxics>| {
        Effects::of(&toxics.borrow_and_update(), passage.link, passage.connection)
    };
    let mut all = effects(&mut toxics);
    let mut queue = Queue::new(substream(all.seed, "jitter", &format!("{}/{}", passage.link, passage.connection)));
    let mut buffer = vec![0; CHUNK];
    let (mut ended, mut held) = (false, false);
    loop {
        let effect = (way.effect)(&all);
        if effect == Effect::default() && queue.chunks.is_empty() {
            if ended {
                break;
            }
            // The cheap path: nothing is queued, copied or timed.
            tokio::select! {
                read = from.read(&mut buffer) => match read? {
                    0 => break,
                    n => {
                        to.write_all(&buffer[..n]).await?;
                        add(way.bytes, n as u64);
                    }
                },
                Ok(()) = toxics.changed() => all = effects(&mut toxics),
            }
            continue;
        }
        let room = if effect.blackhole { !held } else { queue.bytes < QUEUED };
        let next = (!effect.blackhole).then(|| queue.next(&effect)).flatten();
        tokio::select! {
            Ok(()) = toxics.changed() => {
                all = effects(&mut toxics);
                queue.relax(&(way.effect)(&all));
                held = held && (way.effect)(&all).blackhole;
            }
            taken = intake(&mut from, &mut buffer, effect.blackhole), if !ended && room => {
                let n = taken?;
                if effect.blackhole {
                    // Counted once somebody sent something that is not passed on.
                    held = true;
                    add(&passage.counters.held, u64::from(n > 0));
                } else {
                    ended = n == 0;
                    queue.push(Bytes::copy_from_slice(&buffer[..n]), &effect);
                }
            }
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {
                let Some(bytes) = queue.pop(&effect, passage.counters) else { break };
                to.write_all(&bytes).await?;
                add(way.bytes, bytes.len() as u64);
            }
        }
    }
    to.shutdown().await
}

/// Reads bytes, or in front of a black hole only looks whether there are any.
async fn intake(from: &mut ReadHalf<'_>, buffer: &mut [u8], look: bool) -> io::Result<usize> {
    if look { from.peek(&mut buffer[..1]).await } else { from.read(buffer).await }
}

impl Queue {
    fn new(random: ChaCha12Rng) -> Self {
        let now = Instant::now();
        Self { chunks: VecDeque::new(), bytes: 0, latest: now, free: now, random }
    }

    fn push(&mut self, bytes: Bytes, effect: &Effect) {
        let now = Instant::now();
        let mut delay = effect.delay;
        if !effect.jitter.is_zero() {
            let jitter = effect.jitter.mul_f64(self.random.random::<f64>() * 2.0);
            delay = (delay + jitter).saturating_sub(effect.jitter);
        }
        // Bytes of a stream cannot overtake each other, however the jitter falls.
        self.latest = self.latest.max(now + delay);
        self.bytes += bytes.len();
        self.chunks.push_back(Chunk { bytes, arrived: now, release: self.latest });
    }

    /// When the first chunk may go on.
    fn next(&self, effect: &Effect) -> Option<Instant> {
        let first = self.chunks.front()?;
        Some(if effect.bandwidth.is_some() { first.release.max(self.free) } else { first.release })
    }

    /// What may go on now of the first chunk; none at the end of the stream.
    fn pop(&mut self, effect: &Effect, counters: &Counters) -> Option<Bytes> {
        let first = self.chunks.front_mut()?;
        let now = Instant::now();
        let burst = effect.bandwidth.map_or(usize::MAX, |rate| ((rate as f64 * BURST.as_secs_f64()) as usize).max(1));
        let bytes = first.bytes.split_to(first.bytes.len().min(burst));
        let whole = first.bytes.is_empty();
        if effect.delay + effect.jitter > Duration::ZERO {
            add(&counters.delayed_bytes, bytes.len() as u64);
            let held = now.duration_since(first.arrived).as_micros();
            counters.longest_delay_us.fetch_max(u64::try_from(held).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        if let Some(rate) = effect.bandwidth {
            if self.free > first.arrived {
                add(&counters.throttled_bytes, bytes.len() as u64);
            }
            self.free = self.free.max(now) + Duration::from_secs_f64(bytes.len() as f64 / rate as f64);
        }
        if whole {
            self.chunks.pop_front();
        }
        self.bytes -= bytes.len();
        (!bytes.is_empty()).then_some(bytes)
    }

    /// After a change: nothing waits longer than it would if it arrived now.
    fn relax(&mut self, effect: &Effect) {
        let limit = Instant::now() + effect.delay + effect.jitter;
        for chunk in &mut self.chunks {
            chunk.release = chunk.release.min(limit);
        }
        self.latest = self.latest.min(limit);
    }
}
