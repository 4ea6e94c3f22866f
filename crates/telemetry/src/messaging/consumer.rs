//! How the deliveries of one queue are consumed.

use std::borrow::Cow;

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
    pub(super) pulled: bool,
}

impl Consumer {
    /// A consumer of `queue` that starts a new trace per message, with a link to the message's creation.
    pub fn new(queue: impl Into<Cow<'static, str>>) -> Self {
        Self { queue: queue.into(), continue_trace: false, pulled: false }
    }

    /// Makes the message's creation the parent, so that one trace covers both sides. The link is kept.
    ///
    /// For single messages only: a batch has as many creations as messages, and always starts a trace of its own.
    #[must_use]
    pub fn continue_trace(mut self) -> Self {
        self.continue_trace = true;
        self
    }

    /// Says that what is processed comes from [`Consumer::receive`], which has counted it as consumed already.
    #[must_use]
    pub fn pulled(mut self) -> Self {
        self.pulled = true;
        self
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }
}
