//! Deliberate duplicates: at-least-once delivery made visible.

use serde::{Deserialize, Serialize};

/// While set, a delivery on a matching queue comes a second time after its ack, with `redelivered` set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DuplicateFault {
    /// Names of queues; `*` stands for any characters, `?` for one.
    pub(crate) queue: String,
    /// Probability per acknowledged delivery, 0 to 1.
    pub(crate) p: f64,
    /// Start of the random sequence.
    #[serde(default)]
    pub(crate) seed: u64,
}

/// The faults of a broker and their effect so far.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    duplicate: Option<(DuplicateFault, u64)>,
    /// Duplicates handed to a consumer since the broker started.
    pub(crate) delivered: u64,
}

impl Faults {
    /// # Errors
    /// The reason when the fault makes no sense.
    pub(crate) fn set_duplicate(&mut self, fault: DuplicateFault) -> Result<(), String> {
        if !(0.0..=1.0).contains(&fault.p) {
            return Err(format!("`p` is `{}`, expected a probability from 0 to 1", fault.p));
        }
        if fault.queue.is_empty() || fault.queue.len() > 255 {
            return Err("`queue` is the pattern of a queue name of 1 to 255 bytes, such as `orders.*`".into());
        }
        let state = fault.seed;
        self.duplicate = Some((fault, state));
        Ok(())
    }

    pub(crate) fn clear_duplicate(&mut self) {
        self.duplicate = None;
    }

    pub(crate) fn duplicate(&self) -> Option<&DuplicateFault> {
        self.duplicate.as_ref().map(|(fault, _)| fault)
    }

    /// Whether the delivery acknowledged now on that queue is to come again. Advances the sequence on a match.
    pub(crate) fn duplicates(&mut self, queue: &str) -> bool {
        let Some((fault, state)) = &mut self.duplicate else {
            return false;
        };
        if !glob_matches(fault.queue.as_bytes(), queue.as_bytes()) {
            return false;
        }
        // 53 bits are what a double holds exactly.
        let unit = (splitmix(state) >> 11) as f64 / (1u64 << 53) as f64;
        unit < fault.p
    }
}

/// The next number of Steele, Lea and Flood's SplitMix64 sequence.
pub(crate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Linear in practice: only the last `*` is ever tried again.
fn glob_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(queue: &str, p: f64) -> DuplicateFault {
        DuplicateFault { queue: queue.into(), p, seed: 7 }
    }

    #[test]
    fn glob_matches_whole_names_only() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*", "orders", true),
            ("orders.*", "orders.placed", true),
            ("orders.*", "orders", false),
            ("*.dead", "a.dead.dead", true),
            ("o?ders", "orders", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "aXXbYY", false),
            ("orders", "orders2", false),
        ] {
            assert_eq!(glob_matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn same_seed_picks_the_same_deliveries() {
        let picks = || {
            let mut faults = Faults::default();
            faults.set_duplicate(fault("q", 0.3)).unwrap();
            (0..1000).map(|_| faults.duplicates("q")).collect::<Vec<_>>()
        };
        assert_eq!(picks(), picks());
        let picked = picks().into_iter().filter(|&x| x).count();
        assert!((250..350).contains(&picked), "{picked} of 1000 at p = 0.3");
    }

    #[test]
    fn queues_that_do_not_match_are_left_alone() {
        let mut faults = Faults::default();
        faults.set_duplicate(fault("orders.*", 1.0)).unwrap();
        assert!(!faults.duplicates("users"));
        assert!(faults.duplicates("orders.placed"));
        faults.clear_duplicate();
        assert!(!faults.duplicates("orders.placed"));
    }

    #[test]
    fn probability_outside_zero_to_one_is_refused() {
        for p in [-0.1, 1.1, f64::NAN] {
            assert!(Faults::default().set_duplicate(fault("q", p)).is_err());
        }
    }
}
