//! Queues come and go: declare, purge, delete, consume, cancel.

use std::{sync::Arc, time::Instant};

use crate::{
    channel_state::ChannelKey,
    error::{Code, Failure},
    exchange::Destination,
    faults::splitmix,
    method::Method,
    queue::{Consumer, Queue, QueueArguments, QueueId},
    record::Record,
    value::{FieldTable, ShortStr},
    vhost::Vhost,
};

/// What `queue.declare` asks for.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) name: ShortStr,
    pub(crate) passive: bool,
    pub(crate) durable: bool,
    pub(crate) exclusive: bool,
    pub(crate) auto_delete: bool,
    pub(crate) table: FieldTable,
}

/// What `basic.consume` asks for.
#[derive(Debug)]
pub(crate) struct Consume {
    pub(crate) tag: ShortStr,
    pub(crate) no_ack: bool,
    pub(crate) exclusive: bool,
}

impl Vhost {
    pub(crate) fn no_queue(&self, name: &str) -> Failure {
        Failure::new(Code::NotFound, format!("no queue '{name}' in vhost '{}'", self.name))
    }

    /// The queue of that name, if this connection may use it.
    pub(crate) fn queue_for(&self, name: &str, connection: u64) -> Result<QueueId, Failure> {
        let queue = self.queue_names.get(name).and_then(|id| self.queues.get(id)).ok_or_else(|| self.no_queue(name))?;
        if queue.owner.is_some_and(|owner| owner != connection) {
            return Err(self.locked(name));
        }
        Ok(queue.id)
    }

    fn locked(&self, name: &str) -> Failure {
        Failure::new(
            Code::ResourceLocked,
            format!(
                "cannot obtain exclusive access to locked queue '{name}' in vhost '{}'. It could be originally declared \
                 on another connection or the exclusive property value does not match that of the original declaration.",
                self.name
            ),
        )
    }

    /// Declares a queue, or checks that it is as described. An empty name is replaced by a fresh one.
    pub(crate) fn declare_queue(&mut self, mut wanted: Declaration, connection: u64) -> Result<QueueId, Failure> {
        if wanted.passive {
            return self.queue_for(&wanted.name, connection);
        }
        let arguments = QueueArguments::parse(&wanted.table).map_err(|(name, reason)| {
            let text = format!("invalid arg '{name}' for queue '{}' in vhost '{}': {reason}", wanted.name, self.name);
            Failure::new(Code::PreconditionFailed, text)
        })?;
        if let Some(&id) = self.queue_names.get(&wanted.name)
            && let Some(queue) = self.queues.get_mut(&id)
        {
            if queue.owner.is_some_and(|owner| owner != connection) || queue.owner.is_some() != wanted.exclusive {
                return Err(self.locked(&wanted.name));
            }
            if let Some(difference) = queue.difference(wanted.durable, wanted.auto_delete, &wanted.table) {
                return Err(Failure::new(Code::PreconditionFailed, difference));
            }
            queue.last_used = Instant::now();
            return Ok(id);
        }
        if wanted.name.starts_with("amq.") {
            let text = format!("queue name '{}' contains reserved prefix 'amq.*'", wanted.name);
            return Err(Failure::new(Code::AccessRefused, text));
        }
        if self.queues.len() >= self.limits.queues {
            let text = format!(
                "cannot declare queue '{}': queue limit in vhost '{}' ({}) is reached",
                wanted.name, self.name, self.limits.queues
            );
            return Err(Failure::new(Code::PreconditionFailed, text));
        }
        let id = self.fresh_id();
        if wanted.name.is_empty() {
            // Scrambled so that nobody comes to rely on the next name.
            let mut seed = id ^ connection.rotate_left(32);
            wanted.name = ShortStr::truncated(&format!("amq.gen-{:016x}{id:x}", splitmix(&mut seed)));
        }
        let owner = wanted.exclusive.then_some(connection);
        let queue =
            Queue::new(id, wanted.name.clone(), wanted.durable, wanted.auto_delete, owner, wanted.table, arguments);
        if queue.survives() {
            self.books.record(
                &Record::Queue {
                    id,
                    name: wanted.name.clone(),
                    auto_delete: queue.auto_delete,
                    arguments: queue.table.clone(),
                },
                true,
            );
        }
        self.queue_names.insert(wanted.name, id);
        self.queues.insert(id, queue);
        self.touch(id);
        Ok(id)
    }

    /// Drops what is ready and says how many messages that were.
    pub(crate) fn purge(&mut self, id: QueueId) -> u32 {
        let Some(queue) = self.queues.get_mut(&id) else {
            return 0;
        };
        let mut purged = 0;
        while let Some(entry) = queue.pop() {
            self.books.forget(id, &entry);
            purged += 1;
        }
        purged
    }

    /// Deletes a queue on request and says how many messages were ready in it.
    pub(crate) fn delete_queue(
        &mut self,
        name: &str,
        connection: u64,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<u32, Failure> {
        // Deleting what is not there has succeeded already.
        if !self.queue_names.contains_key(name) {
            return Ok(0);
        }
        let id = self.queue_for(name, connection)?;
        if let Some(queue) = self.queues.get(&id) {
            let refused = |what| {
                Failure::new(Code::PreconditionFailed, format!("queue '{name}' in vhost '{}' {what}", self.name))
            };
            if if_unused && !queue.consumers.is_empty() {
                return Err(refused("in use"));
            }
            if if_empty && !queue.ready.is_empty() {
                return Err(refused("not empty"));
            }
        }
        Ok(self.remove_queue(id))
    }

    /// Deletes a queue with its messages and bindings; its consumers are told.
    pub(crate) fn remove_queue(&mut self, id: QueueId) -> u32 {
        let ready = self.purge(id);
        let Some(queue) = self.queues.remove(&id) else {
            return ready;
        };
        self.queue_names.remove(&queue.name);
        for consumer in &queue.consumers {
            let Some(channel) = self.channels.get_mut(&consumer.channel) else {
                continue;
            };
            channel.consumers.remove(&consumer.tag);
            let told = self.connections.get(&consumer.channel.0).is_some_and(|connection| connection.cancel_notify);
            if told {
                let cancel = Method::BasicCancel { consumer_tag: consumer.tag.clone(), nowait: true };
                channel.outbox.push_method(channel.number, &cancel);
            }
        }
        if queue.unacked > 0 {
            // Their deliveries may still be acknowledged, but there is nothing left to settle.
            for unacked in self.channels.values().flat_map(|channel| channel.unacked.values()) {
                if unacked.queue == id {
                    self.books.forget(id, &unacked.entry);
                }
            }
        }
        if queue.survives() {
            self.books.record(&Record::QueueGone { id }, false);
        }
        self.unbind_everywhere(&Destination::Queue(queue.name));
        ready
    }

    /// Starts a consumer and returns its tag, a fresh one if none was given.
    pub(crate) fn consume(&mut self, key: ChannelKey, id: QueueId, mut wanted: Consume) -> Result<ShortStr, Failure> {
        let consumer_id = self.fresh_id();
        let vhost = self.name.clone();
        let (Some(queue), Some(channel)) = (self.queues.get_mut(&id), self.channels.get_mut(&key)) else {
            return Err(self.no_queue(""));
        };
        if wanted.tag.is_empty() {
            let mut seed = consumer_id;
            wanted.tag = ShortStr::truncated(&format!("amq.ctag-{:016x}{consumer_id:x}", splitmix(&mut seed)));
        }
        if channel.consumers.contains_key(&wanted.tag) {
            let text = format!("attempt to reuse consumer tag '{}'", wanted.tag);
            return Err(Failure::new(Code::NotAllowed, text));
        }
        let taken = queue.consumers.iter().any(|consumer| consumer.exclusive);
        if taken || (wanted.exclusive && !queue.consumers.is_empty()) {
            let text = format!("queue '{}' in vhost '{vhost}' in exclusive use", queue.name);
            return Err(Failure::new(Code::AccessRefused, text));
        }
        channel.consumers.insert(wanted.tag.clone(), (consumer_id, id));
        queue.had_consumer = true;
        queue.last_used = Instant::now();
        queue.consumers.push(Consumer {
            id: consumer_id,
            channel: key,
            tag: wanted.tag.clone(),
            no_ack: wanted.no_ack,
            exclusive: wanted.exclusive,
            prefetch: channel.prefetch,
            in_flight: 0,
            outbox: Arc::clone(&channel.outbox),
        });
        self.touch(id);
        Ok(wanted.tag)
    }

    /// Ends a consumer; what it has not acknowledged stays with its channel.
    pub(crate) fn cancel(&mut self, key: ChannelKey, tag: &str) {
        let Some((consumer, id)) = self.channels.get_mut(&key).and_then(|channel| channel.consumers.remove(tag)) else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.consumers.retain(|other| other.id != consumer);
        }
        self.after_consumer_left(id);
    }

    /// The last consumer takes an auto-delete queue with it; otherwise another one may be next.
    pub(crate) fn after_consumer_left(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        queue.last_used = Instant::now();
        if queue.auto_delete && queue.had_consumer && queue.consumers.is_empty() {
            self.remove_queue(id);
        } else {
            self.touch(id);
        }
    }
}
