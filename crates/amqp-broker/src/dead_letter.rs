//! Messages that leave their queue without an acknowledgement, and the record they carry of it (`x-death`).

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    message::Message,
    properties::{Layout, Property},
    queue::{Entry, Queue, QueueId},
    value::{FieldTable, ShortStr, Value},
    vhost::{Books, Vhost},
};

/// Why a message left its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Rejected,
    Expired,
    MaxLength,
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
        }
    }
}

/// A message on its way from a queue to that queue's dead-letter exchange.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    queue: QueueId,
    queue_name: ShortStr,
    exchange: ShortStr,
    key: ShortStr,
    reason: Reason,
    entry: Entry,
    /// Whether the entry was in the queue; a refused publish never was.
    counted: bool,
}

impl Books {
    /// Takes an entry out of its queue, towards the dead-letter exchange if the queue has one.
    pub(crate) fn bury(&mut self, queue: &Queue, entry: Entry, reason: Reason) {
        self.bury_with(queue, entry, reason, true);
    }

    /// A publish that a full queue refused.
    pub(crate) fn bury_refused(&mut self, queue: &Queue, message: Arc<Message>) {
        let entry = Entry {
            position: 0,
            message,
            redelivered: false,
            expires: None,
            duplicate: crate::queue::Duplicate::No,
            stored: false,
        };
        self.bury_with(queue, entry, Reason::MaxLength, false);
    }

    fn bury_with(&mut self, queue: &Queue, entry: Entry, reason: Reason, counted: bool) {
        match &queue.arguments.dead_letter_exchange {
            Some(exchange) => {
                let key = queue.arguments.dead_letter_key.clone().unwrap_or_else(|| entry.message.key.clone());
                self.dead.push_back(DeadLetter {
                    queue: queue.id,
                    queue_name: queue.name.clone(),
                    exchange: exchange.clone(),
                    key,
                    reason,
                    entry,
                    counted,
                });
            }
            None if counted => self.forget(queue.id, &entry),
            None => {}
        }
    }
}

impl Vhost {
    /// Publishes a dead letter, then forgets the original: a crash between the two leaves both, never neither.
    pub(crate) fn dead_letter(&mut self, letter: DeadLetter) {
        let depth = self.limits.table_depth;
        let original = &letter.entry.message;
        let mut headers = original.headers(depth);
        let mut queues = self.route(&letter.exchange, &letter.key, &|| headers.clone());
        if letter.reason != Reason::Rejected {
            // A message that only expires or overflows in a circle would go round for ever.
            queues.retain(|id| {
                self.queues.get(id).is_none_or(|queue| !is_cycle(&headers, &letter.queue_name, &queue.name))
            });
        }
        if !queues.is_empty() {
            let layout = Layout::of(&original.properties, depth).unwrap_or_default();
            add_death(&mut headers, &letter, &layout);
            let properties = layout.dead_lettered(&original.properties, &headers);
            let message = Message::new(
                letter.exchange.clone(),
                letter.key.clone(),
                properties,
                original.body.clone(),
                depth,
                None,
            );
            if let Ok(message) = message {
                self.enqueue(Arc::new(message), &queues);
            }
        }
        if letter.counted {
            self.books.forget(letter.queue, &letter.entry);
        }
    }
}

fn deaths(headers: &FieldTable) -> &[Value] {
    match headers.get("x-death") {
        Some(Value::Array(deaths)) => deaths,
        _ => &[],
    }
}

fn death_of<'a>(death: &'a Value, name: &str) -> Option<&'a str> {
    match death {
        Value::Table(death) => death.get(name)?.as_text(),
        _ => None,
    }
}

/// Whether the target has seen this message before and nobody rejected it since.
fn is_cycle(headers: &FieldTable, from: &str, target: &str) -> bool {
    if from == target {
        return true;
    }
    let deaths = deaths(headers);
    let Some(seen) = deaths.iter().position(|death| death_of(death, "queue") == Some(target)) else {
        return false;
    };
    !deaths[..=seen].iter().any(|death| death_of(death, "reason") == Some("rejected"))
}

fn add_death(headers: &mut FieldTable, letter: &DeadLetter, layout: &Layout) {
    let message = &letter.entry.message;
    let (reason, queue) = (letter.reason.name(), &*letter.queue_name);
    let mut deaths = deaths(headers).to_vec();
    let same = deaths
        .iter()
        .position(|death| death_of(death, "queue") == Some(queue) && death_of(death, "reason") == Some(reason));
    let death = match same.map(|at| deaths.remove(at)) {
        Some(Value::Table(mut death)) => {
            let count = death.get("count").and_then(Value::as_integer).unwrap_or(0);
            death.set("count", Value::I64(count.saturating_add(1)));
            death
        }
        _ => {
            let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let mut death = FieldTable::default();
            death.set("count", Value::I64(1));
            death.set("reason", Value::text(reason));
            death.set("queue", Value::text(queue));
            death.set("time", Value::Timestamp(seconds));
            death.set("exchange", Value::text(&message.exchange));
            death.set("routing-keys", Value::Array(vec![Value::text(&message.key)]));
            if let Some(expiration) = layout.text(&message.properties, Property::Expiration) {
                death.set("original-expiration", Value::Text(bytes::Bytes::copy_from_slice(expiration)));
            }
            death
        }
    };
    deaths.insert(0, Value::Table(death));
    headers.set("x-death", Value::Array(deaths));
    for (prefix, always) in [("x-first-death", false), ("x-last-death", true)] {
        for (suffix, value) in [("reason", reason), ("queue", queue), ("exchange", &*message.exchange)] {
            let name = format!("{prefix}-{suffix}");
            if always || headers.get(&name).is_none() {
                headers.set(&name, Value::text(value));
            }
        }
    }
}
