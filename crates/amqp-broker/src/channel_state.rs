//! What deliveries need to know of a channel: tags, unacknowledged messages, limits.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    outbox::Outbox,
    queue::{Entry, QueueId},
    value::ShortStr,
};

/// A connection and the number of a channel in it.
pub(crate) type ChannelKey = (u64, u16);

/// A delivery that waits for its acknowledgement.
#[derive(Debug)]
pub(crate) struct Unacked {
    pub(crate) queue: QueueId,
    /// `None` when it was fetched with `basic.get`.
    pub(crate) consumer: Option<u64>,
    pub(crate) entry: Entry,
}

#[derive(Debug)]
pub(crate) struct ChannelState {
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) number: u16,
    pub(crate) unacked: BTreeMap<u64, Unacked>,
    /// By tag: the consumer's id and its queue.
    pub(crate) consumers: HashMap<ShortStr, (u64, QueueId)>,
    /// For consumers that start from now on.
    pub(crate) prefetch: u16,
    /// For all consumers of the channel together; 0 for any number.
    pub(crate) global_prefetch: u16,
    /// Unacknowledged deliveries to consumers.
    pub(crate) in_flight: usize,
    next_tag: u64,
}

impl ChannelState {
    pub(crate) fn new(outbox: Arc<Outbox>, number: u16) -> Self {
        Self {
            outbox,
            number,
            unacked: BTreeMap::new(),
            consumers: HashMap::new(),
            prefetch: 0,
            global_prefetch: 0,
            in_flight: 0,
            next_tag: 0,
        }
    }

    pub(crate) fn has_credit(&self) -> bool {
        self.global_prefetch == 0 || self.in_flight < usize::from(self.global_prefetch)
    }

    /// The tag of the next delivery.
    pub(crate) fn tag(&mut self) -> u64 {
        self.next_tag += 1;
        self.next_tag
    }

    /// Takes the deliveries that an acknowledgement names, oldest first; `None` when it names none that is outstanding.
    pub(crate) fn take(&mut self, tag: u64, multiple: bool) -> Option<Vec<Unacked>> {
        let taken = match (tag, multiple) {
            (0, true) => std::mem::take(&mut self.unacked),
            (tag, true) => {
                // RabbitMQ accepts a multiple acknowledgement only of a tag it has handed out and that is outstanding.
                if !self.unacked.contains_key(&tag) {
                    return None;
                }
                let rest = self.unacked.split_off(&(tag + 1));
                std::mem::replace(&mut self.unacked, rest)
            }
            (tag, false) => {
                let unacked = self.unacked.remove(&tag)?;
                self.in_flight -= usize::from(unacked.consumer.is_some());
                return Some(vec![unacked]);
            }
        };
        self.in_flight -= taken.values().filter(|unacked| unacked.consumer.is_some()).count();
        Some(taken.into_values().collect())
    }
}
