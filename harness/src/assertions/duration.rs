//! Durations with a unit, as written in selectors and expectations.

use std::time::Duration;

/// Parses `250ms`, `1.5s`, `40us` or `2m`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

/// A duration in milliseconds, as text.
pub(crate) fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.1}ms", nanoseconds as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1_500)));
        assert_eq!(parse("2m"), Some(Duration::from_secs(120)));
        assert_eq!(
            (parse("5"), parse("ms"), parse("5 s"), parse("-5s"), parse("9999999999999999999999s")),
            (None, None, None, None, None)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".*") {
            parse(&text);
        }
    }
}
