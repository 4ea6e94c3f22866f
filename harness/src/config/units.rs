//! Values with units: durations, rates, sizes.

use std::time::Duration;

/// A value that could not be read: what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct UnitError {
    /// The text.
    pub text: String,
    /// What was expected, with an example.
    pub expected: &'static str,
}

const DURATION: &str = "a duration such as `250ms`, `10s` or `2m`";
const RATE: &str = "a rate above zero such as `40/s` or `90/m`";
const SIZE: &str = "a size such as `512B`, `64KiB` or `10MiB`";

/// Longest accepted duration: a day. Anything longer is a slip of the unit.
const LONGEST: f64 = 86_400.0;

/// Reads a duration: `250us`, `250ms`, `1.5s`, `2m`, `1h`; up to a day.
///
/// # Errors
///
/// When there is no unit, no number, or the value is negative or longer than a day.
///
/// ```
/// # use shakedown::config::parse_duration;
/// # use std::time::Duration;
/// assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
/// assert!(parse_duration("250").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let error = || UnitError { text: text.to_owned(), expected: DURATION };
    let (number, unit) = split(text).ok_or_else(error)?;
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(error()),
    };
    let seconds = number * scale;
    if seconds > LONGEST {
        return Err(error());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| error())
}

/// Reads a rate as events per second: `40/s`, `0.5/s`, `90/m`, `3600/h`.
///
/// # Errors
///
/// When there is no unit, no number, or the rate is not above zero or above a million per second.
pub fn parse_rate(text: &str) -> Result<f64, UnitError> {
    let error = || UnitError { text: text.to_owned(), expected: RATE };
    let (number, unit) = split(text).ok_or_else(error)?;
    let rate = match unit.strip_prefix('/').map(str::trim) {
        Some("s") => number,
        Some("m" | "min") => number / 60.0,
        Some("h") => number / 3600.0,
        _ => return Err(error()),
    };
    if rate > 0.0 && rate <= 1e6 { Ok(rate) } else { Err(error()) }
}

/// Reads a size in bytes: `512B`, `64KiB`, `10MiB`, `1GiB`, and the decimal `kB`, `MB`, `GB`.
///
/// # Errors
///
/// When there is no unit, no number, or the value exceeds 1 TiB.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let error = || UnitError { text: text.to_owned(), expected: SIZE };
    let (number, unit) = split(text).ok_or_else(error)?;
    let scale = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(error()),
    };
    let bytes = number * scale;
    // Below 2^40 every integer is exact in an f64, so the cast loses at most a fraction of a byte.
    if bytes <= 1_099_511_627_776.0 { Ok(bytes as u64) } else { Err(error()) }
}

fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then_some((number, text[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_carry_a_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5 s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "10", "s", "-1s", "1d", "1e9s", "9999h", "1.2.3s", "١s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_are_per_second() {
        assert_eq!(parse_rate("40/s"), Ok(40.0));
        assert_eq!(parse_rate("90 / m"), Ok(1.5));
        for bad in ["40", "0/s", "/s", "-3/s", "40s", "1/d", "9999999999/s"] {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_in_bytes() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("1.5MB"), Ok(1_500_000));
        for bad in ["64", "64K", "2000GiB", "KiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = (parse_duration(&text), parse_rate(&text), parse_size(&text));
        }

        #[test]
        fn written_milliseconds_are_read_back(millis in 0u64..86_400_000) {
            prop_assert_eq!(parse_duration(&format!("{millis}ms")).map(|d| d.as_millis()), Ok(u128::from(millis)));
        }
    }
}
