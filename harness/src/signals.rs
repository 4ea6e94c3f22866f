//! Signals that ask the program to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns when SIGINT, SIGTERM or SIGHUP arrives.
pub async fn terminated() {
    let listen = |kind| signal(kind).ok();
    let (mut interrupt, mut terminate, mut hangup) =
        (listen(SignalKind::interrupt()), listen(SignalKind::terminate()), listen(SignalKind::hangup()));
    let next = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    };
    tokio::select! {
        () = next(&mut interrupt) => {}
        () = next(&mut terminate) => {}
        () = next(&mut hangup) => {}
    }
}

/// A token that the first such signal cancels. The second one ends the program at once; the watchdog then cleans up.
#[must_use]
pub fn cancellation() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        terminated().await;
        crate::report::print::progress("stopping: undoing faults and ending the system; once more ends at once");
        cancelled.cancel();
        terminated().await;
        #[expect(clippy::exit, reason = "the second signal means now; the watchdog is the clean-up")]
        std::process::exit(crate::exit_code::Exit::Aborted as i32);
    });
    token
}
