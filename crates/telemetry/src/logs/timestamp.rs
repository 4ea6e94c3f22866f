//! RFC 3339 in UTC with microseconds, without a calendar library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `2026-11-21T06:34:22.` of the second that was asked for last: most lines are written in the same second as the one before.
pub(super) struct Clock {
    second: u64,
    text: String,
    /// `000001002…999`
    digits: String,
}

impl Default for Clock {
    fn default() -> Self {
        let mut text = String::new();
        seconds(0, &mut text);
        let mut digits = String::with_capacity(3000);
        (0..1000).for_each(|three| number(three, 3, &mut digits));
        Self { second: 0, text, digits }
    }
}

impl Clock {
    /// Appends `2026-11-21T06:34:22.123456Z`, given the time since 1970.
    #[inline]
    pub(super) fn write(&mut self, since: Duration, out: &mut String) {
        if since.as_secs() != self.second {
            self.second = since.as_secs();
            self.text.clear();
            seconds(self.second, &mut self.text);
        }
        out.push_str(&self.text);
        let micros = since.subsec_micros() as usize;
        for three in [micros / 1000, micros % 1000] {
            out.push_str(&self.digits[3 * three..3 * three + 3]);
        }
        out.push('Z');
    }
}

/// The present time since 1970; a clock before it is wrong anyway.
#[inline]
pub(super) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Everything down to the dot before the microseconds.
fn seconds(since: u64, out: &mut String) {
    let (days, second) = (since / 86_400, since % 86_400);
    let (year, month, day) = civil(days);
    number(year, 4, out);
    out.push('-');
    number(month, 2, out);
    out.push('-');
    number(day, 2, out);
    out.push('T');
    number(second / 3600, 2, out);
    out.push(':');
    number(second / 60 % 60, 2, out);
    out.push(':');
    number(second % 60, 2, out);
    out.push('.');
}

/// Days since 1970 to year, month, day: Howard Hinnant's `civil_from_days`, for days that are not negative.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

fn number(value: u64, width: u32, out: &mut String) {
    for place in (0..width).rev() {
        let digit = value / 10u64.pow(place) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written() {
        let mut clock = Clock::default();
        for (micros, shown) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
            (1_709_251_199_000_012, "2024-02-29T23:59:59.000012Z"),
            (4_102_444_800_000_000, "2100-01-01T00:00:00.000000Z"),
            (1_795_242_862_000_000, "2026-11-21T06:34:22.000000Z"),
        ] {
            let mut out = String::new();
            clock.write(Duration::from_micros(micros), &mut out);
            assert_eq!(out, shown);
        }
    }
}
