//! Replies that get lost: the effect has happened, the caller never hears of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::response::{IntoResponse, Response};

/// Counts captures and picks those whose replies are lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct LostReplies {
    every: u64,
    seen: Arc<AtomicU64>,
}

impl LostReplies {
    /// Loses every Nth reply; none when `every` is 0.
    pub(crate) fn new(every: u64) -> Self {
        Self { every, seen: Arc::default() }
    }

    /// Whether the reply at hand is lost.
    pub(crate) fn next_is_lost(&self) -> bool {
        self.every > 0 && (self.seen.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(self.every)
    }
}

/// A response that makes the server close the connection: its body fails before its first byte.
pub(crate) fn closed_connection() -> Response {
    tracing::warn!("reply lost on purpose");
    let failing =
        futures_util::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("reply lost on purpose")) });
    Body::from_stream(failing).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_reply_is_lost() {
        let lost = LostReplies::new(3);
        let picked: Vec<bool> = (0..6).map(|_| lost.next_is_lost()).collect();
        assert_eq!(picked, [false, false, true, false, false, true]);
    }

    #[test]
    fn no_reply_is_lost_unless_asked() {
        assert!(!LostReplies::new(0).next_is_lost());
    }
}
