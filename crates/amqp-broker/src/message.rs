//! A message, shared by all queues that hold it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use bytes::Bytes;

use crate::{
    error::{Code, Failure},
    properties::{Layout, Property},
    value::{FieldTable, ShortStr},
};

/// What a queued message costs beside its bytes, roughly.
const OVERHEAD: u64 = 256;

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) exchange: ShortStr,
    pub(crate) key: ShortStr,
    /// Flags and properties exactly as the publisher wrote them.
    pub(crate) properties: Bytes,
    pub(crate) body: Bytes,
    pub(crate) persistent: bool,
    /// Time to live in milliseconds, from the expiration property.
    pub(crate) ttl: Option<u64>,
    /// Copies in the journal, and the octets of its record there. Changed under the broker's lock only.
    pub(crate) copies: AtomicU32,
    pub(crate) record: AtomicU64,
}

impl Message {
    /// # Errors
    /// When the properties are not well-formed, or the expiration is not a number.
    pub(crate) fn new(
        exchange: ShortStr,
        key: ShortStr,
        properties: Bytes,
        body: Bytes,
        table_depth: usize,
        user: Option<&str>,
    ) -> Result<Self, Failure> {
        let layout = Layout::of(&properties, table_depth)?;
        if let (Some(claimed), Some(user)) = (layout.text(&properties, Property::UserId), user)
            && claimed != user.as_bytes()
        {
            let claimed = String::from_utf8_lossy(claimed);
            return Err(Failure::new(
                Code::PreconditionFailed,
                format!("user_id property set to '{claimed}' but authenticated user was '{user}'"),
            ));
        }
        let ttl = match layout.text(&properties, Property::Expiration) {
            None => None,
            Some(text) => match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
                Some(ttl) => Some(ttl),
                None => {
                    let text = String::from_utf8_lossy(text);
                    return Err(Failure::new(
                        Code::PreconditionFailed,
                        format!("invalid expiration '{text}', expected milliseconds in decimal digits"),
                    ));
                }
            },
        };
        let persistent = layout.is_persistent(&properties);
        Ok(Self {
            exchange,
            key,
            properties,
            body,
            persistent,
            ttl,
            copies: AtomicU32::new(0),
            record: AtomicU64::new(0),
        })
    }

    /// Bytes this message counts for in a queue.
    pub(crate) fn size(&self) -> u64 {
        (self.body.len() + self.properties.len()) as u64 + OVERHEAD
    }

    pub(crate) fn headers(&self, table_depth: usize) -> FieldTable {
        Layout::of(&self.properties, table_depth)
            .ok()
            .and_then(|layout| layout.headers(&self.properties, table_depth))
            .unwrap_or_default()
    }

    /// One copy left the journal; the octets that are garbage now.
    pub(crate) fn drop_copy(&self) -> u64 {
        if self.copies.fetch_sub(1, Relaxed) == 1 { self.record.load(Relaxed) } else { 0 }
    }
}
