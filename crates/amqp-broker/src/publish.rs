//! From a publisher to the queues.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use crate::{
    error::{Code, Failure},
    exchange::Destination,
    message::Message,
    queue::{Duplicate, Entry, Overflow, QueueId},
    record::{Copy, Record},
    value::{FieldTable, ShortStr, Value},
    vhost::Vhost,
};

/// What became of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// Whether any queue was meant.
    pub(crate) routed: bool,
    /// Whether every queue that was meant took it, and the journal can be trusted with it.
    pub(crate) accepted: bool,
}

impl Vhost {
    /// # Errors
    /// When the exchange does not exist, or only exchanges may publish to it.
    pub(crate) fn publish(&mut self, message: Message) -> Result<(Published, Arc<Message>), Failure> {
        match self.exchanges.get_mut(&message.exchange) {
            None => return Err(self.no_exchange(&message.exchange)),
            Some(exchange) if exchange.internal => {
                let text =
                    format!("cannot publish to internal exchange '{}' in vhost '{}'", message.exchange, self.name);
                return Err(Failure::new(Code::AccessRefused, text));
            }
            Some(exchange) => exchange.published_in += 1,
        }
        let queues = self.route(&message.exchange, &message.key, &|| message.headers(self.limits.table_depth));
        let message = Arc::new(message);
        self.books.counts.publish += 1;
        let accepted = self.enqueue(Arc::clone(&message), &queues);
        Ok((Published { routed: !queues.is_empty(), accepted }, message))
    }

    /// The queues a message goes to, each once. `headers` are asked for only where they decide.
    pub(crate) fn route(&self, exchange: &ShortStr, key: &ShortStr, headers: &dyn Fn() -> FieldTable) -> Vec<QueueId> {
        if exchange.is_empty() {
            return self.queue_names.get(key).copied().into_iter().collect();
        }
        let mut queues = Vec::new();
        let mut seen_queues = HashSet::new();
        let mut exchanges = vec![exchange.clone()];
        let mut seen_exchanges: HashSet<ShortStr> = HashSet::from([exchange.clone()]);
        while let Some(name) = exchanges.pop() {
            if name.is_empty() {
                queues.extend(self.queue_names.get(key).copied().filter(|id| seen_queues.insert(*id)));
                continue;
            }
            let Some(exchange) = self.exchanges.get(&name) else {
                continue;
            };
            let mut found = false;
            exchange.route(key, headers, |destination| {
                found = true;
                match destination {
                    Destination::Queue(name) => {
                        queues.extend(self.queue_names.get(name).copied().filter(|id| seen_queues.insert(*id)));
                    }
                    Destination::Exchange(name) => {
                        if seen_exchanges.insert(name.clone()) {
                            exchanges.push(name.clone());
                        }
                    }
                }
            });
            if !found && let Some(alternate) = exchange.arguments.get("alternate-exchange").and_then(Value::as_text) {
                let alternate = ShortStr::truncated(alternate);
                if seen_exchanges.insert(alternate.clone()) {
                    exchanges.push(alternate);
                }
            }
        }
        queues
    }

    /// Puts a message into these queues; false when one refused it, or when it should be in the journal and cannot.
    pub(crate) fn enqueue(&mut self, message: Arc<Message>, queues: &[QueueId]) -> bool {
        let mut accepted = true;
        let mut copies = Vec::new();
        let journal = self.books.journal.clone().filter(|_| message.persistent);
        let trusted = journal.as_ref().is_none_or(|journal| !journal.has_failed());
        for &id in queues {
            if !self.admits(id) {
                accepted = false;
                if let Some(queue) = self.queues.get(&id)
                    && queue.arguments.overflow == Overflow::RejectAndDeadLetter
                {
                    self.books.bury_refused(queue, Arc::clone(&message));
                }
                continue;
            }
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            let stored = journal.is_some() && queue.survives();
            if stored && !trusted {
                accepted = false;
                continue;
            }
            let needs_clock = message.ttl.is_some() || queue.arguments.message_ttl.is_some();
            let expires = needs_clock.then(|| queue.expiry(&message, Instant::now())).flatten();
            let position = queue.next_position;
            queue.next_position += 1;
            if stored {
                copies.push(Copy { queue: id, position, delivered: false, expires: self.books.epoch_millis(expires) });
            }
            queue.counts.publish += 1;
            queue.push(Entry {
                position,
                message: Arc::clone(&message),
                redelivered: false,
                expires,
                duplicate: Duplicate::No,
                stored,
            });
            self.books.bytes += message.size();
        }
        if let Some(journal) = journal
            && !copies.is_empty()
        {
            message.copies.store(copies.len() as u32, Relaxed);
            let octets = journal.append(
                &Record::Message {
                    copies,
                    exchange: message.exchange.clone(),
                    key: message.key.clone(),
                    properties: message.properties.clone(),
                    body: message.body.clone(),
                },
                true,
            );
            message.record.store(octets, Relaxed);
        }
        for &id in queues {
            let immediate = message.ttl == Some(0)
                || self.queues.get(&id).is_some_and(|queue| queue.arguments.message_ttl == Some(0));
            if immediate {
                self.pump(id, false);
            }
            self.touch(id);
        }
        accepted
    }

    /// Whether a queue that refuses publishes when full has room.
    fn admits(&mut self, id: QueueId) -> bool {
        let full = |vhost: &Self| {
            vhost.queues.get(&id).is_some_and(|queue| queue.arguments.overflow != Overflow::DropHead && queue.is_full())
        };
        if full(self) {
            // Consumers may not have been served since it filled up.
            self.pump(id, true);
        }
        !full(self)
    }
}
