//! How a delivery ends: acknowledged, rejected, or back in its queue.

use crate::{
    channel_state::{ChannelKey, Unacked},
    dead_letter::Reason,
    deliver::{finish, lend},
    error::{Code, Failure},
    method::Method,
    queue::QueueId,
    vhost::Vhost,
};

/// What becomes of the deliveries that an acknowledgement names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    Ack,
    Requeue,
    Reject,
}

impl Vhost {
    /// # Errors
    /// When the tag names no outstanding delivery of the channel.
    pub(crate) fn settle(
        &mut self,
        key: ChannelKey,
        tag: u64,
        multiple: bool,
        settlement: Settlement,
    ) -> Result<(), Failure> {
        let taken = self.channels.get_mut(&key).and_then(|channel| channel.take(tag, multiple));
        let Some(taken) = taken else {
            return Err(Failure::new(Code::PreconditionFailed, format!("unknown delivery tag {tag}")));
        };
        self.give_credit(&taken);
        self.touch_limited(key);
        if settlement == Settlement::Requeue {
            self.requeue(taken);
            return Ok(());
        }
        for unacked in taken {
            let Some(queue) = self.queues.get_mut(&unacked.queue) else {
                continue;
            };
            queue.unacked -= 1;
            if settlement == Settlement::Ack {
                queue.counts.ack += 1;
                self.books.counts.ack += 1;
                finish(queue, &mut self.books, unacked.entry);
            } else {
                self.books.bury(queue, unacked.entry, Reason::Rejected);
            }
            self.touch(unacked.queue);
        }
        Ok(())
    }

    /// Puts deliveries back where they were, marked as redelivered.
    pub(crate) fn requeue(&mut self, unacked: Vec<Unacked>) {
        // Youngest first, so that each is put before the one before it.
        for Unacked { queue: id, mut entry, .. } in unacked.into_iter().rev() {
            if let Some(queue) = self.queues.get_mut(&id) {
                queue.unacked -= 1;
                entry.redelivered = true;
                queue.put_back(entry);
                self.touch(id);
            }
        }
    }

    /// `basic.recover`: everything the channel has not acknowledged goes back.
    pub(crate) fn recover(&mut self, key: ChannelKey) {
        if let Some(taken) = self.channels.get_mut(&key).and_then(|channel| channel.take(0, true)) {
            self.give_credit(&taken);
            self.touch_limited(key);
            self.requeue(taken);
        }
    }

    /// `basic.qos`: for consumers to come, or for all of the channel together.
    pub(crate) fn set_prefetch(&mut self, key: ChannelKey, count: u16, global: bool) {
        if let Some(channel) = self.channels.get_mut(&key) {
            if global {
                channel.global_prefetch = count;
                let queues: Vec<_> = channel.consumers.values().map(|(_, queue)| *queue).collect();
                for queue in queues {
                    self.touch(queue);
                }
            } else {
                channel.prefetch = count;
            }
        }
    }

    /// `basic.get`: sends the head of the queue, or says that it is empty.
    pub(crate) fn get(&mut self, key: ChannelKey, id: QueueId, no_ack: bool) {
        // Consumers come first, and what has expired is not there any more.
        self.touch(id);
        self.run();
        let Self { queues, channels, books, .. } = self;
        let (Some(queue), Some(channel)) = (queues.get_mut(&id), channels.get_mut(&key)) else {
            return;
        };
        queue.last_used = std::time::Instant::now();
        let Some(entry) = queue.pop() else {
            let cluster_id = crate::value::ShortStr::empty();
            channel.outbox.push_method(channel.number, &Method::BasicGetEmpty { cluster_id });
            return;
        };
        let tag = channel.tag();
        let method = Method::BasicGetOk {
            delivery_tag: tag,
            redelivered: entry.redelivered,
            exchange: entry.message.exchange.clone(),
            routing_key: entry.message.key.clone(),
            messages: u32::try_from(queue.ready.len()).unwrap_or(u32::MAX),
        };
        channel.outbox.push_content(channel.number, &method, &entry.message.properties, &entry.message.body);
        queue.counts.get += 1;
        books.counts.get += 1;
        if no_ack {
            crate::deliver::count_delivery(queue, books, &entry);
            finish(queue, books, entry);
        } else {
            let entry = lend(queue, books, entry);
            channel.unacked.insert(tag, Unacked { queue: id, consumer: None, entry });
        }
        self.touch(id);
    }

    /// The consumers of these deliveries may have as many more.
    fn give_credit(&mut self, settled: &[Unacked]) {
        for unacked in settled {
            let Some(queue) = self.queues.get_mut(&unacked.queue) else {
                continue;
            };
            if let Some(consumer) = unacked.consumer.and_then(|id| queue.consumer_mut(id)) {
                consumer.in_flight -= 1;
            }
        }
    }

    /// A limit shared by a channel's consumers has room again: any of their queues may go on.
    fn touch_limited(&mut self, key: ChannelKey) {
        let Some(channel) = self.channels.get(&key).filter(|channel| channel.global_prefetch > 0) else {
            return;
        };
        for queue in channel.consumers.values().map(|(_, queue)| *queue).collect::<Vec<_>>() {
            self.touch(queue);
        }
    }
}
