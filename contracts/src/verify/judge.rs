//! Comparison on a thread of its own: a regular expression may take for ever, and nobody can interrupt it.

use std::panic::AssertUnwindSafe;
use std::thread;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::mismatch::{Mismatch, Part};

/// Stack of the thread, in bytes: documents are compared level by level.
const STACK: usize = 16 * 1024 * 1024;

/// What `compare` finds, or that it did not end in time. Then its thread is left behind; it ends with the comparison, or
/// with the process.
pub(super) async fn within<F, R>(until: Instant, compare: F) -> Vec<Mismatch>
where
    F: FnOnce() -> R + Send + 'static,
    R: Future<Output = Vec<Mismatch>>,
{
    let (tell, told) = oneshot::channel();
    let runtime = Handle::current();
    let started = thread::Builder::new().name("contract judge".into()).stack_size(STACK).spawn(move || {
        let found = runtime.block_on(AssertUnwindSafe(async { compare().await }).catch_unwind());
        // Nobody listens when it took too long.
        let _ = tell.send(found.unwrap_or_else(|_| vec![failed()]));
    });
    if let Err(error) = started {
        return vec![Mismatch::new(Part::Pact, "", format!("the answer cannot be compared: no thread ({error})"))];
    }
    match tokio::time::timeout_at(until, told).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => vec![failed()],
        Err(_) => {
            let sentence = "the comparison did not end in time: look at the regular expressions of this interaction";
            vec![Mismatch::new(Part::Pact, "", sentence)]
        }
    }
}

fn failed() -> Mismatch {
    let sentence = "the matching engine failed on this interaction: look at its matching rules";
    Mismatch::new(Part::Pact, "", sentence)
}
