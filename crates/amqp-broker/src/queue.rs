//! A queue: what is ready, who consumes, and the arguments it was declared with.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    channel_state::{ChannelKey, ChannelState},
    message::Message,
    outbox::Outbox,
    value::{FieldTable, ShortStr, Value},
};

pub(crate) type QueueId = u64;

/// What happens to a publish into a full queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    DropHead,
    Reject,
    RejectAndDeadLetter,
}

/// The declared arguments that the broker acts upon. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueArguments {
    pub(crate) message_ttl: Option<u64>,
    pub(crate) expires: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) overflow: Overflow,
    pub(crate) dead_letter_exchange: Option<ShortStr>,
    pub(crate) dead_letter_key: Option<ShortStr>,
    pub(crate) single_active: bool,
}

impl QueueArguments {
    /// # Errors
    /// The name of the argument and what is wrong with it.
    pub(crate) fn parse(table: &FieldTable) -> Result<Self, (&'static str, String)> {
        let number = |name: &'static str| match table.get(name) {
            None => Ok(None),
            Some(value) => match value.as_integer() {
                None => Err((name, format!("{{unacceptable_type,{}}}", value.type_name()))),
                Some(n) => u64::try_from(n).map(Some).map_err(|_| (name, format!("{{value_negative,{n}}}"))),
            },
        };
        let text = |name: &'static str| match table.get(name) {
            None => Ok(None),
            Some(value) => match value.as_text() {
                Some(text) if text.len() <= 255 => Ok(Some(ShortStr::truncated(text))),
                _ => Err((name, format!("{{unacceptable_type,{}}}", value.type_name()))),
            },
        };
        let expires = number("x-expires")?;
        if expires == Some(0) {
            return Err(("x-expires", "{value_zero,0}".into()));
        }
        let dead_letter_exchange = text("x-dead-letter-exchange")?;
        let dead_letter_key = text("x-dead-letter-routing-key")?;
        if dead_letter_key.is_some() && dead_letter_exchange.is_none() {
            return Err(("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined".into()));
        }
        let overflow = match text("x-overflow")?.as_deref() {
            None | Some("drop-head") => Overflow::DropHead,
            Some("reject-publish") => Overflow::Reject,
            Some("reject-publish-dlx") => Overflow::RejectAndDeadLetter,
            Some(other) => return Err(("x-overflow", format!("invalid overflow '{other}'"))),
        };
        if let Some(kind) = text("x-queue-type")?
            && &*kind != "classic"
        {
            return Err(("x-queue-type", format!("'{kind}' is not supported here, expected 'classic'")));
        }
        let single_active = match table.get("x-single-active-consumer") {
            None => false,
            Some(value) => value
                .as_bool()
                .ok_or_else(|| ("x-single-active-consumer", format!("{{unacceptable_type,{}}}", value.type_name())))?,
        };
        Ok(Self {
            message_ttl: number("x-message-ttl")?,
            expires,
            max_length: number("x-max-length")?,
            max_bytes: number("x-max-length-bytes")?,
            overflow,
            dead_letter_exchange,
            dead_letter_key,
            single_active,
        })
    }
}

/// Whether this delivery is a deliberate duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicate {
    No,
    Pending,
    Delivered,
}

/// One message's place in one queue.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Place in the queue: smaller is nearer to the head, and kept when the message is requeued.
    pub(crate) position: u64,
    pub(crate) message: Arc<Message>,
    pub(crate) redelivered: bool,
    pub(crate) expires: Option<Instant>,
    pub(crate) duplicate: Duplicate,
    /// Whether the journal holds this copy.
    pub(crate) stored: bool,
}

#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) id: u64,
    pub(crate) channel: ChannelKey,
    pub(crate) tag: ShortStr,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
    /// Unacknowledged deliveries allowed; 0 for any number.
    pub(crate) prefetch: u16,
    pub(crate) in_flight: usize,
    pub(crate) outbox: Arc<Outbox>,
}

/// Counts since the queue was declared, under RabbitMQ's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) publish: u64,
    pub(crate) deliver: u64,
    pub(crate) get: u64,
    pub(crate) ack: u64,
    pub(crate) redeliver: u64,
}

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) id: QueueId,
    pub(crate) name: ShortStr,
    pub(crate) durable: bool,
    pub(crate) auto_delete: bool,
    /// The connection it belongs to, when exclusive.
    pub(crate) owner: Option<u64>,
    pub(crate) table: FieldTable,
    pub(crate) arguments: QueueArguments,
    pub(crate) ready: VecDeque<Entry>,
    pub(crate) ready_bytes: u64,
    pub(crate) unacked: usize,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) had_consumer: bool,
    pub(crate) next_position: u64,
    pub(crate) counts: Counts,
    /// Waits in the broker's list of queues to look at.
    pub(crate) touched: bool,
    /// The deadline for which a timer is set.
    pub(crate) timer: Option<Instant>,
    pub(crate) last_used: Instant,
    turn: usize,
}

impl Queue {
    pub(crate) fn new(
        id: QueueId,
        name: ShortStr,
        durable: bool,
        auto_delete: bool,
        owner: Option<u64>,
        table: FieldTable,
        arguments: QueueArguments,
    ) -> Self {
        Self {
            id,
            name,
            durable,
            auto_delete,
            owner,
            table,
            arguments,
            ready: VecDeque::new(),
            ready_bytes: 0,
            unacked: 0,
            consumers: Vec::new(),
            had_consumer: false,
            next_position: 1,
            counts: Counts::default(),
            touched: false,
            timer: None,
            last_used: Instant::now(),
            turn: 0,
        }
    }

    /// Whether it comes back after a restart.
    pub(crate) fn survives(&self) -> bool {
        self.durable && self.owner.is_none()
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.ready_bytes += entry.message.body.len() as u64;
        self.ready.push_back(entry);
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        let entry = self.ready.pop_front()?;
        self.ready_bytes -= entry.message.body.len() as u64;
        Some(entry)
    }

    /// Puts an entry back where it was.
    pub(crate) fn put_back(&mut self, entry: Entry) {
        self.ready_bytes += entry.message.body.len() as u64;
        if self.ready.front().is_none_or(|head| entry.position < head.position) {
            self.ready.push_front(entry);
        } else {
            let at = self.ready.partition_point(|other| other.position < entry.position);
            self.ready.insert(at, entry);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.arguments.max_length.is_some_and(|max| self.ready.len() as u64 >= max)
            || self.arguments.max_bytes.is_some_and(|max| self.ready_bytes >= max)
    }

    pub(crate) fn is_over_full(&self) -> bool {
        !self.ready.is_empty()
            && (self.arguments.max_length.is_some_and(|max| self.ready.len() as u64 > max)
                || self.arguments.max_bytes.is_some_and(|max| self.ready_bytes > max))
    }

    /// When a message that arrives now expires.
    pub(crate) fn expiry(&self, message: &Message, now: Instant) -> Option<Instant> {
        let ttl = match (self.arguments.message_ttl, message.ttl) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        // So far away that it never comes.
        now.checked_add(Duration::from_millis(ttl))
    }

    /// When something is due without anybody asking: the head's expiry, or the queue's own.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let unused = match self.arguments.expires {
            Some(after) if self.consumers.is_empty() => self.last_used.checked_add(Duration::from_millis(after)),
            _ => None,
        };
        let head = self.ready.front().and_then(|entry| entry.expires);
        match (unused, head) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The index of the consumer whose turn it is, of those that can take a message.
    pub(crate) fn next_consumer(&mut self, channels: &HashMap<ChannelKey, ChannelState>) -> Option<usize> {
        let count = if self.arguments.single_active { self.consumers.len().min(1) } else { self.consumers.len() };
        for step in 0..count {
            let index = (self.turn + step) % count;
            let consumer = &self.consumers[index];
            let has_credit = consumer.prefetch == 0 || consumer.in_flight < usize::from(consumer.prefetch);
            let channel_has_credit = channels.get(&consumer.channel).is_some_and(ChannelState::has_credit);
            if has_credit && channel_has_credit && consumer.outbox.has_room_or_starves() {
                self.turn = index + 1;
                return Some(index);
            }
        }
        None
    }

    pub(crate) fn consumer_mut(&mut self, id: u64) -> Option<&mut Consumer> {
        self.consumers.iter_mut().find(|consumer| consumer.id == id)
    }

    /// The first argument that differs from those of another declaration, with both values in RabbitMQ's words.
    pub(crate) fn difference(&self, durable: bool, auto_delete: bool, table: &FieldTable) -> Option<String> {
        for (name, received, current) in
            [("durable", durable, self.durable), ("auto_delete", auto_delete, self.auto_delete)]
        {
            if received != current {
                return Some(format!(
                    "inequivalent arg '{name}' for queue '{}' in vhost '/': received '{received}' but current is '{current}'",
                    self.name
                ));
            }
        }
        const COMPARED: [&str; 9] = [
            "x-expires",
            "x-message-ttl",
            "x-dead-letter-exchange",
            "x-dead-letter-routing-key",
            "x-max-length",
            "x-max-length-bytes",
            "x-overflow",
            "x-single-active-consumer",
            "x-max-priority",
        ];
        let describe = |value: Option<&Value>| match value {
            None => "none".to_owned(),
            Some(value) => {
                let text = match (value.as_text(), value.as_integer(), value.as_bool()) {
                    (Some(text), ..) => text.to_owned(),
                    (_, Some(number), _) => number.to_string(),
                    (.., Some(bool)) => bool.to_string(),
                    _ => "?".to_owned(),
                };
                format!("the value '{text}' of type '{}'", value.type_name())
            }
        };
        COMPARED.into_iter().find_map(|name| {
            let (received, current) = (table.get(name), self.table.get(name));
            let same = match (received, current) {
                (None, None) => true,
                (Some(a), Some(b)) => a.equivalent(b),
                _ => false,
            };
            let (received, current) = (describe(received), describe(current));
            (!same).then(|| format!("inequivalent arg '{name}' for queue '{}' in vhost '/': received {received} but current is {current}", self.name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(entries: &[(&str, Value)]) -> Result<QueueArguments, (&'static str, String)> {
        QueueArguments::parse(&FieldTable(
            entries.iter().map(|(name, value)| (ShortStr::truncated(name), value.clone())).collect(),
        ))
    }

    #[test]
    fn negative_and_mistyped_arguments_are_refused() {
        assert_eq!(
            arguments(&[("x-message-ttl", Value::I32(-1))]),
            Err(("x-message-ttl", "{value_negative,-1}".into()))
        );
        assert_eq!(
            arguments(&[("x-max-length", Value::text("5"))]),
            Err(("x-max-length", "{unacceptable_type,longstr}".into()))
        );
        assert!(arguments(&[("x-dead-letter-routing-key", Value::text("k"))]).is_err());
        assert!(arguments(&[("x-overflow", Value::text("explode"))]).is_err());
        assert!(arguments(&[("x-queue-type", Value::text("stream"))]).is_err());
    }
}
