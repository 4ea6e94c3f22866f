//! Primitive types of the wire: integers, strings, and bits that share an octet.

use bytes::{BufMut, Bytes, BytesMut};

use crate::value::{FieldTable, ShortStr};

/// Why some bytes are not what the protocol says they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    #[error("the data ends in the middle of a field")]
    Short,
    #[error("a short string is not UTF-8")]
    Utf8,
    #[error("a field table is nested deeper than {0} levels")]
    Depth(usize),
    #[error("`{0:#04x}` is not the tag of a field value")]
    Tag(u8),
    #[error("`{0}.{1}` is not a method of AMQP 0-9-1")]
    Method(u16, u16),
    #[error("property flags `{0:#06x}` use bits that no property has")]
    Flags(u16),
}

/// Reads fields one after another from a borrowed slice.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
    bits: u8,
    bits_left: u8,
    max_depth: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(data: &'a [u8], max_depth: usize) -> Self {
        Self { rest: data, bits: 0, bits_left: 0, max_depth }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn max_depth(&self) -> usize {
        self.max_depth
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        self.bits_left = 0;
        let (head, tail) = self.rest.split_at_checked(count).ok_or(WireError::Short)?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.bits_left = 0;
        let (head, tail) = self.rest.split_first_chunk().ok_or(WireError::Short)?;
        self.rest = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// The bytes of a long string or table: a 32-bit length, then as many bytes.
    pub(crate) fn long(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    /// The bytes of a short string: an 8-bit length, then as many bytes.
    pub(crate) fn short(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.u8()? as usize;
        self.take(length)
    }

    fn bit(&mut self) -> Result<bool, WireError> {
        if self.bits_left == 0 {
            self.bits = self.u8()?;
            self.bits_left = 8;
        }
        let bit = self.bits & 1 == 1;
        self.bits >>= 1;
        self.bits_left -= 1;
        Ok(bit)
    }
}

/// Appends fields one after another to a buffer.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    out: &'a mut BytesMut,
    bits_used: u8,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(out: &'a mut BytesMut) -> Self {
        Self { out, bits_used: 0 }
    }

    /// The buffer, at the next whole octet.
    pub(crate) fn octets(&mut self) -> &mut BytesMut {
        self.bits_used = 0;
        self.out
    }

    /// Writes a 32-bit length and then what `content` appends.
    pub(crate) fn sized(&mut self, content: impl FnOnce(&mut Encoder<'_>)) {
        let out = self.octets();
        let start = out.len();
        out.put_u32(0);
        content(&mut Encoder::new(out));
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn bit(&mut self, bit: bool) {
        if self.bits_used == 0 {
            self.out.put_u8(0);
        }
        if let Some(last) = self.out.last_mut() {
            *last |= u8::from(bit) << self.bits_used;
        }
        self.bits_used = (self.bits_used + 1) % 8;
    }
}

/// A type that a method's argument can have.
pub(crate) trait Field: Sized {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, WireError>;
    fn encode(&self, to: &mut Encoder<'_>);
    /// Any value, for the round-trip properties.
    #[cfg(test)]
    fn sample(source: &mut crate::value::Sampler) -> Self;
}

macro_rules! integer_fields {
    ($($ty:ident $put:ident),*) => {$(
        impl Field for $ty {
            fn decode(from: &mut Decoder<'_>) -> Result<Self, WireError> {
                from.$ty()
            }

            fn encode(&self, to: &mut Encoder<'_>) {
                to.octets().$put(*self);
            }

            #[cfg(test)]
            fn sample(source: &mut crate::value::Sampler) -> Self {
                source.next() as $ty
            }
        }
    )*};
}

integer_fields!(u8 put_u8, u16 put_u16, u32 put_u32, u64 put_u64);

impl Field for bool {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, WireError> {
        from.bit()
    }

    fn encode(&self, to: &mut Encoder<'_>) {
        to.bit(*self);
    }

    #[cfg(test)]
    fn sample(source: &mut crate::value::Sampler) -> Self {
        source.next() & 1 == 1
    }
}

impl Field for ShortStr {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, WireError> {
        let bytes = from.short()?;
        let text = std::str::from_utf8(bytes).map_err(|_| WireError::Utf8)?;
        Ok(ShortStr::truncated(text))
    }

    fn encode(&self, to: &mut Encoder<'_>) {
        let out = to.octets();
        out.put_u8(self.len() as u8);
        out.put_slice(self.as_bytes());
    }

    #[cfg(test)]
    fn sample(source: &mut crate::value::Sampler) -> Self {
        source.short_str()
    }
}

/// A long string: any bytes.
impl Field for Bytes {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, WireError> {
        Ok(Bytes::copy_from_slice(from.long()?))
    }

    fn encode(&self, to: &mut Encoder<'_>) {
        let out = to.octets();
        out.put_u32(self.len() as u32);
        out.put_slice(self);
    }

    #[cfg(test)]
    fn sample(source: &mut crate::value::Sampler) -> Self {
        source.bytes()
    }
}

impl Field for FieldTable {
    fn decode(from: &mut Decoder<'_>) -> Result<Self, WireError> {
        FieldTable::decode_nested(from, 0)
    }

    fn encode(&self, to: &mut Encoder<'_>) {
        self.write(to);
    }

    #[cfg(test)]
    fn sample(source: &mut crate::value::Sampler) -> Self {
        source.table(0)
    }
}
