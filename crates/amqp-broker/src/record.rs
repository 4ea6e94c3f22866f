//! Records of the journal: what happened to durable things, in the order in which it happened.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    exchange::{Destination, Kind},
    value::{FieldTable, ShortStr},
    wire::{Decoder, Encoder, Field, WireError},
};

/// Deep enough for whatever the broker itself accepted earlier, under any limit it allows.
const MAX_DEPTH: usize = 128;

/// One copy of a stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Copy {
    pub(crate) queue: u64,
    /// Place in the queue.
    pub(crate) position: u64,
    pub(crate) delivered: bool,
    /// Milliseconds since the epoch; 0 when it does not expire.
    pub(crate) expires: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    Exchange { name: ShortStr, kind: Kind, auto_delete: bool, internal: bool, arguments: FieldTable },
    ExchangeGone { name: ShortStr },
    Queue { id: u64, name: ShortStr, auto_delete: bool, arguments: FieldTable },
    QueueGone { id: u64 },
    Bind { source: ShortStr, destination: Destination, key: ShortStr, arguments: FieldTable },
    Unbind { source: ShortStr, destination: Destination, key: ShortStr, arguments: FieldTable },
    Message { copies: Vec<Copy>, exchange: ShortStr, key: ShortStr, properties: Bytes, body: Bytes },
    Delivered { queue: u64, position: u64 },
    Removed { queue: u64, position: u64 },
}

impl Record {
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        let mut to = Encoder::new(out);
        match self {
            Self::Exchange { name, kind, auto_delete, internal, arguments } => {
                to.octets().put_u8(1);
                name.encode(&mut to);
                ShortStr::truncated(kind.name()).encode(&mut to);
                auto_delete.encode(&mut to);
                internal.encode(&mut to);
                arguments.encode(&mut to);
            }
            Self::ExchangeGone { name } => {
                to.octets().put_u8(2);
                name.encode(&mut to);
            }
            Self::Queue { id, name, auto_delete, arguments } => {
                to.octets().put_u8(3);
                id.encode(&mut to);
                name.encode(&mut to);
                auto_delete.encode(&mut to);
                arguments.encode(&mut to);
            }
            Self::QueueGone { id } => {
                to.octets().put_u8(4);
                id.encode(&mut to);
            }
            Self::Bind { source, destination, key, arguments } => {
                to.octets().put_u8(5);
                encode_binding(&mut to, source, destination, key, arguments);
            }
            Self::Unbind { source, destination, key, arguments } => {
                to.octets().put_u8(6);
                encode_binding(&mut to, source, destination, key, arguments);
            }
            Self::Message { copies, exchange, key, properties, body } => {
                encode_message(&mut to, copies, exchange, key, properties, body);
            }
            Self::Delivered { queue, position } => {
                to.octets().put_u8(8);
                queue.encode(&mut to);
                position.encode(&mut to);
            }
            Self::Removed { queue, position } => {
                to.octets().put_u8(9);
                queue.encode(&mut to);
                position.encode(&mut to);
            }
        }
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut from = Decoder::new(payload, MAX_DEPTH);
        Ok(match from.u8()? {
            1 => Self::Exchange {
                name: Field::decode(&mut from)?,
                kind: Kind::of(&ShortStr::decode(&mut from)?).ok_or(WireError::Tag(1))?,
                auto_delete: Field::decode(&mut from)?,
                internal: Field::decode(&mut from)?,
                arguments: Field::decode(&mut from)?,
            },
            2 => Self::ExchangeGone { name: Field::decode(&mut from)? },
            3 => Self::Queue {
                id: Field::decode(&mut from)?,
                name: Field::decode(&mut from)?,
                auto_delete: Field::decode(&mut from)?,
                arguments: Field::decode(&mut from)?,
            },
            4 => Self::QueueGone { id: Field::decode(&mut from)? },
            tag @ (5 | 6) => {
                let source = Field::decode(&mut from)?;
                let to_queue = bool::decode(&mut from)?;
                let name = Field::decode(&mut from)?;
                let destination = if to_queue { Destination::Queue(name) } else { Destination::Exchange(name) };
                let key = Field::decode(&mut from)?;
                let arguments = Field::decode(&mut from)?;
                if tag == 5 {
                    Self::Bind { source, destination, key, arguments }
                } else {
                    Self::Unbind { source, destination, key, arguments }
                }
            }
            7 => {
                let count = from.u32()?;
                let mut copies = Vec::new();
                for _ in 0..count {
                    copies.push(Copy {
                        queue: Field::decode(&mut from)?,
                        position: Field::decode(&mut from)?,
                        delivered: Field::decode(&mut from)?,
                        expires: Field::decode(&mut from)?,
                    });
                }
                Self::Message {
                    copies,
                    exchange: Field::decode(&mut from)?,
                    key: Field::decode(&mut from)?,
                    properties: Field::decode(&mut from)?,
                    body: Field::decode(&mut from)?,
                }
            }
            8 => Self::Delivered { queue: Field::decode(&mut from)?, position: Field::decode(&mut from)? },
            9 => Self::Removed { queue: Field::decode(&mut from)?, position: Field::decode(&mut from)? },
            other => return Err(WireError::Tag(other)),
        })
    }
}

fn encode_binding(
    to: &mut Encoder<'_>,
    source: &ShortStr,
    destination: &Destination,
    key: &ShortStr,
    arguments: &FieldTable,
) {
    source.encode(to);
    let (to_queue, name) = match destination {
        Destination::Queue(name) => (true, name),
        Destination::Exchange(name) => (false, name),
    };
    to_queue.encode(to);
    name.encode(to);
    key.encode(to);
    arguments.encode(to);
}

fn encode_message(
    to: &mut Encoder<'_>,
    copies: &[Copy],
    exchange: &ShortStr,
    key: &ShortStr,
    properties: &Bytes,
    body: &Bytes,
) {
    to.octets().put_u8(7);
    (copies.len() as u32).encode(to);
    for copy in copies {
        copy.queue.encode(to);
        copy.position.encode(to);
        copy.delivered.encode(to);
        copy.expires.encode(to);
    }
    exchange.encode(to);
    key.encode(to);
    properties.encode(to);
    body.encode(to);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::Sampler;

    proptest! {
        #[test]
        fn records_survive_a_round_trip(seed: u64) {
            let mut source = Sampler(seed);
            let (name, key, arguments) = (source.short_str(), source.short_str(), source.table(0));
            let copies = (0..source.next() % 4)
                .map(|i| Copy { queue: i, position: source.next(), delivered: i % 2 == 0, expires: source.next() })
                .collect();
            for record in [
                Record::Exchange {
                    name: name.clone(), kind: Kind::Topic, auto_delete: true, internal: false, arguments: arguments.clone(),
                },
                Record::ExchangeGone { name: name.clone() },
                Record::Queue { id: seed, name: name.clone(), auto_delete: true, arguments: arguments.clone() },
                Record::QueueGone { id: seed },
                Record::Bind {
                    source: name.clone(), destination: Destination::Queue(key.clone()), key: key.clone(),
                    arguments: arguments.clone(),
                },
                Record::Unbind {
                    source: name.clone(), destination: Destination::Exchange(key.clone()), key: key.clone(), arguments,
                },
                Record::Message { copies, exchange: name, key, properties: source.bytes(), body: source.bytes() },
                Record::Delivered { queue: seed, position: 1 },
                Record::Removed { queue: seed, position: 2 },
            ] {
                let mut out = BytesMut::new();
                record.encode(&mut out);
                prop_assert_eq!(Record::decode(&out), Ok(record));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(tag in 0u8..12, data: Vec<u8>) {
            let mut payload = vec![tag];
            payload.extend(data);
            let _ = Record::decode(&payload);
        }
    }
}
