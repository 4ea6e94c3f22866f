//! Who takes part: the values of setup journeys, each of which may have been run several times.

use std::collections::BTreeMap;

use rand::RngExt;
use serde_json::Value;

use super::run::substream;

/// For each setup journey, what it saved each time it was run. An iteration takes one of each, drawn from its seed on
/// their own, so that every buyer meets every seller.
#[derive(Clone, Debug, Default)]
pub struct Cast(Vec<(String, Vec<BTreeMap<String, Value>>)>);

impl Cast {
    /// Adds the actors of a setup journey; at least one.
    pub fn add(&mut self, setup: &str, actors: Vec<BTreeMap<String, Value>>) {
        if !actors.is_empty() {
            self.0.push((setup.to_owned(), actors));
        }
    }

    /// The values that an iteration starts from.
    #[must_use]
    pub fn of(&self, seed: u64, salt: &str, iteration: u64) -> BTreeMap<String, Value> {
        let mut vars = BTreeMap::new();
        for (setup, actors) in &self.0 {
            let mut random = substream(seed, setup, &format!("cast/{salt}"), iteration);
            vars.extend(actors[random.random_range(0..actors.len())].clone());
        }
        vars
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn cast(of_each: usize) -> Cast {
        let mut cast = Cast::default();
        for setup in ["buyer", "seller"] {
            cast.add(setup, (0..of_each).map(|n| BTreeMap::from([(setup.to_owned(), json!(n))])).collect());
        }
        cast
    }

    #[test]
    fn every_buyer_meets_every_seller() {
        let cast = cast(5);
        let met: BTreeSet<String> = (0..500).map(|n| json!(cast.of(7, "mix", n)).to_string()).collect();
        assert_eq!(met.len(), 25);
    }

    #[test]
    fn same_seed_gives_the_same_actors_and_another_gives_others() {
        let cast = cast(1000);
        assert_eq!(cast.of(7, "mix", 3), cast.of(7, "mix", 3));
        assert_ne!(cast.of(7, "mix", 3), cast.of(8, "mix", 3));
        assert_ne!(cast.of(7, "mix", 3), cast.of(7, "mix", 4));
        assert_ne!(cast.of(7, "mix", 3), cast.of(7, "other", 3));
    }

    #[test]
    fn journey_without_setup_starts_from_nothing() {
        assert_eq!(Cast::default().of(1, "x", 0), BTreeMap::new());
    }
}
