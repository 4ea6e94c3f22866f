//! What is known about the names of fields, worked out once per thread and name.

use super::encode;
use crate::redact;

/// Names remembered by each thread; a program uses a few hundred.
const SLOTS: usize = 512;

/// How far from its home a name is looked for.
const PROBES: usize = 8;

/// Keys that the line itself uses; a field of the same name is written as `field.<name>`.
pub(crate) const RESERVED: [&str; 10] = [
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "version",
    "instance",
    "trace_id",
    "span_id",
    "correlation_id",
];

/// A name and what follows from it.
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    /// The beginning of its field in a JSON line, up to the quote before a text: `,"name":"`.
    pub(super) json: Box<str>,
    /// Whether its value must not be shown.
    pub(super) secret: bool,
    /// Whether the line itself uses this key.
    pub(super) reserved: bool,
    /// Whether it is what the line says.
    pub(super) message: bool,
    /// Whether it can be copied as it is, in every format.
    pub(super) plain: bool,
    /// One of 64 bits: names whose bits differ are different names.
    pub(super) bit: u64,
}

/// A cache by the address of the name: what is `'static` stays what it is.
pub(super) struct Keys {
    slots: Box<[Option<Key<'static>>]>,
    /// Whether the policy in force was the one of the application when the cache was filled.
    installed: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Self { slots: std::iter::repeat_with(|| None).take(SLOTS).collect(), installed: redact::installed() }
    }
}

impl Keys {
    #[inline]
    pub(super) fn get(&mut self, name: &'static str) -> &Key<'static> {
        let address = name.as_ptr() as usize;
        let home = (address ^ (address >> 9) ^ name.len()) % SLOTS;
        let place = if self.knows(home, name) { home } else { self.place(home, name) };
        self.slots[place].get_or_insert_with(|| Key::new(name))
    }

    #[inline]
    fn knows(&self, place: usize, name: &'static str) -> bool {
        self.slots[place].as_ref().is_some_and(|key| std::ptr::eq(key.name, name))
    }

    /// Where a name is, or is to be: two that have one home must not drive each other out line by line.
    fn place(&mut self, home: usize, name: &'static str) -> usize {
        let places = || (home..home + PROBES).map(|place| place % SLOTS);
        if let Some(known) = places().find(|place| self.knows(*place, name)) {
            return known;
        }
        places().find(|place| self.slots[*place].is_none()).unwrap_or_else(|| {
            self.slots[home] = None;
            home
        })
    }

    /// Forgets what was worked out before the application's policy was in force.
    pub(super) fn refresh(&mut self) {
        if !self.installed && redact::installed() {
            *self = Self::default();
        }
    }
}

impl<'a> Key<'a> {
    #[cold]
    pub(super) fn new(name: &'a str) -> Self {
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let reserved = RESERVED.contains(&name);
        let mut json = String::from(if reserved { ",\"field." } else { ",\"" });
        encode::escape(name, &mut json);
        json.push_str("\":\"");
        Self {
            name,
            json: json.into_boxed_str(),
            secret: redact::is_secret_key(name),
            reserved,
            message: name == "message",
            plain: name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'=')),
            bit: 1 << (hash >> 58),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_share_a_home_stay() {
        // A whole number of the pieces that addresses are folded to, so that all of them have one home.
        let text: &'static str = Box::leak("abcdefgh".repeat(64 * 1024).into_boxed_str());
        let home = |name: &str| (name.as_ptr().addr() ^ (name.as_ptr().addr() >> 9) ^ name.len()) % SLOTS;
        let names = (0..text.len() - 8).map(|at| &text[at..at + 8]).filter(|name| home(name) == home(&text[..8]));
        let names: Vec<&'static str> = names.take(PROBES).collect();
        let mut keys = Keys::default();
        let made: Vec<_> = names.iter().map(|name| keys.get(name).json.as_ptr()).collect();
        // One that was driven out would leave its memory to the next.
        assert_eq!(made.iter().collect::<std::collections::HashSet<_>>().len(), PROBES);
        assert_eq!(names.iter().map(|name| keys.get(name).json.as_ptr()).collect::<Vec<_>>(), made);
    }

    #[test]
    fn names_that_share_a_slot_are_kept_apart() {
        let names: Vec<&'static str> =
            (0..2 * SLOTS).map(|at| &*Box::leak(format!("token_{at}_x").into_boxed_str())).collect();
        let mut keys = Keys::default();
        for _ in 0..2 {
            for name in &names {
                let key = keys.get(name);
                assert!(key.name == *name && key.secret && !key.reserved, "{name}");
            }
        }
        assert!(!keys.get("order").secret && keys.get("service").reserved && !keys.get("a b").plain);
    }
}
