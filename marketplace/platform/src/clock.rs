//! Identifiers and times, as every service stores and sends them.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

/// A new identifier: a UUIDv7 in text, so that ids sort by the time they were made.
#[must_use]
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Now, as stored text: RFC 3339, UTC, microseconds, so that text order is time order.
#[must_use]
pub fn now() -> String {
    timestamp(Utc::now())
}

/// `time` as stored text, see [`now`].
#[must_use]
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
