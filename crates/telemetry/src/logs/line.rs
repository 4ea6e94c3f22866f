//! How a line begins and ends, in each format.

use std::time::Duration;

use tracing::Level;

use super::Service;
use super::encode::{self, Scalar, Style};
use super::keys::Key;
use super::timestamp::Clock;
use crate::settings::LogFormat;

/// Date and `T` of a timestamp: a human who watches a terminal knows the day.
const DATE: usize = "2026-11-21T".len();

/// The target of a line.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    /// Whether it can be copied as it is.
    pub(super) plain: bool,
}

impl<'a> From<&'a Key<'a>> for Target<'a> {
    fn from(key: &'a Key<'a>) -> Self {
        Self { name: key.name, plain: key.plain }
    }
}

impl Style {
    /// The message as it stands in the line. In the pretty format a message with line breaks stays in one piece: it is read by
    /// a human. Other control characters are escaped, because the terminal would obey them.
    #[inline]
    pub(super) fn message(self, message: &str, special: bool, out: &mut String) {
        if self.format != LogFormat::Pretty {
            return self.text(message, special, out);
        }
        for (at, line) in message.split('\n').enumerate() {
            if at > 0 {
                out.push_str("\n    ");
            }
            for part in line.split_inclusive(|c: char| c.is_control() && c != '\t') {
                match part.char_indices().next_back() {
                    Some((end, last)) if last.is_control() && last != '\t' => {
                        out.push_str(&part[..end]);
                        out.extend(last.escape_default());
                    }
                    _ => out.push_str(part),
                }
            }
        }
    }

    /// Time, level, target and the encoded message.
    #[inline]
    pub(super) fn start(
        self,
        (clock, now): (&mut Clock, Duration),
        level: Level,
        target: Target<'_>,
        message: &str,
        line: &mut String,
    ) {
        match self.format {
            LogFormat::Json => {
                line.push_str("{\"timestamp\":\"");
                clock.write(now, line);
                line.push_str(match level {
                    Level::ERROR => "\",\"level\":\"ERROR\",\"target\":\"",
                    Level::WARN => "\",\"level\":\"WARN\",\"target\":\"",
                    Level::INFO => "\",\"level\":\"INFO\",\"target\":\"",
                    Level::DEBUG => "\",\"level\":\"DEBUG\",\"target\":\"",
                    Level::TRACE => "\",\"level\":\"TRACE\",\"target\":\"",
                });
                if target.plain {
                    line.push_str(target.name)
                } else {
                    encode::escape(target.name, line)
                }
                line.push_str("\",\"message\":");
                line.push_str(if message.is_empty() { "\"\"" } else { message });
            }
            LogFormat::Logfmt => {
                line.push_str("timestamp=");
                clock.write(now, line);
                line.push_str(" level=");
                line.push_str(level.as_str());
                line.push_str(" target=");
                self.text(target.name, !target.plain, line);
                line.push_str(" message=");
                line.push_str(if message.is_empty() { "\"\"" } else { message });
            }
            LogFormat::Pretty => self.start_pretty(clock, now, level, target.name, message, line),
        }
    }

    fn start_pretty(
        self,
        clock: &mut Clock,
        now: Duration,
        level: Level,
        target: &str,
        message: &str,
        line: &mut String,
    ) {
        let (dim, hue, reset) = match (self.colour, level) {
            (false, _) => ("", "", ""),
            (true, Level::ERROR) => ("\x1b[2m", "\x1b[1;31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[2m", "\x1b[33m", "\x1b[0m"),
            (true, Level::INFO) => ("\x1b[2m", "\x1b[32m", "\x1b[0m"),
            (true, Level::DEBUG) => ("\x1b[2m", "\x1b[34m", "\x1b[0m"),
            (true, Level::TRACE) => ("\x1b[2m", "\x1b[35m", "\x1b[0m"),
        };
        line.push_str(dim);
        let date = line.len();
        clock.write(now, line);
        line.replace_range(date..date + DATE, "");
        line.push_str(reset);
        line.push_str(if level.as_str().len() < 5 { "  " } else { " " });
        line.push_str(hue);
        line.push_str(level.as_str());
        line.push_str(reset);
        line.push(' ');
        line.push_str(dim);
        encode::escape_for_terminal(target, line);
        line.push_str(reset);
        line.push(' ');
        line.push_str(message);
    }

    pub(super) fn end(self, line: &mut String) {
        line.push_str(if self.format == LogFormat::Json { "}\n" } else { "\n" });
    }

    /// Who writes, encoded once. On a terminal it goes without saying.
    pub(super) fn service(self, service: &Service) -> String {
        let mut out = String::new();
        if self.format != LogFormat::Pretty {
            for (key, value) in
                [("service", &service.name), ("version", &service.version), ("instance", &service.instance)]
            {
                self.pair(key, Scalar::Text(value), &mut out);
            }
        }
        out
    }
}
