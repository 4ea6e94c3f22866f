//! What becomes of one delivery: its effect once and an acknowledgement, or the dead-letter queue with the reason.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use lapin::types::AMQPValue;
use lapin::{Channel, Confirmation};
use telemetry::correlation::{self, CorrelationId};
use telemetry::messaging;
use tokio_util::sync::CancellationToken;

use super::{Consumer, HandlerError, Outcome};
use crate::backoff::Backoff;
use crate::broker::{DEAD_LETTER_EXCHANGE, REASON_HEADER};
use crate::bug::{self, Bug};
use crate::clock;
use crate::database::Database;
use crate::event::Event;
use crate::instrument;

/// Tries of one event before it is dead-lettered; with the waits between them about half a minute.
const TRIES: u32 = 15;

/// Bounds of the waits between two tries.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long the broker may take to confirm a dead letter.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an acknowledgement may take until it is on its way.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest reason that is sent along, in bytes.
const MAX_REASON: usize = 1000;

/// How far the planted bug acknowledges ahead of the effect.
const EARLY: Duration = Duration::from_millis(150);

/// Handles the deliveries of one lane.
pub(super) struct Processor {
    consumer: Arc<Consumer>,
    database: Database,
    channel: Channel,
    over: CancellationToken,
    messaging: messaging::Consumer,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settling {
    /// Its event has had its effect, now or before.
    Handled,
    /// The service stops before the event could be handled; it stays with the broker.
    Left,
}

impl Processor {
    pub(super) fn new(consumer: Arc<Consumer>, database: Database, channel: Channel, over: CancellationToken) -> Self {
        let messaging = messaging::Consumer::new(consumer.queue());
        Self { consumer, database, channel, over, messaging }
    }

    /// Handles `delivery` and acknowledges it, also after having dead-lettered it.
    ///
    /// Fails when it could not be acknowledged or dead-lettered: the connection is of no further use.
    pub(super) async fn settle(&self, delivery: &Delivery) -> anyhow::Result<()> {
        let settled = self.messaging.process(delivery, async {
            let forgetful = self.consumer.name() == "users" && bug::active(Bug::DropCorrelation);
            let handled = if forgetful {
                correlation::scope(CorrelationId::generate(), self.handle(delivery)).await
            } else {
                self.handle(delivery).await
            };
            Settled(handled)
        });
        settled.await.0.map(drop)
    }

    async fn handle(&self, delivery: &Delivery) -> anyhow::Result<Option<String>> {
        let early = bug::active(Bug::AckBeforeCommit);
        if early {
            self.acknowledge(delivery).await?;
            tokio::time::sleep(EARLY).await;
        }
        let reason = match self.apply(delivery).await {
            Ok(Settling::Left) => return Ok(None),
            Ok(Settling::Handled) => None,
            Err(reason) => {
                self.dead_letter(delivery, &reason).await?;
                Some(reason)
            }
        };
        if !early {
            self.acknowledge(delivery).await?;
        }
        Ok(reason)
    }

    /// An acknowledgement that is made while its connection dies may be neither sent nor refused.
    async fn acknowledge(&self, delivery: &Delivery) -> anyhow::Result<()> {
        let acknowledged = self.messaging.ack(delivery, BasicAckOptions::default());
        tokio::time::timeout(ACK_TIMEOUT, acknowledged).await.context("delivery not acknowledged in time")??;
        Ok(())
    }

    /// Applies the event once, trying again as long as that may help; `Err` is the reason for the dead-letter queue.
    async fn apply(&self, delivery: &Delivery) -> Result<Settling, String> {
        let event =
            Event::from_parts(|name| header(delivery, name), &delivery.data).map_err(|error| error.to_string())?;
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        loop {
            let error = match self.consumer.apply(&self.database, &event).await {
                Ok(outcome) => {
                    self.report(&event, outcome, delivery.redelivered);
                    return Ok(Settling::Handled);
                }
                Err(HandlerError::Reject(reason)) => return Err(reason),
                Err(error) => error,
            };
            let patient = matches!(error, HandlerError::Unavailable(_));
            if !patient && backoff.attempt() + 1 >= TRIES {
                return Err(format!("failed {TRIES} times, at last: {error}"));
            }
            let wait = backoff.next_wait();
            instrument::retry(self.consumer.name(), &event.event_type);
            tracing::warn!(
                event_id = event.id,
                event_type = event.event_type,
                attempt = backoff.attempt(),
                wait_ms = wait.as_millis() as u64,
                error = %error,
                "event not handled, will try again"
            );
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.over.cancelled() => return Ok(Settling::Left),
            }
        }
    }

    fn report(&self, event: &Event, outcome: Outcome, redelivered: bool) {
        if outcome == Outcome::Duplicate {
            instrument::duplicate(self.consumer.name(), &event.event_type);
        }
        tracing::info!(
            event_id = event.id,
            event_type = event.event_type,
            subject = event.subject,
            redelivered,
            duplicate = outcome == Outcome::Duplicate,
            "event handled"
        );
    }

    /// Publishes the message to the dead-letter queue as it came, with the reason, and waits for the confirm.
    async fn dead_letter(&self, delivery: &Delivery, reason: &str) -> anyhow::Result<()> {
        instrument::dead_letter(self.consumer.name());
        tracing::error!(
            reason,
            queue = self.consumer.dead_letter_queue(),
            message_id = delivery.properties.message_id().as_ref().map(|id| id.as_str()),
            routing_key = delivery.routing_key.as_str(),
            "message dead-lettered"
        );
        let mut headers = delivery.properties.headers().clone().unwrap_or_default();
        let texts = [
            (REASON_HEADER, cut(reason)),
            ("x-dead-letter-routing-key", delivery.routing_key.as_str()),
            ("x-dead-letter-queue", &self.consumer.queue()),
            ("x-dead-letter-time", &clock::now()),
        ];
        for (name, text) in texts {
            headers.insert(name.into(), AMQPValue::LongString(text.into()));
        }
        let publish = async {
            let queue = self.consumer.dead_letter_queue();
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let properties = delivery.properties.clone().with_headers(headers).with_delivery_mode(2);
            self.channel
                .basic_publish(DEAD_LETTER_EXCHANGE.into(), queue.as_str().into(), options, &delivery.data, properties)
                .await?
                .await
        };
        let confirmation =
            tokio::time::timeout(CONFIRM_TIMEOUT, publish).await.context("dead letter not confirmed")??;
        anyhow::ensure!(
            matches!(confirmation, Confirmation::Ack(None) | Confirmation::NotRequested),
            "dead letter not taken by the broker"
        );
        Ok(())
    }
}

/// The result of one delivery: failed for telemetry when it was dead-lettered.
struct Settled(anyhow::Result<Option<String>>);

impl Settled {
    fn outcome(&self) -> Result<(), (&'static str, String)> {
        match &self.0 {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(("dead_lettered", reason.clone())),
            Err(error) => Err(("not_settled", format!("{error:#}"))),
        }
    }
}

impl messaging::ProcessOutcome for Settled {
    fn failure(&self) -> Option<(Cow<'static, str>, String)> {
        self.outcome().err().map(|(kind, text)| (Cow::Borrowed(kind), text))
    }
}

/// A header's text, in whichever of AMQP's text types it came.
fn header<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    match delivery.properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        AMQPValue::ByteArray(bytes) => std::str::from_utf8(bytes.as_slice()).ok(),
        _ => None,
    }
}

/// The aggregate of a delivery; deliveries without one share a lane.
pub(super) fn subject(delivery: &Delivery) -> &str {
    header(delivery, "cloudEvents:subject").unwrap_or_default()
}

fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
