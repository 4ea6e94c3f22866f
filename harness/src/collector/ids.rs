//! Identifiers of traces and spans.

use std::fmt;
use std::str::FromStr;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $number:ty, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// Length in bytes.
            pub const BYTES: usize = $digits / 2;

            /// The identifier of this number; none for zero, which is not a valid identifier.
            pub fn new(number: $number) -> Option<Self> {
                (number != 0).then_some(Self(number))
            }

            /// The identifier in big-endian bytes; none when the length is wrong or all bytes are zero.
            pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
                Self::new(<$number>::from_be_bytes(bytes.try_into().ok()?))
            }

            /// The identifier as a number.
            pub fn number(self) -> $number {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.len() == $digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let number = if digits { <$number>::from_str_radix(text, 16).ok() } else { None };
                number.and_then(Self::new).ok_or_else(|| InvalidId { text: text.chars().take(64).collect(), digits: $digits })
            }
        }
    };
}

identifier!(
    /// Identifier of a trace: 16 bytes, not all zero. Shown as 32 hexadecimal digits.
    TraceId, u128, 32
);
identifier!(
    /// Identifier of a span within its trace: 8 bytes, not all zero. Shown as 16 hexadecimal digits.
    SpanId, u64, 16
);

/// A text that is not a trace or span id.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{text}` is not an id: expected {digits} hexadecimal digits, not all zero")]
pub struct InvalidId {
    text: String,
    digits: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_as_text_and_reject_zero_and_garbage() {
        let text = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(text.parse::<TraceId>().expect("valid").to_string(), text);
        assert!("00000000000000000000000000000000".parse::<TraceId>().is_err());
        assert!("+af7651916cd43dd8448eb211c80319c".parse::<TraceId>().is_err());
        let error = "xyz".parse::<SpanId>().expect_err("not hexadecimal");
        assert_eq!(error.to_string(), "`xyz` is not an id: expected 16 hexadecimal digits, not all zero");
        assert_eq!(SpanId::from_bytes(&[0; 8]), None);
        assert_eq!(SpanId::from_bytes(&[1; 7]), None);
    }
}
