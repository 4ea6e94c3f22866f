//! `for=5m` in a query: how long what is asked for is to stand.

use std::time::Duration;

/// Nobody remembers for longer why a process logs what it does.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What the query of a request says: nothing without `for`, and `Err` with what is expected when it says anything else.
pub(super) fn expiry(query: Option<&str>) -> Result<Option<Duration>, String> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let time = query.strip_prefix("for=").and_then(parse).filter(|time| !time.is_zero() && *time <= LONGEST);
    match time {
        Some(time) => Ok(Some(time)),
        // Ignoring a slip would leave for good what was to end by itself.
        None => Err(format!("`?{query}`: expected `?for=` and a time such as `30s`, `5m` or `1h`, at most `24h`")),
    }
}

/// A whole number and its unit.
fn parse(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let seconds = match &text[unit..] {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return None,
    };
    text[..unit].parse::<u64>().ok()?.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn number_and_unit_are_a_time() {
        for (query, seconds) in [("for=1s", 1), ("for=90s", 90), ("for=5m", 300), ("for=24h", 86_400)] {
            assert_eq!(expiry(Some(query)), Ok(Some(Duration::from_secs(seconds))), "{query}");
        }
        assert_eq!((expiry(None), expiry(Some(""))), (Ok(None), Ok(None)));
    }

    #[test]
    fn anything_else_is_refused_with_what_is_expected() {
        for query in [
            "for",
            "for=",
            "for=5",
            "for=m",
            "for=0s",
            "for=25h",
            "for=-5m",
            "for=5m&for=6m",
            "for=5ms",
            "for=99999999999999999999h",
            "for=18446744073709551615h",
            "fro=5m",
        ] {
            let error = expiry(Some(query)).unwrap_err();
            assert!(error.contains(query) && error.contains("`5m`"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "(for=)?[0-9]{0,24}\\PC{0,4}") {
            let _ = expiry(Some(&query));
        }
    }
}
