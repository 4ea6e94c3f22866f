//! The loop over interactions: bounded in number, time and blame.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use pact_models::provider_states::ProviderState;
use reqwest::Client;
use tokio::time::Instant;

use super::exchange::{self, Exchange, Trace};
use super::mismatch::{Mismatch, Part};
use super::provider::{Options, Provider};
use super::{http, message, states};
use crate::result::{InteractionResult, Verdict, VerificationResult};
use crate::store::{Content, Interaction, Pact};

/// Replays every interaction that `pacts` expect of `provider` and that the filter admits; `on_result` hears of each one
/// as it is done.
///
/// It never fails as a function: whatever goes wrong is in the result, which passes only if at least one interaction was
/// expected and every expected one was verified. Pending interactions are replayed and shown, but not expected.
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
    let end = start + options.deadline;
    // Made in a loop: the compiler cannot see that a closure over borrowed interactions gives futures that are `Send`.
    let mut replays = Vec::with_capacity(chosen.len());
    for (index, &(pact, interaction)) in chosen.iter().enumerate() {
        let (client, on_result) = (&client, &on_result);
        replays.push(async move {
            let result = one(client, provider, pact, interaction, options, end).await;
            on_result(&result);
            (index, result)
        });
    }
    let mut done: Vec<(usize, InteractionResult)> =
        futures_util::stream::iter(replays).buffer_unordered(options.concurrency.max(1)).collect().await;
    done.sort_by_key(|(index, _)| *index);
    let interactions: Vec<InteractionResult> = done.into_iter().map(|(_, result)| result).collect();
    let reason = match (wanted.len(), chosen.len()) {
        (0, _) => Some(format!("no pact expects anything of provider `{}`: nothing was verified", provider.name)),
        (all, 0) => Some(format!("the filter matches none of the {all} interactions with `{}`", provider.name)),
        _ => None,
    };
    VerificationResult::new(provider, interactions, reason, start.elapsed())
}

async fn one(
    client: &Result<Client, Mismatch>,
    provider: &Provider,
    pact: &Pact,
    interaction: &Interaction,
    options: &Options,
    end: Instant,
) -> InteractionResult {
    let start = Instant::now();
    let trace = Trace::fresh(&interaction.hash);
    let mismatches = match client {
        _ if start >= end => vec![Mismatch::transport(format!(
            "not replayed: the {:?} allowed for provider `{}` were over",
            options.deadline, provider.name
        ))],
        _ if std::env::var("PACT_MATCHING_ENGINE").is_ok_and(|engine| engine.eq_ignore_ascii_case("v2")) => {
            let sentence =
                "not replayed: `PACT_MATCHING_ENGINE=v2` selects an unfinished engine, expected it to be unset";
            vec![Mismatch::new(Part::Pact, "", sentence)]
        }
        Ok(client) => {
            let replay = within(client, provider, interaction, options.timeout, end, &trace);
            AssertUnwindSafe(replay).catch_unwind().await.unwrap_or_else(|_| {
                let sentence = "the matching engine failed on this interaction: look at its matching rules";
                vec![Mismatch::new(Part::Pact, "", sentence)]
            })
        }
        Err(failure) => vec![failure.clone()],
    };
    InteractionResult {
        consumer: pact.consumer.clone(),
        provider: provider.name.clone(),
        description: interaction.description.clone(),
        kind: interaction.kind,
        states: interaction.states.clone(),
        verdict: if mismatches.is_empty() { Verdict::Pass } else { Verdict::Fail },
        pending: interaction.pending,
        mismatches,
        duration_ms: start.elapsed().as_secs_f64() * 1000.0,
        trace_id: trace.trace_id,
        correlation_id: trace.correlation_id,
        pact_hash: pact.hash.clone(),
        interaction_hash: interaction.hash.clone(),
    }
}

async fn within(
    client: &Client,
    provider: &Provider,
    interaction: &Interaction,
    timeout: Duration,
    end: Instant,
    trace: &Trace,
) -> Vec<Mismatch> {
    let exchange = |allowed: Duration, end: Instant| {
        let now = Instant::now();
        let until = (now + allowed).min(end);
        Exchange { client, provider: &provider.name, until, allowed: until - now }
    };
    let states: &[ProviderState] = match &interaction.content {
        Content::Http(http) => &http.provider_states,
        Content::Message(message) => &message.provider_states,
    };
    let hook = provider.states_url.as_ref();
    let budget = exchange(timeout, end);
    let mut mismatches = match states::set_up(budget, hook, states, trace).await {
        Err(failure) => vec![failure],
        Ok(values) => match &interaction.content {
            Content::Http(http) => match states::missing_value(&http.request.generators, &values) {
                Some(missing) => vec![missing],
                None => http::replay(budget, provider, http, &values, trace).await,
            },
            Content::Message(message) => message::replay(budget, provider, message, trace).await,
        },
    };
    // A budget of its own, so that a provider which hung in the request is still asked to clean up; and no news of it
    // when the provider cannot be talked to anyway.
    let gone = mismatches.iter().any(|mismatch| mismatch.part == Part::Transport);
    let failures = states::tear_down(exchange(timeout, end + timeout), hook, states, trace).await;
    if !gone {
        mismatches.extend(failures);
    }
    mismatches
}
