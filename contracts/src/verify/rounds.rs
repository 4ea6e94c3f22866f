//! What several replays of one interaction say together: that it holds, that it does not, or that nobody knows.

use crate::result::{Flaky, InteractionResult, Verdict};

/// Seeds that are kept of failed replays.
const MOST_SEEDS: usize = 10;

/// The replays of one interaction so far.
#[derive(Default)]
pub(super) struct Ledger {
    /// The last replay that held.
    held: Option<InteractionResult>,
    /// The first replay that did not.
    broken: Option<InteractionResult>,
    passed: usize,
    failed: usize,
    seeds: Vec<u64>,
    after: Option<String>,
}

impl Ledger {
    /// Takes in a replay of a round with this seed.
    pub(super) fn add(&mut self, result: InteractionResult, seed: Option<u64>) {
        if result.verdict == Verdict::Pass {
            self.passed += 1;
            self.held = Some(result);
            return;
        }
        self.failed += 1;
        if self.seeds.len() < MOST_SEEDS {
            self.seeds.extend(seed);
        }
        self.broken.get_or_insert(result);
    }

    /// Takes in that it fails after something else, in a sentence's end.
    pub(super) fn fails_after(&mut self, predecessor: String) {
        self.after = Some(predecessor);
    }

    /// Whether any replay held.
    pub(super) fn has_held(&self) -> bool {
        self.passed > 0
    }

    /// The one result: the first failure if there is any, marked when other replays held.
    pub(super) fn settle(self) -> Option<InteractionResult> {
        let flaky = (self.passed > 0 && self.failed > 0).then(|| Flaky {
            replays: self.passed + self.failed,
            failed: self.failed,
            seeds: self.seeds,
            after: self.after,
        });
        let result = self.broken.or(self.held)?;
        Some(InteractionResult { flaky, ..result })
    }
}
