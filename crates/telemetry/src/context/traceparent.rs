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
    let bytes = if text.len() == LEN { text } else { text.trim_matches([' ', '\t']) }.as_bytes();
    let (fields, more) = bytes.split_first_chunk::<LEN>()?;
    if fields[2] != b'-' || fields[35] != b'-' || fields[52] != b'-' {
        return None;
    }
    let version = pair(fields[0], fields[1])?;
    // Version ff is forbidden; version 00 has no further fields; a later version may, after another dash.
    if version == 0xff || (version == 0 && !more.is_empty()) || more.first().is_some_and(|next| *next != b'-') {
        return None;
    }
    let [first, second, third, fourth] = numbers(fields[3..35].as_chunks().0)?;
    let [upper, lower] = numbers(fields[36..52].as_chunks().0)?;
    let trace_id = TraceId::from(first << 96 | second << 64 | third << 32 | fourth);
    let span_id = SpanId::from((upper << 32 | lower) as u64);
    let flags = TraceFlags::new(pair(fields[53], fields[54])? & 1);
    let span = SpanContext::new(trace_id, span_id, flags, true, state);
    span.is_valid().then_some(span)
}

/// What each eight digits stand for.
fn numbers<const N: usize>(digits: &[[u8; 8]]) -> Option<[u128; N]> {
    let mut out = [0; N];
    for (number, digits) in out.iter_mut().zip(digits) {
        *number = self::number(digits)?.into();
    }
    Some(out)
}

/// What two digits stand for.
fn pair(high: u8, low: u8) -> Option<u8> {
    // What nearly everybody sends.
    if high == b'0' && matches!(low, b'0' | b'1') {
        return Some(low - b'0');
    }
    number(&[b'0', b'0', b'0', b'0', b'0', b'0', high, low])?.try_into().ok()
}

/// What eight lowercase digits stand for; uppercase is invalid in this header. All eight are read at once, each in its byte.
fn number(digits: &[u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_be_bytes(*digits);
    // A letter has bit 6, and `a` ends in 1.
    let values = (digits & (0x0f * ONES)) + 9 * (digits >> 6 & ONES);
    let letters = (values + 6 * ONES) >> 4 & ONES;
    // Whoever writes these values in lowercase digits writes this.
    let written = values + u64::from(b'0') * ONES + u64::from(b'a' - b'0' - 10) * letters;
    if values & (0xf0 * ONES) != 0 || written != digits {
        return None;
    }
    let bytes = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let halves = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    Some((halves | halves >> 16) as u32)
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
        fn exactly_lowercase_digits_are_a_number(valid in "[0-9a-f]{8}", position in 0usize..8, with: u8) {
            let mut digits = *valid.as_bytes().first_chunk::<8>().unwrap();
            digits[position] = with;
            let text = std::str::from_utf8(&digits).ok().filter(|text| text.bytes().all(|b| b"0123456789abcdef".contains(&b)));
            prop_assert_eq!(number(&digits), text.map(|text| u32::from_str_radix(text, 16).unwrap()));
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
