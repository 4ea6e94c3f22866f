//! What every line needs, whoever asks for it: format, limits, writer, and the sink of exported records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};

use super::encode::{Scalar, Style};
use super::filter::Filter;
use super::ids::Ids;
use super::limit::{Limiter, Verdict};
use super::line::Target;
use super::record::{self, RecordSink};
use super::timestamp::{Clock, since_1970};
use super::writer::{Chores, Writer};

pub(super) struct Lines {
    pub(super) style: Style,
    /// Service, version and instance, encoded once.
    pub(super) service: String,
    pub(super) writer: Writer,
    pub(super) filter: Filter,
    pub(super) limiter: Limiter,
    pub(super) sink: Option<Arc<dyn RecordSink>>,
}

impl Lines {
    /// Whether a line from `place` may be written, this long after 1970; what was suppressed there before is told first.
    #[inline]
    pub(super) fn admit(&self, place: &'static Metadata<'static>, now: Duration) -> bool {
        match self.limiter.admit(place, second(now)) {
            Verdict::Write { untold: 0 } => true,
            Verdict::Write { untold } => {
                self.tell_suppressed(place, untold, self.limiter.limit_of(place));
                true
            }
            Verdict::Suppress { first } => {
                if first {
                    // Whoever writes tells of it when the second is over.
                    self.writer.nudge();
                }
                false
            }
        }
    }

    /// Tells of every suppressed line, also of those whose second is not over.
    pub(super) fn tell_all_suppressed(&self) {
        self.limiter.sweep(u32::MAX, |place, lines, limit| self.tell_suppressed(place, lines, limit));
    }

    #[cold]
    fn tell_suppressed(&self, place: &'static Metadata<'static>, lines: u64, limit: u32) {
        let message = format!("{lines} lines suppressed");
        let mut fields = vec![("suppressed", lines), ("limit_per_second", limit.into())];
        fields.extend(place.line().map(|line| ("code.line.number", u64::from(line))));
        self.own_line(place.target(), &message, &fields, place.file());
        if let Some(sink) = &self.sink
            && record::is_exported(place.target())
        {
            let mut record = record::new(since_1970(), Level::WARN, &message, &Ids::default());
            record.attributes.push(record::number("suppressed", lines));
            record::source(place, &mut record.attributes);
            sink.push(record);
        }
    }

    /// Writes a warning of the log layer itself, which passes neither filter nor limit.
    fn own_line(&self, target: &'static str, message: &str, fields: &[(&str, u64)], file: Option<&str>) {
        self.writer.write(&self.encode_own(target, message, fields, file));
    }

    fn encode_own(&self, target: &'static str, message: &str, fields: &[(&str, u64)], file: Option<&str>) -> String {
        let mut encoded = String::new();
        self.style.message(message, false, &mut encoded);
        let mut line = String::new();
        let target = Target { name: target, plain: false };
        self.style.start((&mut Clock::default(), since_1970()), Level::WARN, target, &encoded, &mut line);
        line.push_str(&self.service);
        for (key, value) in fields {
            self.style.pair(key, Scalar::Unsigned((*value).into()), &mut line);
        }
        if let Some(file) = file {
            self.style.pair("code.file.path", Scalar::Text(file), &mut line);
        }
        self.style.end(&mut line);
        line
    }
}

impl Chores for Lines {
    fn run_due(&self, now: Instant) -> Option<Instant> {
        let wall = since_1970();
        let left = self.limiter.sweep(second(wall), |place, lines, limit| self.tell_suppressed(place, lines, limit));
        let reverts = self.filter.revert_if_due(now);
        if !left {
            return reverts;
        }
        let next_second = now + Duration::from_millis(u64::from(1000 - wall.subsec_millis()));
        Some(reverts.map_or(next_second, |reverts| reverts.min(next_second)))
    }

    fn drops_began(&self, lines: u64) -> String {
        let message = "log lines are dropped: the output is too slow or refuses them";
        self.encode_own("telemetry::logs", message, &[("dropped", lines)], None)
    }

    fn drops_ended(&self, lines: u64) -> String {
        let message = "log lines are no longer dropped";
        self.encode_own("telemetry::logs", message, &[("dropped", lines)], None)
    }
}

/// Seconds since 1970. The clock wraps in 2106, which costs one window.
#[inline]
fn second(now: Duration) -> u32 {
    now.as_secs() as u32
}
