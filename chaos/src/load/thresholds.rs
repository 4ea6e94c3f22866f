//! Conditions on what was measured: `buy.ok >= 99.5% over 10s`, `buy.p99 < 400ms in baseline`, `lag.p99 < 50ms`.
//!
//! `<metric>.<aggregate> <operator> <value> [over <window>] [within <time>] [in <phase>]`. The metric is a load or journey
//! by name, or `lag`. With a window, the condition must hold in every window of that length (they slide by a tenth of a
//! second); a window with fewer than [`Threshold::LEAST_SAMPLES`] samples is not judged, and a condition that is judged
//! nowhere is invalid instead of met. `within` is the time in which a recovery must be complete.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::quantity;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is measured.
    pub metric: Metric,
    /// Which figure of it.
    pub aggregate: Aggregate,
    /// How it is compared.
    pub operator: Operator,
    /// With what: a fraction for `ok` and `errors`, milliseconds for latencies, iterations per second for `rate`.
    pub value: f64,
    /// Length of the sliding window; the whole phase when absent.
    pub over: Option<Duration>,
    /// Time within which it must hold again; only in conditions of recovery.
    pub within: Option<Duration>,
    /// Phase to which it applies.
    pub phase: Option<String>,
}

/// What a threshold measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The generator's own lateness.
    Lag,
    /// Iterations of the load or journey of this name.
    Load(String),
}

/// Which figure a threshold looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    /// Share of iterations that succeeded.
    Ok,
    /// Share of iterations that did not.
    Errors,
    /// Iterations per second that succeeded.
    Rate,
    /// Latency at this quantile, from 0 to 1.
    Quantile(f64),
    /// Largest latency.
    Max,
}

/// How a threshold compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

/// Why a text is no threshold, with the place in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at} of `{text}`, expected {expected}")]
pub struct ThresholdError {
    /// The text.
    pub text: String,
    /// Where it goes wrong, in characters from 1.
    pub at: usize,
    /// What was found.
    pub message: String,
    /// What would be right.
    pub expected: String,
}

impl Threshold {
    /// Samples below which a window or phase is not judged.
    pub const LEAST_SAMPLES: u64 = 10;

    /// Whether a measured value meets it.
    #[must_use]
    pub fn holds(&self, measured: f64) -> bool {
        match self.operator {
            Operator::Less => measured < self.value,
            Operator::AtMost => measured <= self.value,
            Operator::More => measured > self.value,
            Operator::AtLeast => measured >= self.value,
        }
    }

    /// Whether it speaks of this load.
    #[must_use]
    pub fn concerns(&self, load: &str, journey: &str) -> bool {
        match &self.metric {
            Metric::Lag => true,
            Metric::Load(name) => name == load || name == journey,
        }
    }

    /// A measured value as people write it.
    #[must_use]
    pub fn show(&self, measured: f64) -> String {
        match self.aggregate {
            Aggregate::Ok | Aggregate::Errors => format!("{}%", trim(measured * 100.0, 2)),
            Aggregate::Rate => format!("{}/s", trim(measured, 2)),
            Aggregate::Quantile(_) | Aggregate::Max => format!("{}ms", trim(measured, 1)),
        }
    }
}

/// A number with at most so many decimals, without trailing zeros.
fn trim(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = match &self.metric {
            Metric::Lag => "lag",
            Metric::Load(name) => name,
        };
        let value = match self.aggregate {
            Aggregate::Ok | Aggregate::Errors => format!("{}%", trim(self.value * 100.0, 6)),
            Aggregate::Rate => format!("{}/s", self.value),
            Aggregate::Quantile(_) | Aggregate::Max => {
                quantity::Duration::new(Duration::from_nanos((self.value * 1e6).round() as u64)).to_string()
            }
        };
        write!(f, "{metric}.{} {} {value}", self.aggregate, self.operator)?;
        for (word, duration) in [("over", self.over), ("within", self.within)] {
            if let Some(duration) = duration {
                write!(f, " {word} {}", quantity::Duration::new(duration))?;
            }
        }
        match &self.phase {
            Some(phase) => write!(f, " in {phase}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Errors => f.write_str("errors"),
            Self::Rate => f.write_str("rate"),
            Self::Max => f.write_str("max"),
            // p99.9 is written p999, as usual.
            Self::Quantile(quantile) => write!(f, "p{}", trim(quantile * 100.0, 4).replace('.', "")),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let mut parser = Parser { text, rest: text };
        let (metric, aggregate) = parser.subject()?;
        let operator = parser.operator()?;
        let value = parser.value(aggregate)?;
        let mut threshold = Self { metric, aggregate, operator, value, over: None, within: None, phase: None };
        while !parser.done() {
            let at = parser.at();
            let word = parser.word();
            match word {
                "over" if threshold.over.is_none() => threshold.over = Some(parser.duration()?),
                "within" if threshold.within.is_none() => threshold.within = Some(parser.duration()?),
                "in" if threshold.phase.is_none() => threshold.phase = Some(parser.name()?),
                _ => {
                    return Err(parser.error(at, word, "`over <window>`, `within <time>` or `in <phase>`, each once"));
                }
            }
        }
        Ok(threshold)
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn done(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty()
    }

    /// Place of the next word, in characters from 1.
    fn at(&mut self) -> usize {
        self.rest = self.rest.trim_start();
        self.text[..self.text.len() - self.rest.len()].chars().count() + 1
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.take(self.rest.find(char::is_whitespace).unwrap_or(self.rest.len()))
    }

    fn error(&self, at: usize, found: &str, expected: &str) -> ThresholdError {
        let message = if found.is_empty() { "nothing".to_owned() } else { format!("`{found}`") };
        ThresholdError { text: self.text.chars().take(200).collect(), at, message, expected: expected.to_owned() }
    }

    fn subject(&mut self) -> Result<(Metric, Aggregate), ThresholdError> {
        let at = self.at();
        let end = self.rest.find(|c: char| c.is_whitespace() || "<>=".contains(c)).unwrap_or(self.rest.len());
        let subject = self.take(end);
        // The name of a load may hold dots; the aggregate does not.
        let Some((name, aggregate)) = subject.rsplit_once('.').filter(|(name, _)| !name.is_empty()) else {
            return Err(self.error(at, subject, "`<load>.<aggregate>`, such as `buy.p99` or `lag.p99`"));
        };
        let place = at + name.chars().count() + 1;
        let Some(parsed) = aggregate_of(aggregate) else {
            return Err(self.error(place, aggregate, "`ok`, `errors`, `rate`, `max` or a percentile such as `p99`"));
        };
        let metric = if name == "lag" { Metric::Lag } else { Metric::Load(name.to_owned()) };
        if metric == Metric::Lag && !matches!(parsed, Aggregate::Quantile(_) | Aggregate::Max) {
            return Err(self.error(place, aggregate, "`max` or a percentile such as `p99`, as lag is a time"));
        }
        Ok((metric, parsed))
    }

    fn operator(&mut self) -> Result<Operator, ThresholdError> {
        let at = self.at();
        let end = self.rest.find(|c: char| !"<>=!".contains(c)).unwrap_or(self.rest.len());
        let sign = self.take(end);
        match sign {
            "<" => Ok(Operator::Less),
            "<=" => Ok(Operator::AtMost),
            ">" => Ok(Operator::More),
            ">=" => Ok(Operator::AtLeast),
            _ => {
                let found = if sign.is_empty() { self.word() } else { sign };
                Err(self.error(at, found, "`<`, `<=`, `>` or `>=`"))
            }
        }
    }

    fn value(&mut self, aggregate: Aggregate) -> Result<f64, ThresholdError> {
        let at = self.at();
        let first = self.word();
        // The unit may stand apart: `99.5 %`.
        let mut value = first.to_owned();
        if !first.is_empty() && first.chars().all(|c| c.is_ascii_digit() || c == '.') {
            value.push_str(self.word());
        }
        let (parsed, expected) = match aggregate {
            Aggregate::Ok | Aggregate::Errors => {
                (value.parse::<quantity::Percent>().map(quantity::Percent::fraction), "a percentage such as `99.5%`")
            }
            Aggregate::Rate => {
                (value.parse::<quantity::Rate>().map(quantity::Rate::per_second), "a rate such as `40/s`")
            }
            Aggregate::Quantile(_) | Aggregate::Max => (
                value.parse::<quantity::Duration>().map(|value| Duration::from(value).as_secs_f64() * 1e3),
                "a duration such as `400ms`",
            ),
        };
        parsed.map_err(|_| self.error(at, &value, expected))
    }

    fn duration(&mut self) -> Result<Duration, ThresholdError> {
        let at = self.at();
        let word = self.word();
        match word.parse::<quantity::Duration>().map(Duration::from) {
            Ok(duration) if !duration.is_zero() => Ok(duration),
            _ => Err(self.error(at, word, "a duration above zero, such as `10s`")),
        }
    }

    fn name(&mut self) -> Result<String, ThresholdError> {
        let at = self.at();
        let word = self.word();
        if word.is_empty() { Err(self.error(at, word, "the name of a phase")) } else { Ok(word.to_owned()) }
    }
}

fn aggregate_of(text: &str) -> Option<Aggregate> {
    match text {
        "ok" => Some(Aggregate::Ok),
        "errors" => Some(Aggregate::Errors),
        "rate" => Some(Aggregate::Rate),
        "max" => Some(Aggregate::Max),
        _ => {
            let digits = text.strip_prefix('p')?;
            if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // p50 is 50 %, p999 is 99.9 %: digits after the second are decimals.
            let (whole, decimals) = digits.split_at(digits.len().min(2));
            let percent: f64 = format!("{whole}.{decimals}0").parse().ok()?;
            Some(Aggregate::Quantile(percent / 100.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_is_understood() {
        for (written, shown) in [
            ("buy.ok >= 99.5% over 10s", "buy.ok >= 99.5% over 10s"),
            ("buy.p99<400ms", "buy.p99 < 400ms"),
            ("lag.p99 < 50ms", "lag.p99 < 50ms"),
            ("buy.p999 <= 1.5s in baseline", "buy.p999 <= 1.5s in baseline"),
            ("a.b.errors < 1 %", "a.b.errors < 1%"),
            ("buy.rate > 90/m", "buy.rate > 1.5/s"),
            ("buy.p99 < 400ms within 30s over 2s", "buy.p99 < 400ms over 2s within 30s"),
            ("buy.max < 2s", "buy.max < 2s"),
        ] {
            assert_eq!(written.parse::<Threshold>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        let messages: Vec<String> = [
            "",
            "buy < 400ms",
            "buy.p99th < 400ms",
            "buy.p99 = 400ms",
            "buy.p99 < 400",
            "buy.ok >= 400ms",
            "buy.p99 < 400ms over",
            "buy.p99 < 400ms over 10s over 10s",
            "lag.ok > 50%",
            "größe.p99 < x",
        ]
        .iter()
        .map(|text| text.parse::<Threshold>().unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        nothing at character 1 of ``, expected `<load>.<aggregate>`, such as `buy.p99` or `lag.p99`
        `buy` at character 1 of `buy < 400ms`, expected `<load>.<aggregate>`, such as `buy.p99` or `lag.p99`
        `p99th` at character 5 of `buy.p99th < 400ms`, expected `ok`, `errors`, `rate`, `max` or a percentile such as `p99`
        `=` at character 9 of `buy.p99 = 400ms`, expected `<`, `<=`, `>` or `>=`
        `400` at character 11 of `buy.p99 < 400`, expected a duration such as `400ms`
        `400ms` at character 11 of `buy.ok >= 400ms`, expected a percentage such as `99.5%`
        nothing at character 21 of `buy.p99 < 400ms over`, expected a duration above zero, such as `10s`
        `over` at character 26 of `buy.p99 < 400ms over 10s over 10s`, expected `over <window>`, `within <time>` or `in <phase>`, each once
        `ok` at character 5 of `lag.ok > 50%`, expected `max` or a percentile such as `p99`, as lag is a time
        `x` at character 13 of `größe.p99 < x`, expected a duration such as `400ms`
        ");
    }

    #[test]
    fn percentiles_have_their_usual_names() {
        for (name, quantile) in [("p5", 0.05), ("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("p9999", 0.9999)] {
            let Some(Aggregate::Quantile(parsed)) = aggregate_of(name) else { panic!("{name}") };
            assert!((parsed - quantile).abs() < 1e-12, "{name} {parsed}");
        }
    }

    proptest! {
        #[test]
        fn thresholds_never_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Threshold>();
        }

        #[test]
        fn thresholds_survive_their_own_text(
            name in "[a-z_]{1,8}(\\.[a-z]{1,4})?",
            aggregate in "ok|errors|rate|max|p50|p90|p99|p999",
            operator in "<|<=|>|>=",
            number in 1_u32..100,
            over in prop::option::of(1_u64..100),
        ) {
            let unit = match &*aggregate { "ok" | "errors" => "%", "rate" => "/s", _ => "ms" };
            let over = over.map(|over| format!(" over {over}s")).unwrap_or_default();
            let text = format!("{name}x.{aggregate} {operator} {number}{unit}{over}");
            let threshold: Threshold = text.parse().unwrap();
            prop_assert_eq!(threshold.to_string().parse::<Threshold>().unwrap(), threshold);
        }
    }
}
