//! Asks the application for what it has to report: on threads of its own, because it may block, and never under a lock.
//!
//! The SDK calls callbacks under locks that new instruments, further collections and the shutdown need, too. So what it calls
//! here only repeats what the application said just before.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Answers come at once; who does not answer by then is waited for no more, and shows what it said before.
const PATIENCE: Duration = Duration::from_secs(1);

/// What somebody said who has not come back for so long is not true any more.
const STALE: Duration = Duration::from_secs(10);

/// Something of the application's that can be asked.
pub(crate) trait Ask: Send + Sync {
    /// Asks, and keeps the answer; returns at once when somebody else is asking.
    fn ask(&self);
}

static ASKED: Mutex<Vec<Weak<dyn Ask>>> = Mutex::new(Vec::new());

/// Has `asked` asked before each collection, for as long as somebody holds it.
pub(crate) fn register(asked: &Arc<dyn Ask>) {
    let mut all = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|known| known.strong_count() > 0);
    all.push(Arc::downgrade(asked));
}

/// Asks all. One that blocks keeps its thread: those behind it are asked in the next round, which passes it by, so there
/// are never more such threads than there are blocking callbacks.
pub(crate) fn refresh() {
    let all = ASKED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if all.is_empty() {
        return;
    }
    let (done, answered) = mpsc::sync_channel(1);
    apart(move || {
        all.iter().filter_map(Weak::upgrade).for_each(|asked| asked.ask());
        let _ = done.send(());
    });
    // Also over when no thread could be started.
    let _ = answered.recv_timeout(PATIENCE);
}

/// Runs `work` on a thread of its own; not at all when none can be started.
pub(crate) fn apart(work: impl FnOnce() + Send + 'static) {
    let _ = thread::Builder::new().name("telemetry-asking".into()).spawn(work);
}

/// Lets one through at a time; who comes meanwhile is turned away.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<Option<Instant>>);

/// Somebody's turn, until it is dropped.
pub(crate) struct Taken<'t>(&'t Turn);

impl Turn {
    pub(crate) fn take(&self) -> Option<Taken<'_>> {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some() {
            return None;
        }
        *since = Some(Instant::now());
        drop(since);
        Some(Taken(self))
    }

    /// Whether somebody has had it for too long.
    pub(crate) fn is_stuck(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|since| since.elapsed() > STALE)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
