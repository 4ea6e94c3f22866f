//! The state of the broker: one virtual host behind one lock, under which nothing waits.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::Notify;

use crate::{
    Limits,
    channel_state::{ChannelKey, ChannelState},
    dead_letter::DeadLetter,
    exchange::{Exchange, Kind},
    faults::Faults,
    journal::Journal,
    outbox::Outbox,
    queue::{Counts, Entry, Queue, QueueId},
    record::Record,
    registry::ConnectionInfo,
    value::{FieldTable, ShortStr},
};

/// What is counted and recorded whenever a message moves, whichever queue it is in.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) faults: Faults,
    pub(crate) dead: VecDeque<DeadLetter>,
    pub(crate) counts: Counts,
    /// Bytes of all messages in all queues.
    pub(crate) bytes: u64,
    /// A pair of readings of both clocks, to write deadlines into the journal.
    epoch: (Instant, u64),
}

impl Books {
    pub(crate) fn record(&self, record: &Record, lives: bool) {
        if let Some(journal) = &self.journal {
            journal.append(record, lives);
        }
    }

    /// A copy has left its queue for good.
    pub(crate) fn forget(&mut self, queue: QueueId, entry: &Entry) {
        self.bytes = self.bytes.saturating_sub(entry.message.size());
        if entry.stored
            && let Some(journal) = &self.journal
        {
            journal.append(&Record::Removed { queue, position: entry.position }, false);
            journal.forget(entry.message.drop_copy());
        }
    }

    /// Milliseconds since the epoch of a deadline; 0 for none.
    pub(crate) fn epoch_millis(&self, deadline: Option<Instant>) -> u64 {
        let (instant, millis) = self.epoch;
        deadline.map_or(0, |deadline| {
            let since = deadline.saturating_duration_since(instant).as_millis() as u64;
            let before = instant.saturating_duration_since(deadline).as_millis() as u64;
            millis.saturating_add(since).saturating_sub(before).max(1)
        })
    }

    /// The inverse of [`epoch_millis`](Self::epoch_millis).
    pub(crate) fn deadline(&self, epoch_millis: u64) -> Option<Instant> {
        let (instant, millis) = self.epoch;
        if epoch_millis == 0 {
            return None;
        }
        instant.checked_add(std::time::Duration::from_millis(epoch_millis.saturating_sub(millis)))
    }
}

#[derive(Debug)]
pub(crate) struct Vhost {
    pub(crate) name: ShortStr,
    pub(crate) limits: Limits,
    pub(crate) exchanges: HashMap<ShortStr, Exchange>,
    pub(crate) queues: HashMap<QueueId, Queue>,
    pub(crate) queue_names: HashMap<ShortStr, QueueId>,
    pub(crate) bindings: usize,
    pub(crate) channels: HashMap<ChannelKey, ChannelState>,
    pub(crate) connections: HashMap<u64, ConnectionInfo>,
    pub(crate) books: Books,
    /// Queues where something may be deliverable, too long, or due.
    pub(crate) touched: Vec<QueueId>,
    pub(crate) timers: BinaryHeap<Reverse<(Instant, QueueId)>>,
    /// Told when an earlier timer is set.
    pub(crate) timer_set: Arc<Notify>,
    /// Told when memory falls below its limit.
    pub(crate) memory_freed: Arc<Notify>,
    alarmed: bool,
    next_id: u64,
}

impl Vhost {
    pub(crate) fn new(name: &str, limits: Limits) -> Self {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let books = Books {
            journal: None,
            faults: Faults::default(),
            dead: VecDeque::new(),
            counts: Counts::default(),
            bytes: 0,
            epoch: (Instant::now(), millis),
        };
        let predeclared = [
            ("", Kind::Direct),
            ("amq.direct", Kind::Direct),
            ("amq.fanout", Kind::Fanout),
            ("amq.topic", Kind::Topic),
            ("amq.headers", Kind::Headers),
            ("amq.match", Kind::Headers),
        ];
        let exchanges = predeclared.into_iter().map(|(name, kind)| {
            (ShortStr::truncated(name), Exchange::new(kind, true, false, false, FieldTable::default()))
        });
        Self {
            name: ShortStr::truncated(name),
            limits,
            exchanges: exchanges.collect(),
            queues: HashMap::new(),
            queue_names: HashMap::new(),
            bindings: 0,
            channels: HashMap::new(),
            connections: HashMap::new(),
            books,
            touched: Vec::new(),
            timers: BinaryHeap::new(),
            timer_set: Arc::new(Notify::new()),
            memory_freed: Arc::new(Notify::new()),
            alarmed: false,
            next_id: 1,
        }
    }

    /// A number that nothing else in this broker has, nor had in its journal.
    pub(crate) fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    pub(crate) fn touch(&mut self, queue: QueueId) {
        if let Some(queue) = self.queues.get_mut(&queue)
            && !std::mem::replace(&mut queue.touched, true)
        {
            self.touched.push(queue.id);
        }
    }

    /// Delivers, drops and dead-letters until nothing more can move.
    pub(crate) fn run(&mut self) {
        loop {
            while let Some(queue) = self.touched.pop() {
                self.pump(queue, true);
            }
            match self.books.dead.pop_front() {
                Some(letter) => self.dead_letter(letter),
                None => break,
            }
        }
        let above = self.books.bytes > self.limits.queue_memory;
        if self.alarmed && !above {
            self.memory_freed.notify_waiters();
        }
        self.alarmed = above;
    }

    /// Whether queues hold more than they may.
    pub(crate) fn is_alarmed(&self) -> bool {
        self.alarmed
    }

    pub(crate) fn open_channel(&mut self, key: ChannelKey, outbox: Arc<Outbox>) {
        self.channels.insert(key, ChannelState::new(outbox, key.1));
    }

    /// Ends a channel: its consumers go, what it has not acknowledged is requeued.
    pub(crate) fn close_channel(&mut self, key: ChannelKey) {
        let Some(mut channel) = self.channels.remove(&key) else {
            return;
        };
        let consumers = std::mem::take(&mut channel.consumers);
        // First, so that nothing is requeued into a queue that is about to delete itself.
        let unacked = std::mem::take(&mut channel.unacked).into_values().collect();
        for (id, queue) in consumers.values() {
            if let Some(queue) = self.queues.get_mut(queue) {
                queue.consumers.retain(|consumer| consumer.id != *id);
            }
        }
        self.requeue(unacked);
        for (_, queue) in consumers.into_values() {
            self.after_consumer_left(queue);
        }
    }

    /// Ends all that belongs to a connection.
    pub(crate) fn close_connection(&mut self, connection: u64) {
        let channels: Vec<_> = self.channels.keys().filter(|(owner, _)| *owner == connection).copied().collect();
        for key in channels {
            self.close_channel(key);
        }
        let owned = self.queues.values().filter(|queue| queue.owner == Some(connection));
        for queue in owned.map(|queue| queue.id).collect::<Vec<_>>() {
            self.remove_queue(queue);
        }
        self.connections.remove(&connection);
        self.run();
    }

    /// The connection reads again: queues that withheld deliveries from it may go on.
    pub(crate) fn has_room(&mut self, connection: u64) {
        let channels = self.channels.iter().filter(|((owner, _), _)| *owner == connection);
        let queues: Vec<_> =
            channels.flat_map(|(_, channel)| channel.consumers.values().map(|(_, queue)| *queue)).collect();
        for queue in queues {
            self.touch(queue);
        }
        self.run();
    }

    /// The next timer that is set.
    pub(crate) fn next_timer(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Looks at every queue whose timer is due.
    pub(crate) fn fire_timers(&mut self, now: Instant) {
        while let Some(Reverse((at, queue))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            if let Some(queue) = self.queues.get_mut(&queue)
                && queue.timer == Some(at)
            {
                queue.timer = None;
            }
            self.touch(queue);
        }
        self.run();
    }
}
