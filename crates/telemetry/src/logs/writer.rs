//! A bounded buffer between those who log and the thread that writes: logging never waits for stdout.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines kept by an in-memory sink; the oldest go first.
const MEMORY_LINES: usize = 65_536;

/// Where lines go.
pub(crate) enum Sink {
    /// A stream, written by a thread of its own.
    Stream(Box<dyn Write + Send>),
    /// Kept for tests.
    Memory,
}

/// A handle to write with; all clones share one buffer.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Shared>);

/// What became of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WriterStats {
    pub(crate) written: u64,
    pub(crate) dropped: u64,
    pub(crate) failed: u64,
    pub(crate) waiting: u64,
}

struct Shared {
    state: Mutex<State>,
    /// Signalled when there is something to write.
    filled: Condvar,
    /// Signalled when everything has been written.
    drained: Condvar,
    capacity: usize,
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    lines: u64,
    writing: bool,
    memory: Option<VecDeque<String>>,
}

// === impl Writer ===

impl Writer {
    /// A writer that keeps at most `capacity` bytes waiting.
    pub(crate) fn new(sink: Sink, capacity: usize) -> std::io::Result<Self> {
        let memory = matches!(sink, Sink::Memory).then(VecDeque::new);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { memory, ..State::default() }),
            filled: Condvar::new(),
            drained: Condvar::new(),
            capacity,
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        if let Sink::Stream(stream) = sink {
            let writing = Arc::clone(&shared);
            std::thread::Builder::new().name("telemetry-logs".into()).spawn(move || writing.run(stream))?;
        }
        Ok(Self(shared))
    }

    /// Queues one line, which ends with a line break; drops and counts it when the buffer is full.
    pub(super) fn write(&self, line: &str) {
        let shared = &*self.0;
        let mut state = shared.lock();
        if let Some(memory) = &mut state.memory {
            if memory.len() == MEMORY_LINES {
                memory.pop_front();
            }
            memory.push_back(line.trim_end_matches('\n').to_owned());
            shared.written.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if state.pending.len() + line.len() > shared.capacity {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let wake = state.pending.is_empty() && !state.writing;
        state.pending.extend_from_slice(line.as_bytes());
        state.lines += 1;
        drop(state);
        if wake {
            shared.filled.notify_one();
        }
    }

    /// Waits until the buffer is empty; `false` when time ran out first.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let shared = &*self.0;
        let deadline = Instant::now() + timeout;
        let mut state = shared.lock();
        while !state.pending.is_empty() || state.writing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            shared.filled.notify_one();
            state = shared.drained.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn stats(&self) -> WriterStats {
        WriterStats {
            written: self.0.written.load(Ordering::Relaxed),
            dropped: self.0.dropped.load(Ordering::Relaxed),
            failed: self.0.failed.load(Ordering::Relaxed),
            waiting: self.0.lock().lines,
        }
    }

    /// The lines an in-memory sink has kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().memory.iter().flatten().cloned().collect()
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside leaves whole lines behind, so the buffer is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the process ends. Two buffers take turns, so that nobody waits while one is being written.
    fn run(&self, mut stream: Box<dyn Write + Send>) {
        let mut batch = Vec::new();
        let mut reported = 0;
        loop {
            let mut state = self.lock();
            state.writing = false;
            while state.pending.is_empty() {
                self.drained.notify_all();
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            batch.clear();
            std::mem::swap(&mut batch, &mut state.pending);
            let lines = std::mem::take(&mut state.lines);
            state.writing = true;
            drop(state);
            let written = stream.write_all(&batch).and_then(|()| stream.flush());
            // Whoever reads our stdout may have gone; that must not stop the service.
            let counter = if written.is_ok() { &self.written } else { &self.failed };
            counter.fetch_add(lines, Ordering::Relaxed);
            let dropped = self.dropped.load(Ordering::Relaxed);
            if dropped != reported {
                tracing::warn!(target: "telemetry::logs", lines = dropped - reported, "log lines dropped: stdout is too slow");
                reported = dropped;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Blocks until it is told to go on; then everything goes to `seen`.
    struct Gate {
        open: mpsc::Receiver<()>,
        seen: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.open.recv();
            self.seen.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn stalled_stream_drops_lines_and_never_blocks() {
        let (opener, open) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer::new(Sink::Stream(Box::new(Gate { open, seen: Arc::clone(&seen) })), 100).unwrap();
        for _ in 0..1000 {
            writer.write("ten bytes\n");
        }
        assert!(!writer.flush(Duration::from_millis(1)));
        let dropped = writer.stats().dropped;
        // One batch is being written and one waits; nothing else was kept.
        assert!((980..1000).contains(&dropped), "{dropped}");
        drop(opener);
        assert!(writer.flush(Duration::from_secs(10)));
        let stats = writer.stats();
        assert_eq!(stats.written + stats.dropped, 1000);
        assert_eq!(seen.lock().unwrap().len() as u64, stats.written * 10);
    }
}
