//! Numbers that name an account: cards and IBANs.

use std::ops::Range;

use super::encoded::ends_escape;
use super::looked::Looked;

/// A card number, perhaps grouped by single spaces or dashes as it is on a card, whose issuer exists and whose check digit is
/// right.
pub(super) fn card(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    // A fraction, an identifier or a part of a UUID is no card.
    let inside = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || b"-_.".contains(&bytes[at - 1]));
    if inside && !ends_escape(bytes, at) {
        return None;
    }
    let mut digits = [0u8; 19];
    let mut count = 0;
    let mut groups = [0usize; 5];
    let mut group = 0;
    let mut separator = 0;
    let mut end = at;
    for (offset, &byte) in bytes[at..].iter().looked().enumerate() {
        match byte {
            b'0'..=b'9' if count == digits.len() => return None,
            b'0'..=b'9' => {
                digits[count] = byte - b'0';
                count += 1;
                groups[group] += 1;
                end = at + offset + 1;
            }
            b' ' | b'-'
                if at + offset == end
                    && (separator == 0 || separator == byte)
                    && group + 1 < groups.len()
                    && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) =>
            {
                separator = byte;
                group += 1;
            }
            _ => break,
        }
    }
    let after = bytes.get(end).copied().unwrap_or(b' ');
    let next = bytes.get(end + 1).copied().unwrap_or(b' ');
    let continues = after.is_ascii_alphanumeric()
        || after == b'_'
        || (matches!(after, b'-' | b'.') && next.is_ascii_alphanumeric());
    let grouped = match &groups[..=group] {
        [_] | [4, 6, 4 | 5] | [4, 4, 4, 1..=4] => true,
        [4, 4, 4, 4, rest] => *rest <= 3,
        _ => false,
    };
    (!continues && grouped && issued(&digits[..count]) && luhn(&digits[..count])).then_some(at..end)
}

/// Whether `value` is a card number.
pub(crate) fn is_card(value: u128) -> bool {
    if !(100_000_000_000..10u128.pow(19)).contains(&value) {
        return false;
    }
    let mut digits = [0u8; 19];
    let mut rest = value;
    let mut start = digits.len();
    while rest > 0 {
        start -= 1;
        digits[start] = (rest % 10) as u8;
        rest /= 10;
    }
    issued(&digits[start..]) && luhn(&digits[start..])
}

/// Whether an issuer gives out numbers that begin like this and are this long; times in milliseconds, microseconds and
/// nanoseconds, which begin with 1, are none.
fn issued(digits: &[u8]) -> bool {
    if digits.len() < 12 {
        return false;
    }
    let prefix = digits[..4].iter().fold(0u16, |number, digit| number * 10 + u16::from(*digit));
    matches!(
        (prefix, digits.len()),
        (2200..=2204, 16..=19)
            | (2221..=2720, 16)
            | (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14..=19)
            | (3400..=3499 | 3700..=3799, 15)
            | (3528..=3589, 16..=19)
            | (4000..=4999, 13 | 16 | 19)
            | (5000..=5099 | 5600..=5899, 12..=19)
            | (5100..=5599, 16)
            | (6000..=6999, 16..=19)
            | (6304 | 6759 | 6761..=6763, 12..=15)
    )
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| match (at % 2, u32::from(digit) * 2) {
            (0, _) => u32::from(digit),
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// An IBAN whose first check digit is at `at`: two capitals, two digits, 11 to 30 more, perhaps in groups of four, and the
/// right remainder.
pub(super) fn iban(bytes: &[u8], at: usize, kept: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2).filter(|start| *start >= kept)?;
    let head = bytes.get(start..at + 2)?;
    let begins = start == 0
        || !(bytes[start - 1].is_ascii_alphanumeric() || b"-_".contains(&bytes[start - 1]))
        || ends_escape(bytes, start);
    if !begins || !head[..2].iter().all(u8::is_ascii_uppercase) || !head[2..].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut compact = [0u8; 34];
    let mut len = 0;
    // Where a shorter number would have ended: what follows in capitals may be another word.
    let mut best = None;
    let mut end = start;
    loop {
        match bytes.get(end) {
            Some(byte) if byte.is_ascii_uppercase() || byte.is_ascii_digit() => {
                if len == compact.len() {
                    break;
                }
                compact[len] = *byte;
                len += 1;
                end += 1;
                let whole = bytes.get(end).is_none_or(|next| !next.is_ascii_alphanumeric());
                if len >= 15 && whole && remainder(&compact[..len]) == 1 {
                    best = Some(start..end);
                }
            }
            Some(b' ') if len % 4 == 0 && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) => end += 1,
            _ => break,
        }
    }
    best
}

/// ISO 7064, modulo 97, with the first four characters moved to the end.
fn remainder(iban: &[u8]) -> u32 {
    iban[4..].iter().chain(&iban[..4]).fold(0, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Policy;
    use proptest::prelude::*;

    #[test]
    fn cards_of_every_issuer_are_hidden_in_every_grouping() {
        for number in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "3782 822463 10005",
        ] {
            for text in [number.to_owned(), format!("paid with {number}, thanks"), format!("card:{number}.")] {
                assert!(!Policy::new().text(&text).contains(number), "{text}");
            }
        }
        assert!(is_card(4_111_111_111_111_111) && !is_card(4_111_111_111_111_112) && !is_card(1_795_242_862_000_000));
    }

    #[test]
    fn ibans_are_hidden_and_what_follows_stays() {
        let policy = Policy::new();
        assert_eq!(policy.text("to DE89370400440532013000 now"), "to [redacted] now");
        assert_eq!(policy.text("to GB29 NWBK 6016 1331 9268 19 NOW"), "to [redacted] NOW");
        assert_eq!(policy.text("NL91ABNA0417164300"), "[redacted]");
        assert_eq!(policy.text("to DE89370400440532013001 now"), "to DE89370400440532013001 now");
    }

    proptest! {
        #[test]
        fn uuid_is_never_a_card(digits in "[0-9]{8}-[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{12}", hex in "[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}") {
            for uuid in [digits, hex] {
                let text = format!("order {uuid} created");
                prop_assert_eq!(Policy::new().text(&text), text.as_str());
            }
        }
    }
}
