//! The loop over interactions: bounded in number, time and blame.

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::attempt::Ground;
use super::leak::{self, Step};
use super::provider::{Options, Provider};
use super::rounds::Ledger;
use super::{exchange, order};
use crate::result::{InteractionResult, Verdict, VerificationResult};
use crate::store::{Interaction, Pact};

/// Replays every interaction that `pacts` expect of `provider` and that the filter admits; `on_result` hears of each one
/// once, when it is judged.
///
/// It never fails as a function: whatever goes wrong is in the result, which passes only if at least one interaction was
/// expected and every expected one was verified. Pending interactions are replayed and shown, but not expected. An
/// interaction that held in some replays and not in others is flaky, which is a failure.
pub async fn verify<F>(provider: &Provider, pacts: &[Pact], options: &Options, on_result: F) -> VerificationResult
where
    F: Fn(&InteractionResult) + Send + Sync,
{
    let start = Instant::now();
    let wanted: Vec<(&Pact, &Interaction)> = pacts
        .iter()
        .filter(|pact| pact.provider == provider.name)
        .flat_map(|pact| pact.interactions.iter().map(move |interaction| (pact, interaction)))
        .collect();
    let chosen: Vec<_> = wanted.iter().copied().filter(|(pact, each)| options.filter.admits(pact, each)).collect();
    let client = exchange::client();
    let ground = Ground { client: &client, provider, options, end: start + options.whole_deadline() };
    let mut ledgers: Vec<Ledger> = chosen.iter().map(|_| Ledger::default()).collect();
    let mut steps = Vec::new();
    let searching = options.shuffle.is_some() || options.repeat > 1;
    for round in 0..options.repeat.max(1) {
        let seed = order::seed_of(options.shuffle, round);
        // Made in a loop: the compiler cannot see that a closure over borrowed interactions gives futures that are
        // `Send`.
        let mut replays = Vec::with_capacity(chosen.len());
        for index in order::of(chosen.len(), seed) {
            let (ground, on_result, (pact, interaction)) = (&ground, &on_result, chosen[index]);
            replays.push(async move {
                let result = ground.replay(pact, interaction).await;
                if !searching {
                    on_result(&result);
                }
                (index, result)
            });
        }
        let mut done = futures_util::stream::iter(replays).buffer_unordered(options.concurrency.max(1));
        while let Some((index, result)) = done.next().await {
            if searching {
                steps.push(Step { index, passed: result.verdict == Verdict::Pass });
            }
            ledgers[index].add(result, seed);
        }
    }
    // Side by side, nothing comes after anything.
    if searching && options.concurrency <= 1 {
        leak::investigate(&ground, &chosen, &steps, &mut ledgers).await;
    }
    let interactions: Vec<InteractionResult> = ledgers.into_iter().filter_map(Ledger::settle).collect();
    if searching {
        interactions.iter().for_each(on_result);
    }
    let reason = match (wanted.len(), chosen.len()) {
        (0, _) => Some(format!("no pact expects anything of provider `{}`: nothing was verified", provider.name)),
        (all, 0) => Some(format!("the filter matches none of the {all} interactions with `{}`", provider.name)),
        _ => None,
    };
    VerificationResult::new(provider, options, interactions, reason, start.elapsed())
}
