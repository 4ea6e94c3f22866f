//! Frames: one octet of type, a channel, a length, the payload, and the octet `0xCE`.

use bytes::{BufMut, BytesMut};

use crate::method::Method;

/// What a client sends first: the protocol's name and version.
pub(crate) const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// Octets of a frame that are not payload.
pub(crate) const OVERHEAD: usize = 8;

/// No peer may ask for less than this many octets per frame.
pub(crate) const MIN_MAX: u32 = 4096;

const END: u8 = 0xCE;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const BASIC_CLASS: u16 = 60;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Method,
    Header,
    Body,
    Heartbeat,
}

/// One frame, borrowed from the read buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) channel: u16,
    pub(crate) payload: &'a [u8],
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("type {0} is not a frame type")]
    Kind(u8),
    #[error("frame of {size} octets is larger than the negotiated maximum of {max}")]
    TooLarge { size: usize, max: usize },
    #[error("frame ends with `{0:#04x}` instead of 0xce")]
    End(u8),
}

/// The first frame of `data` and how many octets it takes, or `None` when more octets are needed.
pub(crate) fn parse(data: &[u8], frame_max: usize) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some(header) = data.first_chunk::<7>() else {
        return Ok(None);
    };
    let kind = match header[0] {
        METHOD => Kind::Method,
        HEADER => Kind::Header,
        BODY => Kind::Body,
        HEARTBEAT => Kind::Heartbeat,
        other => return Err(FrameError::Kind(other)),
    };
    let channel = u16::from_be_bytes([header[1], header[2]]);
    let length = u32::from_be_bytes([header[3], header[4], header[5], header[6]]) as usize;
    if length > frame_max.saturating_sub(OVERHEAD) {
        return Err(FrameError::TooLarge { size: length.saturating_add(OVERHEAD), max: frame_max });
    }
    let Some(&end) = data.get(7 + length) else {
        return Ok(None);
    };
    if end != END {
        return Err(FrameError::End(end));
    }
    Ok(Some((Frame { kind, channel, payload: &data[7..7 + length] }, length + OVERHEAD)))
}

/// Appends a method frame.
pub(crate) fn write_method(out: &mut BytesMut, channel: u16, method: &Method) {
    framed(out, METHOD, channel, |out| method.encode(out));
}

/// Appends a heartbeat frame.
pub(crate) fn write_heartbeat(out: &mut BytesMut) {
    framed(out, HEARTBEAT, 0, |_| {});
}

/// Appends the header frame and as many body frames as `frame_max` demands.
pub(crate) fn write_content(out: &mut BytesMut, channel: u16, properties: &[u8], body: &[u8], frame_max: usize) {
    framed(out, HEADER, channel, |out| {
        out.put_u16(BASIC_CLASS);
        out.put_u16(0);
        out.put_u64(body.len() as u64);
        out.put_slice(properties);
    });
    for chunk in body.chunks(frame_max.saturating_sub(OVERHEAD).max(1)) {
        framed(out, BODY, channel, |out| out.put_slice(chunk));
    }
}

fn framed(out: &mut BytesMut, kind: u8, channel: u16, payload: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    out.put_u16(channel);
    let at = out.len();
    out.put_u32(0);
    payload(out);
    let length = (out.len() - at - 4) as u32;
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
    out.put_u8(END);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn content_is_split_at_frame_max_and_joins_again(body in proptest::collection::vec(any::<u8>(), 0..9000), max in 4096usize..5000) {
            let mut out = BytesMut::new();
            write_content(&mut out, 7, &[0, 0], &body, max);
            let mut data = &out[..];
            let mut joined: Vec<u8> = Vec::new();
            let mut kinds = Vec::new();
            while !data.is_empty() {
                let (frame, used) = parse(data, max).unwrap().unwrap();
                prop_assert!(used <= max);
                prop_assert_eq!(frame.channel, 7);
                kinds.push(frame.kind);
                if frame.kind == Kind::Body {
                    joined.extend(frame.payload);
                }
                data = &data[used..];
            }
            prop_assert_eq!(kinds[0], Kind::Header);
            prop_assert_eq!(joined, body);
        }

        #[test]
        fn arbitrary_bytes_never_panic(data: Vec<u8>, max in 0usize..10_000) {
            let _ = parse(&data, max);
        }
    }

    #[test]
    fn frame_larger_than_the_maximum_is_refused_before_it_has_arrived() {
        let data = [BODY, 0, 1, 0, 1, 0, 0];
        assert_eq!(parse(&data, 4096), Err(FrameError::TooLarge { size: 65544, max: 4096 }));
    }

    #[test]
    fn frame_without_its_end_octet_is_refused() {
        assert_eq!(parse(&[HEARTBEAT, 0, 0, 0, 0, 0, 0, 0x00], 4096), Err(FrameError::End(0)));
    }

    #[test]
    fn incomplete_frame_asks_for_more() {
        assert_eq!(parse(&[METHOD, 0, 0, 0, 0, 0, 4, 0, 10], 4096), Ok(None));
    }
}
