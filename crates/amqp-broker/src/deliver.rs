//! From the head of a queue to its consumers, and what else happens at the head: expiry and length limits.

use std::{cmp::Reverse, time::Instant};

use crate::{
    channel_state::Unacked,
    dead_letter::Reason,
    method::Method,
    queue::{Duplicate, Entry, Overflow, Queue, QueueId},
    record::Record,
    vhost::{Books, Vhost},
};

impl Vhost {
    /// Moves what can be moved in one queue.
    ///
    /// Without `expiring`, a message that has just expired still reaches a waiting consumer, as one with a time to live
    /// of zero must.
    pub(crate) fn pump(&mut self, id: QueueId, expiring: bool) {
        let Self { queues, channels, books, .. } = self;
        let Some(queue) = queues.get_mut(&id) else {
            return;
        };
        queue.touched = false;
        loop {
            if expiring {
                bury_expired(queue, books);
            }
            if queue.ready.is_empty() {
                break;
            }
            let Some(index) = queue.next_consumer(channels) else {
                break;
            };
            let Some(entry) = queue.pop() else {
                break;
            };
            let consumer = &mut queue.consumers[index];
            let Some(channel) = channels.get_mut(&consumer.channel) else {
                break;
            };
            let tag = channel.tag();
            let method = Method::BasicDeliver {
                consumer_tag: consumer.tag.clone(),
                delivery_tag: tag,
                redelivered: entry.redelivered,
                exchange: entry.message.exchange.clone(),
                routing_key: entry.message.key.clone(),
            };
            channel.outbox.push_content(channel.number, &method, &entry.message.properties, &entry.message.body);
            let (consumer_id, no_ack) = (consumer.id, consumer.no_ack);
            queue.counts.deliver += 1;
            books.counts.deliver += 1;
            if no_ack {
                count_delivery(queue, books, &entry);
                finish(queue, books, entry);
            } else {
                queue.consumers[index].in_flight += 1;
                channel.in_flight += 1;
                let entry = lend(queue, books, entry);
                channel.unacked.insert(tag, Unacked { queue: id, consumer: Some(consumer_id), entry });
            }
        }
        while queue.arguments.overflow == Overflow::DropHead && queue.is_over_full() {
            let Some(entry) = queue.pop() else {
                break;
            };
            books.bury(queue, entry, Reason::MaxLength);
        }
        self.set_timer(id);
    }

    /// Makes sure that somebody looks when the head of the queue expires, or the queue itself.
    fn set_timer(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        let Some(deadline) = queue.deadline() else {
            return;
        };
        let unused = queue.arguments.expires.is_some() && queue.consumers.is_empty();
        if unused && queue.ready.front().and_then(|head| head.expires) != Some(deadline) && deadline <= Instant::now() {
            self.remove_queue(id);
            return;
        }
        if queue.timer.is_none_or(|set| deadline < set) {
            queue.timer = Some(deadline);
            let earliest = self.next_timer().is_none_or(|next| deadline < next);
            self.timers.push(Reverse((deadline, id)));
            if earliest {
                self.timer_set.notify_one();
            }
        }
    }
}

fn bury_expired(queue: &mut Queue, books: &mut Books) {
    // Most queues never need the clock.
    if queue.ready.front().is_none_or(|head| head.expires.is_none()) {
        return;
    }
    let now = Instant::now();
    while queue.ready.front().is_some_and(|head| head.expires.is_some_and(|at| at <= now)) {
        if let Some(entry) = queue.pop() {
            books.bury(queue, entry, Reason::Expired);
        }
    }
}

/// Counts a delivery that is a redelivery, or a deliberate duplicate.
pub(crate) fn count_delivery(queue: &mut Queue, books: &mut Books, entry: &Entry) {
    if entry.redelivered {
        queue.counts.redeliver += 1;
        books.counts.redeliver += 1;
    }
    if entry.duplicate == Duplicate::Pending {
        books.faults.delivered += 1;
    }
}

/// An entry goes out to be acknowledged later.
pub(crate) fn lend(queue: &mut Queue, books: &mut Books, mut entry: Entry) -> Entry {
    count_delivery(queue, books, &entry);
    if entry.duplicate == Duplicate::Pending {
        entry.duplicate = Duplicate::Delivered;
    }
    if entry.stored && !entry.redelivered {
        books.record(&Record::Delivered { queue: queue.id, position: entry.position }, false);
    }
    queue.unacked += 1;
    entry
}

/// An entry has been acknowledged, or needed no acknowledgement: it goes, unless a fault wants it delivered again.
pub(crate) fn finish(queue: &mut Queue, books: &mut Books, mut entry: Entry) {
    if entry.duplicate == Duplicate::No && books.faults.duplicates(&queue.name) {
        entry.duplicate = Duplicate::Pending;
        entry.redelivered = true;
        entry.expires = None;
        queue.put_back(entry);
    } else {
        books.forget(queue.id, &entry);
    }
}
