//! How the deliveries of one queue are consumed.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lapin::message::Delivery;

/// Messages that may be received and not yet processed; of more, the oldest are forgotten, and counted again when processed.
const MAX_RECEIVED: usize = 1024;

/// A consumer of one queue: processes its deliveries singly or in batches, receives and settles them.
///
/// # Examples
///
/// ```no_run
/// # async fn handle(delivery: &lapin::message::Delivery) -> Result<(), lapin::Error> { Ok(()) }
/// # async fn run(delivery: lapin::message::Delivery) -> Result<(), lapin::Error> {
/// use lapin::options::BasicAckOptions;
/// use telemetry::messaging::Consumer;
///
/// let consumer = Consumer::new("users");
/// consumer
///     .process(&delivery, async {
///         handle(&delivery).await?;
///         consumer.ack(&delivery, BasicAckOptions::default()).await.map(drop)
///     })
///     .await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Consumer {
    pub(super) queue: Cow<'static, str>,
    pub(super) continue_trace: bool,
    pulled: bool,
    /// Delivery tags of what was received, and so counted, and is neither processed nor settled; the oldest first. Shared by
    /// clones. Tags are a channel's own: the same one twice is two messages.
    received: Arc<Mutex<VecDeque<u64>>>,
}

impl Consumer {
    /// A consumer of `queue` that starts a new trace per message, with a link to the message's creation.
    pub fn new(queue: impl Into<Cow<'static, str>>) -> Self {
        Self { queue: queue.into(), continue_trace: false, pulled: false, received: Arc::default() }
    }

    /// Makes the message's creation the parent, so that one trace covers both sides. The link is kept.
    ///
    /// For single messages only: a batch has as many creations as messages, and always starts a trace of its own.
    #[must_use]
    pub fn continue_trace(mut self) -> Self {
        self.continue_trace = true;
        self
    }

    /// Says that all that is processed comes from [`Consumer::receive`] of another consumer, which has counted it as consumed
    /// already. A consumer and its clones know what they have received themselves.
    #[must_use]
    pub fn pulled(mut self) -> Self {
        self.pulled = true;
        self
    }

    /// Takes note that `delivery` was received, and counted.
    pub(super) fn has_received(&self, delivery: &Delivery) {
        let mut received = self.received();
        if received.len() == MAX_RECEIVED {
            received.pop_front();
        }
        received.push_back(delivery.delivery_tag);
    }

    /// Forgets that `delivery` was received; whether it was.
    pub(super) fn forgets(&self, delivery: &Delivery) -> bool {
        let mut received = self.received();
        let known = received.iter().position(|tag| *tag == delivery.delivery_tag);
        known.is_some_and(|at| received.remove(at).is_some())
    }

    /// Whether `delivery`, which is about to be processed, has not been counted.
    pub(super) fn delivers(&self, delivery: &Delivery) -> bool {
        !self.forgets(delivery) && !self.pulled
    }

    fn received(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }
}
