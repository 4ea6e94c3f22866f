//! From the journal's records back to queues, and from the living state to the records of a fresh journal.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use crate::{
    Recovery, StartError,
    bindings::{Binding, ExchangeDeclaration},
    declare::Declaration,
    journal::Journal,
    message::Message,
    queue::{Duplicate, Entry, QueueId},
    record::{Copy, Record},
    value::ShortStr,
    vhost::Vhost,
};

/// Stands for no connection when what is declared belongs to nobody.
const NOBODY: u64 = 0;

impl Vhost {
    /// Takes the state that the directory's journal describes and starts a fresh journal from it.
    pub(crate) fn recover_from(&mut self, directory: &Path) -> Result<Recovery, StartError> {
        let (journal, records, damaged_bytes) = Journal::open(directory)?;
        let mut entries: HashMap<QueueId, BTreeMap<u64, Entry>> = HashMap::new();
        // The new broker's queues have new numbers.
        let mut renamed: HashMap<u64, QueueId> = HashMap::new();
        for record in records {
            self.replay(record, &mut entries, &mut renamed);
        }
        let mut recovery = Recovery { damaged_bytes, ..Recovery::default() };
        for (id, entries) in entries {
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            for (position, entry) in entries {
                recovery.messages += 1;
                recovery.redelivered += usize::from(entry.redelivered);
                self.books.bytes += entry.message.size();
                queue.next_position = position + 1;
                queue.push(entry);
            }
        }
        recovery.queues = self.queues.len();
        let failed = |source| StartError::Journal { path: journal.path(), source };
        self.write_snapshot(&journal).map_err(failed)?;
        self.books.journal = Some(Arc::new(journal));
        for id in self.queues.keys().copied().collect::<Vec<_>>() {
            self.touch(id);
        }
        self.run();
        Ok(recovery)
    }

    fn replay(
        &mut self,
        record: Record,
        entries: &mut HashMap<QueueId, BTreeMap<u64, Entry>>,
        renamed: &mut HashMap<u64, QueueId>,
    ) {
        // A record that does not apply, because of limits lowered since, is skipped: the rest is worth more.
        match record {
            Record::Exchange { name, kind, auto_delete, internal, arguments } => {
                let kind = ShortStr::truncated(kind.name());
                let wanted =
                    ExchangeDeclaration { name, kind, passive: false, durable: true, auto_delete, internal, arguments };
                let _ = self.declare_exchange(wanted);
            }
            Record::ExchangeGone { name } => {
                let _ = self.delete_exchange(&name, false);
            }
            Record::Queue { id, name, auto_delete, arguments } => {
                let generated = name.starts_with("amq.").then(|| name.clone());
                let wanted = Declaration {
                    // Generated names are reserved; such a queue gets its own name back below.
                    name: if generated.is_some() { ShortStr::empty() } else { name },
                    passive: false,
                    durable: true,
                    exclusive: false,
                    auto_delete,
                    table: arguments,
                };
                if let Ok(new_id) = self.declare_queue(wanted, NOBODY) {
                    if let (Some(name), Some(queue)) = (generated, self.queues.get_mut(&new_id)) {
                        self.queue_names.remove(&queue.name);
                        queue.name = name.clone();
                        self.queue_names.insert(name, new_id);
                    }
                    renamed.insert(id, new_id);
                }
            }
            Record::QueueGone { id } => {
                if let Some(id) = renamed.remove(&id) {
                    entries.remove(&id);
                    self.remove_queue(id);
                }
            }
            Record::Bind { source, destination, key, arguments } => {
                let _ = self.bind(Binding { source, destination, key, arguments });
            }
            Record::Unbind { source, destination, key, arguments } => {
                let _ = self.unbind(Binding { source, destination, key, arguments });
            }
            Record::Message { copies, exchange, key, properties, body } => {
                // What was stored was checked when it came; a dead letter is nested a little deeper.
                let Ok(message) = Message::new(exchange, key, properties, body, 128, None) else {
                    return;
                };
                let message = Arc::new(message);
                for Copy { queue, position, delivered, expires } in copies {
                    if let Some(id) = renamed.get(&queue) {
                        let entry = Entry {
                            position,
                            message: Arc::clone(&message),
                            redelivered: delivered,
                            expires: self.books.deadline(expires),
                            duplicate: Duplicate::No,
                            stored: true,
                        };
                        entries.entry(*id).or_default().insert(position, entry);
                    }
                }
            }
            Record::Delivered { queue, position } => {
                let queue = renamed.get(&queue).and_then(|id| entries.get_mut(id));
                if let Some(entry) = queue.and_then(|queue| queue.get_mut(&position)) {
                    entry.redelivered = true;
                }
            }
            Record::Removed { queue, position } => {
                if let Some(queue) = renamed.get(&queue).and_then(|id| entries.get_mut(id)) {
                    queue.remove(&position);
                }
            }
        }
    }

    /// Replaces the journal by one without garbage, when that is worth its time.
    pub(crate) fn compact_if_worthwhile(&mut self) {
        if let Some(journal) = self.books.journal.clone()
            && journal.wants_compaction()
        {
            // On failure the old file goes on growing, and its own next write reports what is wrong.
            let _ = self.write_snapshot(&journal);
        }
    }

    fn write_snapshot(&self, journal: &Journal) -> io::Result<()> {
        journal.rewrite(|write| {
            self.snapshot_definitions(write)?;
            self.snapshot_messages(write)
        })
    }

    fn snapshot_definitions(&self, write: &mut dyn FnMut(&Record) -> io::Result<u64>) -> io::Result<()> {
        for (name, exchange) in
            self.exchanges.iter().filter(|(name, exchange)| exchange.durable && !is_predeclared(name))
        {
            write(&Record::Exchange {
                name: name.clone(),
                kind: exchange.kind,
                auto_delete: exchange.auto_delete,
                internal: exchange.internal,
                arguments: exchange.arguments.clone(),
            })?;
        }
        for queue in self.queues.values().filter(|queue| queue.survives()) {
            write(&Record::Queue {
                id: queue.id,
                name: queue.name.clone(),
                auto_delete: queue.auto_delete,
                arguments: queue.table.clone(),
            })?;
        }
        for (source, exchange) in &self.exchanges {
            for ((destination, key), alternatives) in exchange.bindings() {
                for arguments in alternatives {
                    let binding = Binding {
                        source: source.clone(),
                        destination: destination.clone(),
                        key: key.clone(),
                        arguments: arguments.clone(),
                    };
                    if self.survives(&binding) {
                        let Binding { source, destination, key, arguments } = binding;
                        write(&Record::Bind { source, destination, key, arguments })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn snapshot_messages(&self, write: &mut dyn FnMut(&Record) -> io::Result<u64>) -> io::Result<()> {
        // By address: copies of one message in several queues are one record.
        let mut stored: HashMap<*const Message, (&Message, Vec<Copy>)> = HashMap::new();
        let add = |queue: QueueId, entry: &Entry, delivered: bool| {
            let copy = Copy {
                queue,
                position: entry.position,
                delivered: delivered || entry.redelivered,
                expires: self.books.epoch_millis(entry.expires),
            };
            (Arc::as_ptr(&entry.message), copy)
        };
        let ready = self.queues.values().flat_map(|queue| queue.ready.iter().map(|entry| (queue.id, entry, false)));
        let unacked = self.channels.values().flat_map(|channel| channel.unacked.values());
        let unacked = unacked.filter(|unacked| self.queues.contains_key(&unacked.queue));
        let unacked = unacked.map(|unacked| (unacked.queue, &unacked.entry, true));
        for (queue, entry, delivered) in ready.chain(unacked).filter(|(_, entry, _)| entry.stored) {
            let (address, copy) = add(queue, entry, delivered);
            stored.entry(address).or_insert_with(|| (&entry.message, Vec::new())).1.push(copy);
        }
        for (message, copies) in stored.into_values() {
            message.copies.store(copies.len() as u32, Relaxed);
            let octets = write(&Record::Message {
                copies,
                exchange: message.exchange.clone(),
                key: message.key.clone(),
                properties: message.properties.clone(),
                body: message.body.clone(),
            })?;
            message.record.store(octets, Relaxed);
        }
        Ok(())
    }
}

fn is_predeclared(name: &str) -> bool {
    name.is_empty() || name.starts_with("amq.")
}
