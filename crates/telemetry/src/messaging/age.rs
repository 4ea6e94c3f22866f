//! The age of a message.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

/// Age of a message: from the time in its id when that is a UUIDv7 (milliseconds), else from `created`, since the epoch.
pub(crate) fn age(id: Option<&str>, created: Option<Duration>, now: SystemTime) -> Option<Duration> {
    let by_id = id
        .and_then(|id| Uuid::try_parse(id).ok()?.get_timestamp())
        .map(|time| time.to_unix())
        .map(|(seconds, nanos)| Duration::new(seconds, nanos));
    let created = by_id.or(created)?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    // Clocks of two machines differ a little; a message from the future is simply new.
    Some(now.saturating_sub(created))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_finer_than_the_timestamp_and_the_future_is_new() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let stamp = Some(Duration::from_secs(1_799_999_990));
        assert_eq!(age(Some("m-1"), stamp, now), Some(Duration::from_secs(10)));
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1_799_999_999, 500_000_000)).to_string();
        assert_eq!(age(Some(&id), stamp, now), Some(Duration::from_millis(500)));
        assert_eq!(age(None, Some(Duration::from_secs(1_800_000_009)), now), Some(Duration::ZERO));
        assert_eq!(age(Some("m-1"), None, now), None);
    }
}
