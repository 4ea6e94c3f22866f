//! W3C `traceparent`: 55 bytes, encoded on the stack and parsed without allocating.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// Length of a version 00 header.
pub(crate) const LEN: usize = 55;

/// An encoded header value.
#[derive(Clone, Copy)]
pub(crate) struct Encoded([u8; LEN]);

impl Encoded {
    pub(crate) fn as_str(&self) -> &str {
        // Only ASCII is ever written, so the fallback is unreachable.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Encodes `span`, or nothing when it names no span.
pub(crate) fn encode(span: &SpanContext) -> Option<Encoded> {
    if !span.is_valid() {
        return None;
    }
    let mut out = [b'-'; LEN];
    out[0] = b'0';
    out[1] = b'0';
    hex(&span.trace_id().to_bytes(), &mut out[3..35]);
    hex(&span.span_id().to_bytes(), &mut out[36..52]);
    out[53] = b'0';
    out[54] = if span.is_sampled() { b'1' } else { b'0' };
    Some(Encoded(out))
}

/// Parses a header value; anything the specification calls invalid is `None`, and the caller starts a new trace.
pub(crate) fn parse(text: &str, state: TraceState) -> Option<SpanContext> {
    let bytes = text.trim_matches([' ', '\t']).as_bytes();
    let (fields, more) = bytes.split_first_chunk::<LEN>()?;
    if fields[2] != b'-' || fields[35] != b'-' || fields[52] != b'-' || !are_digits(fields) {
        return None;
    }
    let version = byte(fields[0], fields[1]);
    // Version ff is forbidden; version 00 has no further fields; a later version may, after another dash.
    if version == 0xff || (version == 0 && !more.is_empty()) || more.first().is_some_and(|next| *next != b'-') {
        return None;
    }
    let trace_id = TraceId::from(u128::from(number(&fields[3..19])) << 64 | u128::from(number(&fields[19..35])));
    let span_id = SpanId::from(number(&fields[36..52]));
    let flags = byte(fields[53], fields[54]);
    let span = SpanContext::new(trace_id, span_id, TraceFlags::new(flags & 1), true, state);
    span.is_valid().then_some(span)
}

/// Whether there are but lowercase hexadecimal digits between the dashes; uppercase is invalid in this header.
fn are_digits(fields: &[u8; LEN]) -> bool {
    let mut digits = *fields;
    for dash in [2, 35, 52] {
        digits[dash] = b'0';
    }
    // Without branches: the compiler judges sixteen at a time.
    digits.iter().fold(true, |all, byte| all & ((byte.wrapping_sub(b'0') < 10) | (byte.wrapping_sub(b'a') < 6)))
}

/// What two digits stand for.
fn byte(high: u8, low: u8) -> u8 {
    let nibble = |digit: u8| (digit & 0xf) + 9 * (digit >> 6);
    nibble(high) << 4 | nibble(low)
}

/// What 16 digits stand for, eight at a time: letters have bit 6 and end in 1 for ten.
fn number(digits: &[u8]) -> u64 {
    digits.as_chunks().0.iter().fold(0, |number, eight| {
        let eight = u64::from_be_bytes(*eight);
        let nibbles = (eight & 0x0f0f_0f0f_0f0f_0f0f) + 9 * (eight >> 6 & 0x0101_0101_0101_0101);
        let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
        let halves = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
        number << 32 | (halves | halves >> 16) & 0xffff_ffff
    })
}

/// Writes `bytes` as lowercase hexadecimal into `out`, which is twice as long.
pub(crate) fn hex(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.as_chunks_mut::<2>().0) {
        *pair = PAIRS[usize::from(*byte)];
    }
}

/// Every byte in hexadecimal.
static PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<SpanContext> {
        super::parse(text, TraceState::NONE)
    }

    #[test]
    fn invalid_headers_are_refused() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(parse(good).is_some());
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn later_version_is_read_as_far_as_known() {
        let span = parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more").unwrap();
        assert!(span.is_sampled() && span.is_remote());
    }

    proptest! {
        #[test]
        fn what_is_encoded_parses_back(trace in 1u128.., span in 1u64.., sampled: bool) {
            let flags = TraceFlags::default().with_sampled(sampled);
            let given = SpanContext::new(TraceId::from(trace), SpanId::from(span), flags, true, TraceState::NONE);
            prop_assert_eq!(parse(encode(&given).unwrap().as_str()), Some(given));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn mutated_header_never_yields_an_invalid_span(position in 0usize..55, with in any::<u8>()) {
            let mut bytes = *b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            bytes[position] = with;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                prop_assert!(parse(text).is_none_or(|span| span.is_valid()));
            }
        }
    }
}
