//! What waits for export: a bounded buffer that never makes its callers wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ExportState;

/// Places that are set aside at once; a larger queue grows when it must.
const PREALLOCATED: usize = 8192;

/// Shared by those who push and the one thread that takes.
#[derive(Debug)]
pub(crate) struct Queue<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    buffer: Mutex<Buffer<T>>,
    /// A batch is full, or somebody wants everything out.
    ready: Condvar,
    /// Items have left for good.
    settled: Condvar,
    capacity: usize,
    batch: usize,
    state: Arc<ExportState>,
}

#[derive(Debug)]
struct Buffer<T> {
    items: Vec<T>,
    /// Items taken in so far, and those of them that were exported or lost since; the rest waits or is being exported.
    offered: u64,
    settled: u64,
    flush: bool,
    closed: bool,
}

// === impl Queue ===

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Queue<T> {
    /// At most `capacity` items wait, those being exported included; `batch` of them wake the exporter.
    pub(super) fn new(capacity: usize, batch: usize, state: Arc<ExportState>) -> Self {
        let buffer = Buffer {
            items: Vec::with_capacity(capacity.min(PREALLOCATED)),
            offered: 0,
            settled: 0,
            flush: false,
            closed: false,
        };
        let batch = batch.clamp(1, capacity.max(1));
        Self(Arc::new(Shared {
            buffer: Mutex::new(buffer),
            ready: Condvar::new(),
            settled: Condvar::new(),
            capacity,
            batch,
            state,
        }))
    }

    /// Leaves `item` to the exporter; when there is no room it is dropped and counted.
    pub(crate) fn push(&self, item: T) {
        let shared = &*self.0;
        let mut buffer = shared.lock();
        if buffer.closed || buffer.waiting() >= shared.capacity as u64 {
            drop(buffer);
            shared.state.dropped.add(1);
            return;
        }
        buffer.offered += 1;
        buffer.items.push(item);
        let full = buffer.items.len() == shared.batch;
        drop(buffer);
        if full {
            shared.ready.notify_one();
        }
    }

    /// Items taken in so far.
    pub(super) fn offered(&self) -> u64 {
        self.0.lock().offered
    }

    /// Items taken out again so far.
    pub(super) fn taken(&self) -> u64 {
        let buffer = self.0.lock();
        buffer.offered - buffer.items.len() as u64
    }

    /// Items that were taken in and are neither exported nor lost yet.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> u64 {
        self.0.lock().waiting()
    }

    pub(super) fn capacity(&self) -> usize {
        self.0.capacity
    }

    pub(super) fn batch(&self) -> usize {
        self.0.batch
    }

    /// Waits until a batch is full, `delay` has passed or the queue is flushed or closed, then swaps everything into `into`,
    /// which must be empty. `false` when the queue is closed and empty.
    pub(super) fn take(&self, into: &mut Vec<T>, delay: Duration) -> bool {
        let shared = &*self.0;
        let idle = |buffer: &mut Buffer<T>| buffer.items.len() < shared.batch && !buffer.flush && !buffer.closed;
        let waited = shared.ready.wait_timeout_while(shared.lock(), delay, idle);
        let (mut buffer, _) = waited.unwrap_or_else(PoisonError::into_inner);
        buffer.flush = false;
        std::mem::swap(&mut buffer.items, into);
        !(buffer.closed && into.is_empty())
    }

    /// Says that `items` of those taken have left for good.
    pub(super) fn settle(&self, items: usize) {
        self.0.lock().settled += items as u64;
        self.0.settled.notify_all();
    }

    /// Takes nothing more in, and wakes the exporter for what waits.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
        self.0.ready.notify_one();
    }

    /// Waits until everything pushed so far has left; `false` when that took longer than `patience`.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        let shared = &*self.0;
        let until = Instant::now() + patience;
        let mut buffer = shared.lock();
        let wanted = buffer.offered;
        buffer.flush = true;
        shared.ready.notify_one();
        while buffer.settled < wanted {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            buffer = shared.settled.wait_timeout(buffer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Buffer<T>> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Buffer<T> {
    fn waiting(&self) -> u64 {
        self.offered - self.settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const LONG: Duration = Duration::from_secs(20);

    fn queue(capacity: usize, batch: usize) -> (Queue<u32>, Arc<ExportState>) {
        let state = Arc::new(ExportState::new("traces", "span", "http://collector"));
        (Queue::new(capacity, batch, Arc::clone(&state)), state)
    }

    #[test]
    fn full_queue_drops_counts_and_takes_again_once_items_have_left() {
        let (queue, state) = queue(2, 2);
        (0..5).for_each(|n| queue.push(n));
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken, LONG));
        // Those being exported still take their places.
        queue.push(5);
        assert_eq!((taken, queue.waiting(), state.dropped.get()), (vec![0, 1], 2, 4));
        queue.settle(1);
        queue.push(6);
        assert_eq!((queue.waiting(), state.dropped.get()), (2, 4));
    }

    #[test]
    fn full_batch_wakes_the_exporter_and_a_part_of_one_waits_for_the_delay() {
        let (queue, _) = queue(100, 3);
        let taker = queue.clone();
        let taking = thread::spawn(move || {
            let mut taken = Vec::new();
            taker.take(&mut taken, LONG);
            taken.len()
        });
        (0..3).for_each(|n| queue.push(n));
        assert_eq!(taking.join().unwrap(), 3);
        queue.push(3);
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken, Duration::ZERO));
        assert_eq!(taken, [3]);
    }

    #[test]
    fn flush_waits_for_what_was_pushed_before() {
        let (queue, _) = queue(100, 50);
        queue.push(1);
        assert!(!queue.flush(Duration::ZERO));
        let exporter = queue.clone();
        let exporting = thread::spawn(move || {
            let mut taken = Vec::new();
            while exporter.take(&mut taken, LONG) {
                exporter.settle(taken.drain(..).len());
            }
        });
        assert!(queue.flush(LONG));
        assert_eq!(queue.waiting(), 0);
        queue.close();
        exporting.join().unwrap();
    }

    #[test]
    fn closed_queue_gives_out_what_it_has_and_drops_the_rest() {
        let (queue, state) = queue(100, 50);
        queue.push(1);
        queue.close();
        queue.push(2);
        let mut taken = Vec::new();
        assert!(queue.take(&mut taken, LONG));
        taken.clear();
        assert!(!queue.take(&mut taken, LONG));
        assert_eq!(state.dropped.get(), 1);
    }
}
