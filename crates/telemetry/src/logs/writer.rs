//! A bounded buffer between those who log and the thread that writes: logging never waits for stdout.
//!
//! The thread writes what has gathered in one go, at most once per [`GATHER`]: waking it costs more than a line does.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Lines kept by an in-memory sink; the oldest go first.
const MEMORY_LINES: usize = 65_536;

/// How long lines gather before they are written together: unnoticeable to who reads them.
const GATHER: Duration = Duration::from_millis(2);

/// Longest time between two looks at what is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Where lines go.
pub(crate) enum Sink {
    /// A stream, written by a thread of its own.
    Stream(Box<dyn Write + Send>),
    /// Kept for tests.
    Memory,
}

/// What the writing thread does beside writing, because it is there and awake.
pub(super) trait Chores: Send + Sync {
    /// Does what is due; returns when something will be.
    fn run_due(&self, now: Instant) -> Option<Instant>;

    /// The line that tells that so many lines were dropped.
    fn drops_began(&self, lines: u64) -> String;

    /// The line that tells that lines are no longer dropped, and how many were.
    fn drops_ended(&self, lines: u64) -> String;
}

/// A handle to write with; all clones share one buffer. The thread ends when all are gone and everything is written.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Handle>);

/// What became of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WriterStats {
    pub(crate) written: u64,
    pub(crate) dropped: u64,
    pub(crate) failed: u64,
    pub(crate) waiting: u64,
}

struct Handle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Signalled when there is something to do.
    wanted: Condvar,
    /// Signalled when everything has been written.
    drained: Condvar,
    capacity: usize,
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    chores: OnceLock<Weak<dyn Chores>>,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// Lines in `pending`.
    lines: u64,
    /// Lines being written.
    writing: u64,
    /// Whether the thread waits for the first line.
    idle: bool,
    /// Whether somebody waits, so that nothing may gather.
    urgent: bool,
    /// Whether there may be a new chore.
    nudged: bool,
    closed: bool,
    memory: Option<VecDeque<String>>,
}

// === impl Writer ===

impl Writer {
    /// A writer that keeps at most `capacity` bytes waiting.
    pub(crate) fn new(sink: Sink, capacity: usize) -> std::io::Result<Self> {
        let memory = matches!(sink, Sink::Memory).then(VecDeque::new);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { memory, ..State::default() }),
            wanted: Condvar::new(),
            drained: Condvar::new(),
            capacity,
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            chores: OnceLock::new(),
        });
        let stream: Box<dyn Write + Send> = match sink {
            Sink::Stream(stream) => stream,
            Sink::Memory => Box::new(std::io::sink()),
        };
        let thread = Arc::clone(&shared);
        std::thread::Builder::new().name("telemetry-logs".into()).spawn(move || thread.run(stream))?;
        Ok(Self(Arc::new(Handle(shared))))
    }

    pub(super) fn set_chores<C: Chores + 'static>(&self, chores: Weak<C>) {
        let _ = self.0.0.chores.set(chores);
    }

    /// Queues one line, which ends with a line break; drops and counts it when the buffer is full.
    #[inline]
    pub(super) fn write(&self, line: &str) {
        let shared = &*self.0.0;
        let mut state = shared.lock();
        if let Some(memory) = &mut state.memory {
            if memory.len() == MEMORY_LINES {
                memory.pop_front();
            }
            memory.push_back(line.trim_end_matches('\n').to_owned());
            shared.written.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let before = state.pending.len();
        if before + line.len() > shared.capacity {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.pending.extend_from_slice(line.as_bytes());
        state.lines += 1;
        // Once for the first line, and once when so much has gathered that waiting would be a risk.
        let half = shared.capacity / 2;
        let wake = std::mem::take(&mut state.idle) || (before < half && state.pending.len() >= half);
        drop(state);
        if wake {
            shared.wanted.notify_one();
        }
    }

    /// Makes the thread look at what is due.
    pub(super) fn nudge(&self) {
        self.0.0.lock().nudged = true;
        self.0.0.wanted.notify_one();
    }

    /// Waits until the buffer is empty; `false` when time ran out first.
    pub(crate) fn flush(&self, timeout: Duration) -> bool {
        let shared = &*self.0.0;
        let deadline = Instant::now().checked_add(timeout);
        let mut state = shared.lock();
        while !state.pending.is_empty() || state.writing > 0 {
            let left = deadline.map_or(IDLE, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            state.urgent = true;
            shared.wanted.notify_one();
            state = shared.drained.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(crate) fn stats(&self) -> WriterStats {
        let shared = &*self.0.0;
        let state = shared.lock();
        WriterStats {
            written: shared.written.load(Ordering::Relaxed),
            dropped: shared.dropped.load(Ordering::Relaxed),
            failed: shared.failed.load(Ordering::Relaxed),
            waiting: state.lines + state.writing,
        }
    }

    /// The lines an in-memory sink has kept.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.0.lock().memory.iter().flatten().cloned().collect()
    }
}

// === impl Handle ===

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wanted.notify_one();
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside leaves whole lines behind, so the buffer is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until all handles are gone. Two buffers take turns, so that nobody waits while one is being written.
    fn run(&self, stream: Box<dyn Write + Send>) {
        let mut batch = Vec::new();
        let mut drops = Drops::default();
        let mut output = Output { stream, torn: false };
        while let Some(lines) = self.next(&mut batch) {
            // Whoever reads our stdout may have gone; that must not stop the service.
            let arrived = output.write(&batch);
            let whole = arrived == batch.len();
            let breaks = || batch[..arrived].iter().filter(|b| **b == b'\n').count() as u64;
            // In the pretty format a line may hold line breaks.
            let arrived = if whole { lines } else { breaks().min(lines) };
            self.written.fetch_add(arrived, Ordering::Relaxed);
            self.failed.fetch_add(lines - arrived, Ordering::Relaxed);
            // These go around the buffer, which is full when they matter.
            if let Some(chores) = self.chores()
                && let Some(line) = drops.tell(self.lost(), &*chores)
            {
                let whole = output.write(line.as_bytes()) == line.len();
                let counter = if whole { &self.written } else { &self.failed };
                counter.fetch_add(1, Ordering::Relaxed);
            }
            self.lock().writing = 0;
        }
    }

    /// Lines that the reader of the log misses.
    fn lost(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed) + self.failed.load(Ordering::Relaxed)
    }

    /// Waits for lines, doing what is due meanwhile; moves them to `batch` and returns how many.
    fn next(&self, batch: &mut Vec<u8>) -> Option<u64> {
        let mut due = None;
        let mut state = self.lock();
        loop {
            if state.pending.is_empty() {
                self.drained.notify_all();
                if state.closed {
                    return None;
                }
            }
            if state.nudged || due.is_some_and(|due| due <= Instant::now()) || due.is_none() {
                state.nudged = false;
                drop(state);
                let now = Instant::now();
                let next = self.chores().and_then(|chores| chores.run_due(now));
                due = Some(next.unwrap_or(now + IDLE));
                state = self.lock();
            }
            if !state.pending.is_empty() {
                break;
            }
            if state.nudged || state.closed {
                continue;
            }
            let patience = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
            state.idle = true;
            state = self.wait(state, patience);
            state.idle = false;
        }
        if !state.urgent && !state.closed && state.pending.len() < self.capacity / 2 {
            state = self.wait(state, GATHER);
        }
        state.urgent = false;
        batch.clear();
        std::mem::swap(batch, &mut state.pending);
        let lines = std::mem::take(&mut state.lines);
        state.writing = lines;
        Some(lines)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, patience: Duration) -> MutexGuard<'a, State> {
        self.wanted.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
    }

    fn chores(&self) -> Option<Arc<dyn Chores>> {
        self.chores.get().and_then(Weak::upgrade)
    }
}

/// The stream, and how it was left.
struct Output {
    stream: Box<dyn Write + Send>,
    /// Whether it ends inside of a line, which must not run into the next one.
    torn: bool,
}

impl Output {
    /// Writes whole lines; returns how many of their bytes the stream took.
    fn write(&mut self, lines: &[u8]) -> usize {
        if self.torn && self.take(b"\n") == 0 {
            return 0;
        }
        let taken = self.take(lines);
        if taken > 0 {
            self.torn = lines[taken - 1] != b'\n';
        }
        taken
    }

    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() {
            match self.stream.write(&bytes[taken..]) {
                Ok(0) => break,
                Ok(count) => taken += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let _ = self.stream.flush();
        taken
    }
}

/// Remembers whether the reader of the log knows that lines are missing.
#[derive(Default)]
struct Drops {
    /// Dropped lines as of the last look.
    seen: u64,
    /// Dropped lines before the first that were not told as ended.
    before: Option<u64>,
}

impl Drops {
    /// What is to be told after a batch, once when drops begin and once when a whole batch passed without any.
    fn tell(&mut self, dropped: u64, chores: &dyn Chores) -> Option<String> {
        let more = dropped > self.seen;
        let since = std::mem::replace(&mut self.seen, dropped);
        match self.before {
            None if more => {
                self.before = Some(since);
                Some(chores.drops_began(dropped - since))
            }
            Some(before) if !more => {
                self.before = None;
                Some(chores.drops_ended(dropped - before))
            }
            _ => None,
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

    struct Teller;

    impl Chores for Teller {
        fn run_due(&self, _: Instant) -> Option<Instant> {
            None
        }

        fn drops_began(&self, lines: u64) -> String {
            format!("began {lines}\n")
        }

        fn drops_ended(&self, lines: u64) -> String {
            format!("ended {lines}\n")
        }
    }

    fn gated(capacity: usize) -> (Writer, mpsc::Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (opener, open) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stream = Gate { open, seen: Arc::clone(&seen) };
        (Writer::new(Sink::Stream(Box::new(stream)), capacity).unwrap(), opener, seen)
    }

    #[test]
    fn stalled_stream_drops_lines_and_never_blocks() {
        let (writer, opener, seen) = gated(100);
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

    #[test]
    fn drops_are_told_when_they_begin_and_when_they_end() {
        let (writer, opener, seen) = gated(100);
        let teller = Arc::new(Teller);
        writer.set_chores(Arc::downgrade(&teller));
        for _ in 0..1000 {
            writer.write("ten bytes\n");
        }
        let dropped = writer.stats().dropped;
        drop(opener);
        assert!(writer.flush(Duration::from_secs(10)));
        writer.write("afterwards\n");
        assert!(writer.flush(Duration::from_secs(10)));
        let text = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("began").count(), 1, "{text}");
        assert_eq!(text.matches(&format!("ended {dropped}\n")).count(), 1, "{dropped} in {text}");
    }

    /// Takes seven bytes, fails once, and then takes everything.
    struct Torn(Arc<Mutex<Vec<u8>>>, bool);

    impl Write for Torn {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut seen = self.0.lock().unwrap();
            if seen.len() == 7 && !std::mem::replace(&mut self.1, true) {
                return Err(std::io::ErrorKind::WouldBlock.into());
            }
            let count = if seen.len() < 7 { bytes.len().min(7 - seen.len()) } else { bytes.len() };
            seen.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn torn_line_ends_before_the_next_and_is_told() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer::new(Sink::Stream(Box::new(Torn(Arc::clone(&seen), false))), 100).unwrap();
        let teller = Arc::new(Teller);
        writer.set_chores(Arc::downgrade(&teller));
        writer.write("one\n");
        writer.write("torn line\n");
        assert!(writer.flush(Duration::from_secs(10)));
        writer.write("whole\n");
        assert!(writer.flush(Duration::from_secs(10)));
        let text = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("one\ntor\nbegan 1\n") && text.contains("\nwhole\n"), "{text}");
        assert_eq!(writer.stats().failed, 1);
    }

    #[test]
    fn lines_of_many_threads_arrive_whole_or_are_counted() {
        let (writer, opener, seen) = gated(1 << 12);
        drop(opener);
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let writer = writer.clone();
                std::thread::spawn(move || (0..2000).for_each(|line| writer.write(&format!("{thread} {line}\n"))))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(writer.flush(Duration::from_secs(10)));
        let stats = writer.stats();
        assert_eq!(stats.written + stats.dropped, 16_000);
        let text = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count() as u64, stats.written);
        for thread in 0..8 {
            let prefix = format!("{thread} ");
            let numbers = text.lines().filter_map(|line| line.strip_prefix(&prefix)?.parse::<u32>().ok());
            assert!(numbers.is_sorted(), "lines of one thread stay in order");
        }
    }

    #[test]
    fn thread_ends_with_the_last_handle_and_writes_everything_first() {
        let (writer, opener, seen) = gated(1 << 12);
        writer.write("last words\n");
        let shared = Arc::downgrade(&writer.0.0);
        drop((writer, opener));
        let deadline = Instant::now() + Duration::from_secs(10);
        while shared.strong_count() > 0 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(shared.strong_count(), 0);
        assert_eq!(*seen.lock().unwrap(), b"last words\n");
    }
}
