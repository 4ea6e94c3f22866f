//! Quantities with units, as people write them in configuration: `250ms`, `40/s`, `99.5%`, `64KiB`.

use std::fmt;
use std::str::FromStr;
use std::time;

use serde::{Deserialize, Serialize};

/// A text that is not the quantity it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}, such as {example}")]
pub struct QuantityError {
    /// The offending text.
    pub text: String,
    /// What was expected.
    pub wanted: &'static str,
    /// Two examples.
    pub example: &'static str,
}

/// A length of time: `250us`, `250ms`, `10s`, `2m`, `1h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration(time::Duration);

/// Events per time: `40/s`, `90/m`. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(f64);

/// A share of the whole: `99.5%`. From 0 % to 100 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(f64);

/// A number of bytes: `512B`, `64KiB`, `1MiB`, `1MB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

/// Longest duration that is accepted; longer ones are typing mistakes.
const LONGEST: time::Duration = time::Duration::from_secs(366 * 24 * 3600);

/// Splits a number from its unit; none when there is no finite, non-negative number.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.replace('_', "").parse::<f64>().ok().filter(|n| n.is_finite())?;
    Some((number, unit.trim()))
}

impl Duration {
    const WANTED: (&'static str, &'static str) = ("a duration with a unit", "`250ms` or `10s`");

    /// Wraps a duration of the standard library.
    #[must_use]
    pub const fn new(duration: time::Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Duration {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        split(text)
            .and_then(|(number, unit)| {
                let seconds = match unit {
                    "us" | "µs" => number / 1e6,
                    "ms" => number / 1e3,
                    "s" => number,
                    "m" | "min" => number * 60.0,
                    "h" => number * 3600.0,
                    _ => return None,
                };
                // Rounded to nanoseconds, so that `0.1ms` is 100 000 ns and not 99 999.
                (seconds <= LONGEST.as_secs_f64())
                    .then(|| Self(time::Duration::from_nanos((seconds * 1e9).round() as u64)))
            })
            .ok_or_else(|| QuantityError::of(text, Self::WANTED))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_nanos() as f64 / 1e3;
        if micros >= 60e6 && micros % 60e6 == 0.0 {
            write!(f, "{}m", micros / 60e6)
        } else if micros >= 1e6 {
            write!(f, "{}s", micros / 1e6)
        } else if micros >= 1e3 {
            write!(f, "{}ms", micros / 1e3)
        } else {
            write!(f, "{micros}us")
        }
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl From<time::Duration> for Duration {
    fn from(duration: time::Duration) -> Self {
        Self(duration)
    }
}

impl Rate {
    const WANTED: (&'static str, &'static str) = ("a rate with a unit of time", "`40/s` or `90/m`");

    /// A rate in events per second; none when it is negative or not finite.
    #[must_use]
    pub fn new(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second >= 0.0).then_some(Self(per_second))
    }

    /// Events per second.
    #[must_use]
    pub const fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        split(text)
            .and_then(|(number, unit)| {
                let per_second = match unit.strip_prefix('/')?.trim() {
                    "s" => number,
                    "m" | "min" => number / 60.0,
                    "h" => number / 3600.0,
                    _ => return None,
                };
                (per_second <= 1e9).then_some(Self(per_second))
            })
            .ok_or_else(|| QuantityError::of(text, Self::WANTED))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl Percent {
    const WANTED: (&'static str, &'static str) = ("a percentage from 0% to 100%", "`99.5%` or `1%`");

    /// The share as a fraction from 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }

    /// The share in percent.
    #[must_use]
    pub const fn percent(self) -> f64 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        split(text)
            .filter(|(number, unit)| *unit == "%" && *number <= 100.0)
            .map(|(number, _)| Self(number))
            .ok_or_else(|| QuantityError::of(text, Self::WANTED))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Size {
    const WANTED: (&'static str, &'static str) = ("a size in bytes with a unit", "`64KiB` or `1MB`");

    /// Bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        split(text)
            .and_then(|(number, unit)| {
                let factor = match unit {
                    "B" => 1.0,
                    "KiB" => 1024.0,
                    "MiB" => 1024.0 * 1024.0,
                    "GiB" => 1024.0 * 1024.0 * 1024.0,
                    "kB" | "KB" => 1e3,
                    "MB" => 1e6,
                    "GB" => 1e9,
                    _ => return None,
                };
                let bytes = (number * factor).round();
                (bytes <= 1e15).then_some(Self(bytes as u64))
            })
            .ok_or_else(|| QuantityError::of(text, Self::WANTED))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => write!(f, "{}MiB", bytes >> 20),
            bytes if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => write!(f, "{}KiB", bytes >> 10),
            bytes => write!(f, "{bytes}B"),
        }
    }
}

impl QuantityError {
    fn of(text: &str, (wanted, example): (&'static str, &'static str)) -> Self {
        Self { text: text.chars().take(60).collect(), wanted, example }
    }
}

macro_rules! through_text {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = QuantityError;

            fn try_from(text: String) -> Result<Self, QuantityError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(quantity: $name) -> Self {
                quantity.to_string()
            }
        }
    )*};
}

through_text!(Duration Rate Percent Size);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duration_needs_a_number_and_a_unit() {
        for text in ["", "ms", "5", "5 parsecs", "-1s", "1e9s", "NaNs", "infs", "99999999h", "1.2.3s"] {
            let error = text.parse::<Duration>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}` is not a duration with a unit, such as `250ms` or `10s`"));
        }
    }

    #[test]
    fn duration_understands_every_unit() {
        let millis = |text: &str| time::Duration::from(text.parse::<Duration>().unwrap()).as_secs_f64() * 1e3;
        assert_eq!(
            ["1500us", "250ms", "1.5s", "2m", "1h", " 3 s "].map(millis),
            [1.5, 250.0, 1500.0, 120_000.0, 3_600_000.0, 3000.0]
        );
    }

    #[test]
    fn rate_needs_a_unit_of_time() {
        assert_eq!("90/m".parse::<Rate>().unwrap().per_second(), 1.5);
        assert!("40".parse::<Rate>().is_err());
        assert!("40/day".parse::<Rate>().is_err());
        assert!("-4/s".parse::<Rate>().is_err());
    }

    #[test]
    fn percent_stays_between_nothing_and_everything() {
        assert_eq!("99.5%".parse::<Percent>().unwrap().fraction(), 0.995);
        assert!("101%".parse::<Percent>().is_err());
        assert!("0.5".parse::<Percent>().is_err());
    }

    proptest! {
        #[test]
        fn quantities_never_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<Duration>();
            let _ = text.parse::<Rate>();
            let _ = text.parse::<Percent>();
            let _ = text.parse::<Size>();
        }

        #[test]
        fn durations_survive_their_own_text(micros in 0_u64..10_000_000_000) {
            let duration = Duration::new(time::Duration::from_micros(micros));
            prop_assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration);
        }

        #[test]
        fn sizes_survive_their_own_text(bytes in 0_u64..1 << 40) {
            prop_assert_eq!(Size(bytes).to_string().parse::<Size>().unwrap(), Size(bytes));
        }

        #[test]
        fn rates_survive_their_own_text(thousandths in 0_u32..10_000_000) {
            let rate = Rate(f64::from(thousandths) / 1e3);
            prop_assert_eq!(rate.to_string().parse::<Rate>().unwrap(), rate);
        }
    }
}
