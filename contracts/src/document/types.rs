//! The types of JSON as a set.

use std::fmt;

use serde_json::Value;

/// Which types of JSON a value may have. An integer is a type of its own, and a part of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Types(u8);

const NAMES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

impl Types {
    /// Only `null`.
    pub const NULL: Self = Self(1);
    /// Every type.
    pub const ANY: Self = Self(0x7f);
    /// No type: nothing fits.
    pub const NONE: Self = Self(0);
    /// Only objects.
    pub const OBJECT: Self = Self(1 << 6);
    /// Only lists.
    pub const ARRAY: Self = Self(1 << 5);
    /// Only texts.
    pub const STRING: Self = Self(1 << 4);
    /// Numbers, whole or not.
    pub const NUMBER: Self = Self(1 << 2 | 1 << 3);
    /// Only `true` and `false`.
    pub const BOOLEAN: Self = Self(1 << 1);
    /// Only whole numbers.
    pub const INTEGER: Self = Self(1 << 2);

    /// The type of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(number) => match number.as_f64() {
                Some(number) if number.fract() != 0.0 => Self(1 << 3),
                _ => Self::INTEGER,
            },
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    /// What the keyword `type` says: a name or a list of names. Names that nobody knows allow nothing.
    #[must_use]
    pub fn declared(keyword: &Value) -> Self {
        match keyword {
            Value::String(name) => Self::named(name),
            Value::Array(names) => {
                names.iter().filter_map(Value::as_str).map(Self::named).fold(Self::NONE, Self::union)
            }
            _ => Self::ANY,
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "number" => Self::NUMBER,
            _ => NAMES.iter().position(|known| *known == name).map_or(Self::NONE, |bit| Self(1 << bit)),
        }
    }

    /// Those of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that both have.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that the other one lacks.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of the other one's are among them.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => return f.write_str("nothing"),
            Self::ANY => return f.write_str("anything"),
            _ => {}
        }
        let whole = self.contains(Self::NUMBER);
        let names = NAMES.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0);
        let names = names.map(|(_, name)| *name).filter(|name| !(whole && *name == "integer"));
        f.write_str(&names.collect::<Vec<_>>().join(" or "))
    }
}
