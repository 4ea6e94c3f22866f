//! Dead letters: what the broker wrote into `x-death` when it moved a message because nobody would, or could, take it.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;

use super::headers::text;
use super::series::Series;
use crate::late::{Late, count};

static DEAD_LETTERED: Late<Counter<u64>> = Late::new(|meter| {
    count(
        meter,
        "app.messaging.dead_lettered.messages",
        "{message}",
        "Messages that were dead-lettered before they came here",
    )
});

/// How a message came to be dead-lettered, as the broker tells in its `x-death` header.
///
/// # Examples
///
/// ```
/// use lapin::types::{AMQPValue, FieldTable, FieldArray};
/// use telemetry::messaging::DeadLetter;
///
/// let mut death = FieldTable::default();
/// death.insert("queue".into(), AMQPValue::LongString("orders".into()));
/// death.insert("reason".into(), AMQPValue::LongString("rejected".into()));
/// death.insert("count".into(), AMQPValue::LongLongInt(3));
/// let mut headers = FieldTable::default();
/// headers.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death)])));
///
/// let letter = DeadLetter::of(&lapin::BasicProperties::default().with_headers(headers)).unwrap();
/// assert_eq!((letter.queue.as_str(), letter.reason, letter.count), ("orders", "rejected", 3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The queue the message was taken from last; empty when the broker does not say.
    pub queue: String,
    /// Why: `rejected`, `expired`, `maxlen`, `delivery_limit`, or `_OTHER`.
    pub reason: &'static str,
    /// How often the message was dead-lettered, over all queues and reasons.
    pub count: u64,
}

impl DeadLetter {
    /// What the header of a message says; `None` of a message that never was dead-lettered.
    #[must_use]
    pub fn of(properties: &BasicProperties) -> Option<Self> {
        let deaths = match properties.headers().as_ref()?.inner().get("x-death")? {
            AMQPValue::FieldArray(deaths) => deaths.as_slice(),
            _ => return None,
        };
        let mut deaths = deaths.iter().filter_map(|death| match death {
            AMQPValue::FieldTable(death) => Some(death),
            _ => None,
        });
        // The broker puts the latest first.
        let latest = deaths.next()?;
        let queue = latest.inner().get("queue").and_then(text).unwrap_or_default();
        let reason = latest.inner().get("reason").and_then(text).unwrap_or_default();
        let count = deaths.map(times).fold(times(latest), u64::saturating_add);
        Some(Self { queue, reason: known(&reason), count })
    }

    pub(super) fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new("app.messaging.dead_letter.queue", self.queue.clone()),
            KeyValue::new("app.messaging.dead_letter.reason", self.reason),
            KeyValue::new("app.messaging.dead_letter.count", i64::try_from(self.count).unwrap_or(i64::MAX)),
        ]
    }

    pub(super) fn count_in(&self, series: &Series) {
        series.with(|attributes| {
            attributes.push(KeyValue::new("app.messaging.dead_letter.reason", self.reason));
            DEAD_LETTERED.get().add(1, attributes);
        });
    }
}

/// Reasons are few; what a stranger wrote into the header must not become an attribute of a metric.
fn known(reason: &str) -> &'static str {
    ["rejected", "expired", "maxlen", "delivery_limit"].into_iter().find(|known| *known == reason).unwrap_or("_OTHER")
}

fn times(death: &FieldTable) -> u64 {
    let count = match death.inner().get("count") {
        Some(AMQPValue::LongLongInt(count)) => *count,
        Some(AMQPValue::LongInt(count)) => i64::from(*count),
        Some(AMQPValue::LongUInt(count)) => i64::from(*count),
        Some(AMQPValue::ShortInt(count)) => i64::from(*count),
        // Old brokers wrote one entry per death, without a count.
        _ => 1,
    };
    u64::try_from(count).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapin::types::FieldArray;

    fn letter(deaths: Vec<AMQPValue>) -> Option<DeadLetter> {
        let mut headers = FieldTable::default();
        headers.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::from(deaths)));
        DeadLetter::of(&BasicProperties::default().with_headers(headers))
    }

    fn death(queue: &str, reason: &str, count: AMQPValue) -> AMQPValue {
        let mut death = FieldTable::default();
        death.insert("queue".into(), AMQPValue::LongString(queue.into()));
        death.insert("reason".into(), AMQPValue::LongString(reason.into()));
        death.insert("count".into(), count);
        AMQPValue::FieldTable(death)
    }

    #[test]
    fn latest_death_gives_queue_and_reason_and_all_count() {
        let deaths = vec![
            death("retry", "expired", AMQPValue::LongLongInt(2)),
            death("orders", "rejected", AMQPValue::LongInt(3)),
        ];
        assert_eq!(letter(deaths), Some(DeadLetter { queue: "retry".into(), reason: "expired", count: 5 }));
    }

    #[test]
    fn odd_headers_are_tolerated() {
        assert_eq!(DeadLetter::of(&BasicProperties::default()), None);
        assert_eq!(letter(vec![]), None);
        assert_eq!(letter(vec![AMQPValue::Boolean(true)]), None);
        let odd = letter(vec![death("q", "because", AMQPValue::LongLongInt(-4))]).unwrap();
        assert_eq!((odd.reason, odd.count), ("_OTHER", 1));
    }
}
