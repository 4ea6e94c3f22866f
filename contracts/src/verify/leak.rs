//! Which interaction leaves something behind that breaks another one.
//!
//! Replays go on after the rounds: the broken interaction alone, then after what came before it, halved until one
//! predecessor is left. A leak that lasts until the provider is started again breaks the interaction alone too; then the
//! culprit is among those that ran for the first time between its last success and its first failure.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::attempt::Ground;
use super::rounds::Ledger;
use crate::result::{InteractionResult, Verdict};
use crate::store::{Interaction, Pact};

/// Interactions that are looked into; the first ones tell enough of a provider that leaks everywhere.
const MOST_SUSPECTS: usize = 5;
/// Predecessors that are tried, the nearest ones.
const MOST_PREDECESSORS: usize = 64;
/// Names given when one of several interactions is the culprit.
const MOST_NAMES: usize = 3;

/// One replay of the rounds.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) index: usize,
    pub(super) passed: bool,
}

/// Looks for the predecessors of interactions that failed, one interaction after the other until the deadline.
pub(super) async fn investigate(
    ground: &Ground<'_>,
    chosen: &[(&Pact, &Interaction)],
    steps: &[Step],
    ledgers: &mut [Ledger],
) {
    let mut seen = BTreeSet::new();
    let suspects: Vec<usize> = steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !step.passed && seen.insert(step.index))
        .map(|(at, _)| at)
        .take(MOST_SUSPECTS)
        .collect();
    for at in suspects {
        let index = steps[at].index;
        let inquiry = Inquiry { ground, chosen, index };
        // Twice, because the first replay may still stand in the wake of whatever ran last.
        let Some(mut alone) = inquiry.replay_after(&[]).await else { return };
        if alone.verdict != Verdict::Pass {
            let Some(again) = inquiry.replay_after(&[]).await else { return };
            alone = again;
        }
        let found = if alone.verdict == Verdict::Pass {
            // It held, so the failure was not its own; the count of replays says so even when nobody is found.
            ledgers[index].add(alone, None);
            // What ran before its last success did not break it then.
            let since = steps[..at].iter().rposition(|step| step.index == index && step.passed).unwrap_or(0);
            let before: Vec<usize> = steps[since..at].iter().map(|step| step.index).collect();
            let nearest = before.len().saturating_sub(MOST_PREDECESSORS);
            inquiry.culprit(&before[nearest..]).await.map(|found| vec![found])
        } else if ledgers[index].has_held() {
            newcomers(steps, at)
        } else {
            None
        };
        if let Some(found) = found {
            ledgers[index].fails_after(names(chosen, &found));
        }
    }
}

/// One interaction, and the others in whose wake it is replayed.
struct Inquiry<'a> {
    ground: &'a Ground<'a>,
    chosen: &'a [(&'a Pact, &'a Interaction)],
    index: usize,
}

impl Inquiry<'_> {
    /// Whether the interaction holds right after these; nothing when the time is over.
    async fn holds_after(&self, before: &[usize]) -> Option<bool> {
        self.replay_after(before).await.map(|result| result.verdict == Verdict::Pass)
    }

    async fn replay_after(&self, before: &[usize]) -> Option<InteractionResult> {
        let mut last = None;
        for &index in before.iter().chain([&self.index]) {
            if Instant::now() >= self.ground.end {
                return None;
            }
            let (pact, interaction) = self.chosen[index];
            last = Some(self.ground.replay(pact, interaction).await);
        }
        last
    }

    /// The one predecessor after which it fails, each time it is tried.
    async fn culprit(&self, before: &[usize]) -> Option<usize> {
        let mut open = before;
        if let Some(nearest) = open.last()
            && self.confirmed(*nearest).await?
        {
            return Some(*nearest);
        }
        if self.holds_after(open).await? {
            return None;
        }
        while open.len() > 1 {
            let (first, second) = open.split_at(open.len() / 2);
            open = if self.holds_after(second).await? { first } else { second };
        }
        let culprit = *open.first()?;
        self.confirmed(culprit).await?.then_some(culprit)
    }

    /// Whether it fails after this one and holds alone, so that chance is not taken for a cause.
    async fn confirmed(&self, predecessor: usize) -> Option<bool> {
        Some(!self.holds_after(&[predecessor]).await? && self.holds_after(&[]).await?)
    }
}

/// What ran for the first time between the last success before a failure and that failure.
fn newcomers(steps: &[Step], failure: usize) -> Option<Vec<usize>> {
    let index = steps[failure].index;
    let success = steps[..failure].iter().rposition(|step| step.index == index && step.passed)?;
    let known: BTreeSet<usize> = steps[..=success].iter().map(|step| step.index).collect();
    let new: BTreeSet<usize> = steps[success..failure].iter().map(|step| step.index).collect();
    let found: Vec<usize> = new.difference(&known).copied().collect();
    (!found.is_empty()).then_some(found)
}

fn names(chosen: &[(&Pact, &Interaction)], found: &[usize]) -> String {
    let named = found.iter().take(MOST_NAMES).map(|&index| {
        let (pact, interaction) = chosen[index];
        format!("`{}` of `{}`", interaction.description, pact.consumer)
    });
    let named: Vec<String> = named.collect();
    match found.len() {
        1 => named.join(""),
        count if count > MOST_NAMES => format!("one of {}, {} more", named.join(", "), count - MOST_NAMES),
        _ => format!("one of {}", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_are_what_had_not_run_when_it_still_held() {
        let step = |index, passed| Step { index, passed };
        let steps = [step(1, true), step(0, true), step(2, true), step(1, true), step(0, false)];
        assert_eq!(newcomers(&steps, 4), Some(vec![2]));
        let steps = [step(1, true), step(0, true), step(1, true), step(0, false)];
        assert_eq!(newcomers(&steps, 3), None);
        assert_eq!(newcomers(&[step(1, true), step(0, false)], 1), None);
    }
}
