//! The order in which interactions are replayed: as in the pacts, or another one for each seed.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha12Rng;

/// Positions `0..count` in the order of a round; without a seed as they are. The same seed gives the same order on every
/// machine.
pub(super) fn of(count: usize, seed: Option<u64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if let Some(seed) = seed {
        order.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
    }
    order
}

/// The seed of a round: the one that was asked for, then the numbers after it, so that each round can be had alone.
pub(super) fn seed_of(first: Option<u64>, round: usize) -> Option<u64> {
    first.map(|seed| seed.wrapping_add(round as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_depends_on_the_seed_alone() {
        assert_eq!(of(4, None), [0, 1, 2, 3]);
        assert_eq!(of(40, Some(7)), of(40, Some(7)));
        assert_ne!(of(40, Some(7)), of(40, Some(8)));
        assert_eq!((seed_of(Some(41), 2), seed_of(None, 2)), (Some(43), None));
    }

    proptest! {
        #[test]
        fn every_position_comes_once(count in 0_usize..60, seed: u64) {
            let mut order = of(count, Some(seed));
            order.sort_unstable();
            prop_assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }
}
