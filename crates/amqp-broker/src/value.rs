//! Short strings, field values and field tables, as RabbitMQ encodes them (its errata to the specification included).

use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

use bytes::{BufMut, Bytes};

use crate::wire::{Decoder, Encoder, Field, WireError};

/// At most 255 bytes of UTF-8; cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ShortStr(Arc<str>);

impl ShortStr {
    /// Keeps as many whole characters as fit into 255 bytes.
    pub(crate) fn truncated(text: &str) -> Self {
        Self(Arc::from(&text[..text.floor_char_boundary(255)]))
    }

    pub(crate) fn empty() -> Self {
        Self(Arc::from(""))
    }
}

impl Deref for ShortStr {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ShortStr {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShortStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ShortStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One value of a field table. Floating point numbers are kept as their bits, so that equality is exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(bool),
    I8(i8),
    U8(u8),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    F32(u32),
    F64(u64),
    Decimal { scale: u8, value: u32 },
    Text(Bytes),
    Array(Vec<Value>),
    Timestamp(u64),
    Table(FieldTable),
    Binary(Bytes),
    Void,
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The number, whatever its width.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        Some(match self {
            Self::I8(n) => i64::from(*n),
            Self::U8(n) => i64::from(*n),
            Self::I16(n) => i64::from(*n),
            Self::U16(n) => i64::from(*n),
            Self::I32(n) => i64::from(*n),
            Self::U32(n) => i64::from(*n),
            Self::I64(n) => *n,
            _ => return None,
        })
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// Equal for RabbitMQ: integers of any width compare by their number.
    pub(crate) fn equivalent(&self, other: &Self) -> bool {
        match (self.as_integer(), other.as_integer()) {
            (Some(a), Some(b)) => a == b,
            _ => self == other,
        }
    }

    /// RabbitMQ's name of the type, used in its error texts.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::I8(_) => "byte",
            Self::U8(_) => "unsignedbyte",
            Self::I16(_) => "short",
            Self::U16(_) => "unsignedshort",
            Self::I32(_) => "signedint",
            Self::U32(_) => "unsignedint",
            Self::I64(_) => "long",
            Self::F32(_) => "float",
            Self::F64(_) => "double",
            Self::Decimal { .. } => "decimal",
            Self::Text(_) => "longstr",
            Self::Array(_) => "array",
            Self::Timestamp(_) => "timestamp",
            Self::Table(_) => "table",
            Self::Binary(_) => "binary",
            Self::Void => "void",
        }
    }

    fn decode(from: &mut Decoder<'_>, depth: usize) -> Result<Self, WireError> {
        let tag = from.u8()?;
        Ok(match tag {
            b't' => Self::Bool(from.u8()? != 0),
            b'b' => Self::I8(from.u8()? as i8),
            b'B' => Self::U8(from.u8()?),
            b's' | b'U' => Self::I16(from.u16()? as i16),
            b'u' => Self::U16(from.u16()?),
            b'I' => Self::I32(from.u32()? as i32),
            b'i' => Self::U32(from.u32()?),
            b'l' | b'L' => Self::I64(from.u64()? as i64),
            b'f' => Self::F32(from.u32()?),
            b'd' => Self::F64(from.u64()?),
            b'D' => Self::Decimal { scale: from.u8()?, value: from.u32()? },
            b'S' => Self::Text(Bytes::decode(from)?),
            b'x' => Self::Binary(Bytes::decode(from)?),
            b'T' => Self::Timestamp(from.u64()?),
            b'V' => Self::Void,
            b'F' => Self::Table(FieldTable::decode_nested(from, depth + 1)?),
            b'A' => {
                check_depth(from, depth + 1)?;
                let mut items = Decoder::new(from.long()?, from.max_depth());
                let mut array = Vec::new();
                while !items.is_empty() {
                    array.push(Self::decode(&mut items, depth + 1)?);
                }
                Self::Array(array)
            }
            other => return Err(WireError::Tag(other)),
        })
    }

    fn encode(&self, to: &mut Encoder<'_>) {
        let tag = |to: &mut Encoder<'_>, tag: u8| to.octets().put_u8(tag);
        match self {
            Self::Bool(v) => {
                tag(to, b't');
                to.octets().put_u8(u8::from(*v));
            }
            Self::I8(v) => {
                tag(to, b'b');
                to.octets().put_i8(*v);
            }
            Self::U8(v) => {
                tag(to, b'B');
                to.octets().put_u8(*v);
            }
            Self::I16(v) => {
                tag(to, b's');
                to.octets().put_i16(*v);
            }
            Self::U16(v) => {
                tag(to, b'u');
                to.octets().put_u16(*v);
            }
            Self::I32(v) => {
                tag(to, b'I');
                to.octets().put_i32(*v);
            }
            Self::U32(v) => {
                tag(to, b'i');
                to.octets().put_u32(*v);
            }
            Self::I64(v) => {
                tag(to, b'l');
                to.octets().put_i64(*v);
            }
            Self::F32(v) => {
                tag(to, b'f');
                to.octets().put_u32(*v);
            }
            Self::F64(v) => {
                tag(to, b'd');
                to.octets().put_u64(*v);
            }
            Self::Decimal { scale, value } => {
                tag(to, b'D');
                to.octets().put_u8(*scale);
                to.octets().put_u32(*value);
            }
            Self::Text(v) => {
                tag(to, b'S');
                v.encode(to);
            }
            Self::Binary(v) => {
                tag(to, b'x');
                v.encode(to);
            }
            Self::Timestamp(v) => {
                tag(to, b'T');
                to.octets().put_u64(*v);
            }
            Self::Void => tag(to, b'V'),
            Self::Table(v) => {
                tag(to, b'F');
                v.write(to);
            }
            Self::Array(items) => {
                tag(to, b'A');
                to.sized(|to| {
                    for item in items {
                        item.encode(to);
                    }
                });
            }
        }
    }
}

fn check_depth(from: &Decoder<'_>, depth: usize) -> Result<(), WireError> {
    if depth > from.max_depth() {
        return Err(WireError::Depth(from.max_depth()));
    }
    Ok(())
}

/// Names and values in the order in which they arrived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldTable(pub(crate) Vec<(ShortStr, Value)>);

impl FieldTable {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }

    /// Replaces the value of that name, or adds it at the end.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(key, _)| &**key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((ShortStr::truncated(name), value)),
        }
    }

    pub(crate) fn decode_nested(from: &mut Decoder<'_>, depth: usize) -> Result<Self, WireError> {
        check_depth(from, depth)?;
        let mut entries = Decoder::new(from.long()?, from.max_depth());
        let mut table = Vec::new();
        while !entries.is_empty() {
            let name = ShortStr::decode(&mut entries)?;
            table.push((name, Value::decode(&mut entries, depth)?));
        }
        Ok(Self(table))
    }

    pub(crate) fn write(&self, to: &mut Encoder<'_>) {
        to.sized(|to| {
            for (name, value) in &self.0 {
                name.encode(to);
                value.encode(to);
            }
        });
    }
}

/// A seeded source of sample values for the round-trip properties.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Sampler(pub(crate) u64);

#[cfg(test)]
impl Sampler {
    pub(crate) fn next(&mut self) -> u64 {
        crate::faults::splitmix(&mut self.0)
    }

    pub(crate) fn short_str(&mut self) -> ShortStr {
        let length = self.next() % 20;
        let text: String = (0..length).map(|_| char::from_u32(self.next() as u32 % 0x3000).unwrap_or('x')).collect();
        ShortStr::truncated(&text)
    }

    pub(crate) fn bytes(&mut self) -> Bytes {
        let length = self.next() % 40;
        (0..length).map(|_| self.next() as u8).collect()
    }

    pub(crate) fn table(&mut self, depth: usize) -> FieldTable {
        let length = self.next() % 4;
        FieldTable((0..length).map(|_| (self.short_str(), self.value(depth + 1))).collect())
    }

    pub(crate) fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth < 4 { 17 } else { 15 };
        match self.next() % kinds {
            0 => Value::Bool(self.next() & 1 == 1),
            1 => Value::I8(self.next() as i8),
            2 => Value::U8(self.next() as u8),
            3 => Value::I16(self.next() as i16),
            4 => Value::U16(self.next() as u16),
            5 => Value::I32(self.next() as i32),
            6 => Value::U32(self.next() as u32),
            7 => Value::I64(self.next() as i64),
            8 => Value::F32(self.next() as u32),
            9 => Value::F64(self.next()),
            10 => Value::Decimal { scale: self.next() as u8, value: self.next() as u32 },
            11 => Value::Text(self.bytes()),
            12 => Value::Timestamp(self.next()),
            13 => Value::Binary(self.bytes()),
            14 => Value::Void,
            15 => Value::Table(self.table(depth)),
            _ => {
                let length = self.next() % 4;
                Value::Array((0..length).map(|_| self.value(depth + 1)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tables_survive_a_round_trip(seed: u64) {
            let table = Sampler(seed).table(0);
            let mut out = BytesMut::new();
            table.write(&mut Encoder::new(&mut out));
            let mut decoder = Decoder::new(&out, 16);
            prop_assert_eq!(FieldTable::decode(&mut decoder), Ok(table));
            prop_assert!(decoder.is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic(data: Vec<u8>) {
            let mut framed = (data.len() as u32).to_be_bytes().to_vec();
            framed.extend(&data);
            let _ = FieldTable::decode(&mut Decoder::new(&framed, 16));
        }
    }

    #[test]
    fn tables_nested_too_deep_are_refused() {
        let mut table = FieldTable::default();
        for _ in 0..17 {
            table = FieldTable(vec![(ShortStr::truncated("t"), Value::Table(table))]);
        }
        let mut out = BytesMut::new();
        table.write(&mut Encoder::new(&mut out));
        assert_eq!(FieldTable::decode(&mut Decoder::new(&out, 16)), Err(WireError::Depth(16)));
        assert!(FieldTable::decode(&mut Decoder::new(&out, 17)).is_ok());
    }

    #[test]
    fn integers_of_any_width_are_equivalent() {
        assert!(Value::I32(1000).equivalent(&Value::I64(1000)));
        assert!(!Value::I32(1000).equivalent(&Value::text("1000")));
    }

    #[test]
    fn short_strings_are_cut_at_a_character() {
        assert_eq!(ShortStr::truncated(&"é".repeat(200)).len(), 254);
    }
}
