//! A fault that comes again and again, each time on one of several targets: when and on which follows from the seed.
//!
//! Gaps between two injections are exponential with mean `every`, like those of arrivals. Targets are drawn like cards:
//! each comes once, in an order that the seed gives, before any comes again, so that a run of n injections meets n
//! targets as long as there are that many. One that is still down, or came back less than [`SETTLE`] ago, is passed over.

use std::time::Duration;

use rand::RngExt;
use rand::seq::SliceRandom;

use crate::load::substream;

/// Time that a target is left alone after a fault on it: to become ready, and to be useful for a moment.
pub(super) const SETTLE: Duration = Duration::from_secs(2);
/// Shortest mean time between two injections.
pub(super) const LEAST_EVERY: Duration = Duration::from_millis(100);
/// Most injections that one entry may be expected to give.
pub(super) const MOST: u64 = 10_000;

/// How often, how long, and in which stretch of the inject phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// Mean time between two injections.
    pub(super) every: Duration,
    /// How long each lasts.
    pub(super) length: Duration,
    /// Start of the stretch, from the start of the inject phase.
    pub(super) from: Duration,
    /// Its end; every injection is undone by then.
    pub(super) until: Duration,
}

/// One injection; times are counted from the start of the inject phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) at: Duration,
    pub(super) until: Duration,
    /// Number of the target in the list.
    pub(super) target: usize,
}

impl Repeated {
    /// The injections on `targets` targets, in order. `name` sets this entry apart from others of the same seed: each
    /// has a stream of its own, so that an edit elsewhere does not shift it. At least one when any fits.
    pub(super) fn turns(&self, targets: usize, seed: u64, name: &str) -> Vec<Turn> {
        let Some(last) = self.until.checked_sub(self.length).filter(|last| *last >= self.from && targets > 0) else {
            return Vec::new();
        };
        let mut random = substream(seed, "inject", name);
        let mut turns: Vec<Turn> = Vec::new();
        // When each target may be hit again.
        let mut free = vec![Duration::ZERO; targets];
        let mut deck: Vec<usize> = Vec::new();
        let mut at = self.from;
        loop {
            // 1 - u lies in (0, 1], so the logarithm is finite.
            at += self.every.mul_f64(-(1.0 - random.random::<f64>()).ln());
            if deck.is_empty() {
                deck = (0..targets).collect();
                deck.shuffle(&mut random);
            }
            let up = deck.iter().position(|target| free[*target] <= at);
            let first = up.or_else(|| (0..deck.len()).min_by_key(|index| free[deck[*index]])).unwrap_or_default();
            let target = deck.remove(first);
            at = at.max(free[target]);
            if at > last {
                break;
            }
            let until = at + self.length;
            free[target] = until + SETTLE;
            turns.push(Turn { at, until, target });
        }
        if turns.is_empty() {
            let at = self.from + (last - self.from).mul_f64(random.random::<f64>());
            turns.push(Turn { at, until: at + self.length, target: random.random_range(0..targets) });
        }
        turns
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn repeated() -> impl Strategy<Value = (Repeated, usize, u64)> {
        (100_u64..20_000, 1_u64..10_000, 0_u64..30_000, 0_u64..200_000, 1_usize..14, any::<u64>()).prop_map(
            |(every, length, from, room, targets, seed)| {
                let ms = Duration::from_millis;
                let repeated =
                    Repeated { every: ms(every), length: ms(length), from: ms(from), until: ms(from + length + room) };
                (repeated, targets, seed)
            },
        )
    }

    proptest! {
        #[test]
        fn turns_lie_within_their_stretch_in_order((repeated, targets, seed) in repeated()) {
            let turns = repeated.turns(targets, seed, "s/0");
            prop_assert!(!turns.is_empty());
            prop_assert!(turns.is_sorted_by_key(|turn| turn.at));
            for turn in turns {
                prop_assert!(turn.at >= repeated.from && turn.until <= repeated.until, "{turn:?} of {repeated:?}");
                prop_assert_eq!(turn.until - turn.at, repeated.length);
                prop_assert!(turn.target < targets);
            }
        }

        #[test]
        fn no_target_is_hit_before_it_has_settled((repeated, targets, seed) in repeated()) {
            let turns = repeated.turns(targets, seed, "s/0");
            for target in 0..targets {
                let of: Vec<_> = turns.iter().filter(|turn| turn.target == target).collect();
                for pair in of.windows(2) {
                    prop_assert!(pair[1].at >= pair[0].until + SETTLE, "{pair:?}");
                }
            }
        }

        #[test]
        fn every_target_comes_before_any_comes_again((repeated, targets, seed) in repeated()) {
            let turns = repeated.turns(targets, seed, "s/0");
            for round in turns.chunks(targets) {
                let met: BTreeSet<usize> = round.iter().map(|turn| turn.target).collect();
                prop_assert_eq!(met.len(), round.len());
            }
        }

        #[test]
        fn same_seed_and_name_give_the_same_turns((repeated, targets, seed) in repeated()) {
            prop_assert_eq!(repeated.turns(targets, seed, "s/0"), repeated.turns(targets, seed, "s/0"));
        }
    }

    #[test]
    fn seeds_and_names_give_turns_of_their_own() {
        let s = Duration::from_secs;
        let repeated = Repeated { every: s(5), length: s(1), from: s(0), until: s(600) };
        let turns = repeated.turns(5, 1, "s/0");
        assert_ne!(turns, repeated.turns(5, 2, "s/0"));
        assert_ne!(turns, repeated.turns(5, 1, "s/1"));
        assert!((90..=150).contains(&turns.len()), "one every 5 s for 600 s, got {}", turns.len());
    }

    #[test]
    fn every_target_is_the_first_for_some_seed() {
        let s = Duration::from_secs;
        let repeated = Repeated { every: s(60), length: s(1), from: s(0), until: s(10) };
        let met: BTreeSet<usize> =
            (0..200).flat_map(|seed| repeated.turns(11, seed, "s/0")).map(|turn| turn.target).collect();
        assert_eq!(met.len(), 11);
    }
}
