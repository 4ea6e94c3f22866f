//! Message properties, kept as the bytes that arrived; only what the broker acts upon is looked into.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    value::FieldTable,
    wire::{Decoder, Encoder, Field, WireError},
};

/// The properties in wire order: the first has the highest flag bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property {
    ContentType,
    ContentEncoding,
    Headers,
    DeliveryMode,
    Priority,
    CorrelationId,
    ReplyTo,
    Expiration,
    MessageId,
    Timestamp,
    Type,
    UserId,
    AppId,
    ClusterId,
}

impl Property {
    pub(crate) const ALL: [Self; 14] = [
        Self::ContentType,
        Self::ContentEncoding,
        Self::Headers,
        Self::DeliveryMode,
        Self::Priority,
        Self::CorrelationId,
        Self::ReplyTo,
        Self::Expiration,
        Self::MessageId,
        Self::Timestamp,
        Self::Type,
        Self::UserId,
        Self::AppId,
        Self::ClusterId,
    ];

    fn flag(self) -> u16 {
        0x8000 >> self as u16
    }

    /// The name that RabbitMQ's management API gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ContentType => "content_type",
            Self::ContentEncoding => "content_encoding",
            Self::Headers => "headers",
            Self::DeliveryMode => "delivery_mode",
            Self::Priority => "priority",
            Self::CorrelationId => "correlation_id",
            Self::ReplyTo => "reply_to",
            Self::Expiration => "expiration",
            Self::MessageId => "message_id",
            Self::Timestamp => "timestamp",
            Self::Type => "type",
            Self::UserId => "user_id",
            Self::AppId => "app_id",
            Self::ClusterId => "cluster_id",
        }
    }
}

/// Bits below the last property: one unused, one that would announce a second word of flags.
const UNKNOWN_FLAGS: u16 = 0b11;

/// Where each property lies within the bytes, length prefixes included.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    spans: [Option<Range<usize>>; 14],
}

impl Layout {
    /// Checks the bytes (flags, then properties) and finds the properties in them.
    pub(crate) fn of(raw: &[u8], max_depth: usize) -> Result<Self, WireError> {
        let mut from = Decoder::new(raw, max_depth);
        let flags = from.u16()?;
        if flags & UNKNOWN_FLAGS != 0 {
            return Err(WireError::Flags(flags));
        }
        let mut layout = Self::default();
        for property in Property::ALL {
            if flags & property.flag() == 0 {
                continue;
            }
            let start = raw.len() - from.rest().len();
            match property {
                Property::Headers => {
                    // Decoded for the check alone: what is stored must be readable by every consumer.
                    FieldTable::decode(&mut from)?;
                }
                Property::DeliveryMode | Property::Priority => {
                    from.u8()?;
                }
                Property::Timestamp => {
                    from.u64()?;
                }
                _ => {
                    from.short()?;
                }
            }
            layout.spans[property as usize] = Some(start..raw.len() - from.rest().len());
        }
        Ok(layout)
    }

    pub(crate) fn bytes<'a>(&self, raw: &'a [u8], property: Property) -> Option<&'a [u8]> {
        raw.get(self.spans[property as usize].clone()?)
    }

    /// A property that is a short string, without its length.
    pub(crate) fn text<'a>(&self, raw: &'a [u8], property: Property) -> Option<&'a [u8]> {
        self.bytes(raw, property)?.get(1..)
    }

    pub(crate) fn is_persistent(&self, raw: &[u8]) -> bool {
        self.bytes(raw, Property::DeliveryMode) == Some(&[2])
    }

    pub(crate) fn headers(&self, raw: &[u8], max_depth: usize) -> Option<FieldTable> {
        FieldTable::decode(&mut Decoder::new(self.bytes(raw, Property::Headers)?, max_depth)).ok()
    }

    /// The same properties with other headers and without an expiration, every other byte as it was.
    pub(crate) fn dead_lettered(&self, raw: &[u8], headers: &FieldTable) -> Bytes {
        let mut flags = 0;
        let mut body = BytesMut::with_capacity(raw.len() + 256);
        for property in Property::ALL {
            match property {
                Property::Headers => headers.write(&mut Encoder::new(&mut body)),
                Property::Expiration => continue,
                _ => match self.bytes(raw, property) {
                    Some(bytes) => body.put_slice(bytes),
                    None => continue,
                },
            }
            flags |= property.flag();
        }
        let mut out = BytesMut::with_capacity(body.len() + 2);
        out.put_u16(flags);
        out.put_slice(&body);
        out.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::{Sampler, ShortStr, Value};

    fn encode(flags: u16, source: &mut Sampler) -> Bytes {
        let mut out = BytesMut::new();
        out.put_u16(flags);
        for property in Property::ALL.into_iter().filter(|property| flags & property.flag() != 0) {
            match property {
                Property::Headers => source.table(0).write(&mut Encoder::new(&mut out)),
                Property::DeliveryMode | Property::Priority => out.put_u8(source.next() as u8),
                Property::Timestamp => out.put_u64(source.next()),
                _ => source.short_str().encode(&mut Encoder::new(&mut out)),
            }
        }
        out.freeze()
    }

    proptest! {
        #[test]
        fn dead_lettering_changes_headers_and_expiration_only(seed: u64, flags: u16) {
            let flags = flags & !UNKNOWN_FLAGS;
            let raw = encode(flags, &mut Sampler(seed));
            let layout = Layout::of(&raw, 16).unwrap();
            let headers = FieldTable(vec![(ShortStr::truncated("x"), Value::Void)]);
            let changed = layout.dead_lettered(&raw, &headers);
            let after = Layout::of(&changed, 16).unwrap();
            for property in Property::ALL {
                match property {
                    Property::Headers => prop_assert_eq!(after.headers(&changed, 16), Some(headers.clone())),
                    Property::Expiration => prop_assert_eq!(after.bytes(&changed, property), None),
                    _ => prop_assert_eq!(after.bytes(&changed, property), layout.bytes(&raw, property)),
                }
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(raw: Vec<u8>) {
            let _ = Layout::of(&raw, 16);
        }
    }

    #[test]
    fn flags_without_a_property_are_refused() {
        assert_eq!(Layout::of(&[0, 1], 16).unwrap_err(), WireError::Flags(1));
    }
}
