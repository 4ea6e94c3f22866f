//! A first look at a text: one branch-free pass, right whenever it says that there is nothing.
//!
//! Written over fixed windows of [`LANES`] bytes so that the compiler turns it into vector instructions; a byte is judged
//! together with the two that follow it, because `:` in `12:30` or `std::fmt` is no reason for a second look.

const LANES: usize = 16;

/// Bytes one window reads: its own and the two after the last.
const REACH: usize = LANES + 2;

/// From this many digits on, a text may hold a card or an account number.
const DIGITS: u32 = 12;

/// What a first look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// A quote, a backslash or a control character: cannot be copied into a JSON string as it is.
    pub(crate) special: bool,
    /// Perhaps something to hide.
    pub(crate) suspicious: bool,
}

/// Bytes without which a text shorter than [`DIGITS`] holds nothing that a first look finds: one of each mark.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let bytes = b"\"\\@%<:=,-BbJj";
    let mut at = 0;
    while at < bytes.len() {
        marks[bytes[at] as usize] = true;
        at += 1;
    }
    let mut control = 0;
    while control < 0x20 {
        marks[control] = true;
        control += 1;
    }
    marks
};

/// Looks at every byte once.
#[inline]
pub(crate) fn look(bytes: &[u8]) -> Look {
    // Words are not worth a vector.
    if bytes.len() < DIGITS as usize && !bytes.iter().any(|byte| MARKS[usize::from(*byte)]) {
        return Look { special: false, suspicious: false };
    }
    look_in_windows(bytes)
}

fn look_in_windows(bytes: &[u8]) -> Look {
    let mut marks = [0u8; LANES];
    let mut digits = [0u8; LANES];
    let mut at = 0;
    while let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk::<REACH>()) {
        mark(window, &mut marks, &mut digits);
        at += LANES;
    }
    let rest = &bytes[at..];
    let mut padded = [b' '; REACH + LANES];
    padded[..rest.len()].copy_from_slice(rest);
    for start in [0, LANES] {
        if rest.len() > start
            && let Some(window) = padded[start..].first_chunk::<REACH>()
        {
            mark(window, &mut marks, &mut digits);
        }
    }
    let found = marks.iter().fold(0, |all, mark| all | mark);
    let digits: u32 = digits.iter().map(|count| u32::from(*count)).sum();
    Look { special: found & 1 != 0, suspicious: found & 2 != 0 || digits >= DIGITS }
}

#[inline(always)]
fn mark(window: &[u8; REACH], marks: &mut [u8; LANES], digits: &mut [u8; LANES]) {
    let digit = |byte: u8| byte.wrapping_sub(b'0') < 10;
    for lane in 0..LANES {
        let (a, b, c) = (window[lane], window[lane + 1], window[lane + 2]);
        let special = (a < 0x20) | (a == b'"') | (a == b'\\');
        let address = (a == b'@') | ((a == b'%') & (b == b'4') & (c == b'0'));
        // `%3D` and `%3A`
        let encoded = (a == b'%') & (b == b'3') & ((c | 0x20 == b'd') | (c | 0x20 == b'a'));
        let tag = (a == b'<') & (b == b'/');
        // A key before and a value after; not a time, a path of modules or the start of a URL, which `@` gives away.
        let colon = (b == b':') & !(digit(a) & digit(c)) & (a != b':') & (c != b':') & (c != b'/');
        // `("password", "…")`, and the armour of a private key.
        let tuple = (a == b'"') & (b == b',');
        let armour = (a == b'-') & (b == b'-') & (c == b'B');
        let pair = (a == b'=') | colon | tuple | armour | encoded | tag;
        let (a, b, c) = (a | 0x20, b | 0x20, c | 0x20);
        // `Bearer`, `Basic` and `eyJ`, whatever their case.
        let scheme = (a == b'b') & (((b == b'e') & (c == b'a')) | ((b == b'a') & (c == b's')));
        let jwt = (a == b'e') & (b == b'y') & (c == b'j');
        let suspicious = address | pair | scheme | jwt;
        marks[lane] |= u8::from(special) | (u8::from(suspicious) << 1);
        // Saturation makes a long number look long; it never makes it look short.
        digits[lane] = digits[lane].saturating_add(u8::from(digit(window[lane])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_texts_need_no_second_look() {
        for text in [
            "",
            "order was created for the customer, 42 items in 12.5 ms",
            "GET /orders/{id}/items 200",
            "started at 06:34:22 on port 8080",
            "std::fmt::Error in http://shop/orders",
        ] {
            assert_eq!(look(text.as_bytes()), Look { special: false, suspicious: false }, "{text}");
        }
    }

    proptest! {
        #[test]
        fn mark_is_found_wherever_it_stands(
            before in "[a-z ]{0,40}",
            mark in prop::sample::select(&["@", "=", "k: v", "%40", "%3D", "%3a", "</", "bearer", "BASIC", "eyJ", "123456789012"][..]),
            after in "[a-z ]{0,40}",
        ) {
            let text = format!("{before}{mark}{after}");
            prop_assert!(look(text.as_bytes()).suspicious, "{}", text);
            prop_assert!(!look(text.as_bytes()).special, "{}", text);
        }

        #[test]
        fn short_text_is_judged_as_in_windows(text in prop_oneof!["\\PC{0,12}", "[ebjays@%34dD</:=,\"\\\\-]{0,12}", "[\\x00-\\x7f]{0,12}"]) {
            prop_assert_eq!(look(text.as_bytes()), look_in_windows(text.as_bytes()));
        }

        #[test]
        fn what_json_escapes_is_found_wherever_it_stands(
            before in "[a-z ]{0,40}",
            byte in prop::sample::select(&["\"", "\\", "\n", "\u{1}"][..]),
            after in "[a-z ]{0,40}",
        ) {
            let text = format!("{before}{byte}{after}");
            prop_assert!(look(text.as_bytes()).special);
        }
    }
}
