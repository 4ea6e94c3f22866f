//! One replay of one interaction: states, exchange, teardown, verdict.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use pact_models::provider_states::ProviderState;
use reqwest::Client;
use tokio::time::Instant;

use super::exchange::{Exchange, Trace};
use super::mismatch::{Mismatch, Part};
use super::provider::{Options, Provider};
use super::{http, message, states};
use crate::result::{InteractionResult, Verdict};
use crate::store::{Content, Interaction, Pact};

/// What every replay on one provider shares.
pub(super) struct Ground<'a> {
    pub(super) client: &'a Result<Client, Mismatch>,
    pub(super) provider: &'a Provider,
    pub(super) options: &'a Options,
    /// When nothing more is started.
    pub(super) end: Instant,
}

impl Ground<'_> {
    /// Replays the interaction once, in a fresh trace.
    pub(super) async fn replay(&self, pact: &Pact, interaction: &Interaction) -> InteractionResult {
        let start = Instant::now();
        let trace = Trace::fresh(&interaction.hash);
        let mismatches = match self.client {
            _ if start >= self.end => vec![Mismatch::transport(format!(
                "not replayed: the {:?} allowed for provider `{}` were over",
                self.options.whole_deadline(),
                self.provider.name
            ))],
            _ if std::env::var("PACT_MATCHING_ENGINE").is_ok_and(|engine| engine.eq_ignore_ascii_case("v2")) => {
                let sentence =
                    "not replayed: `PACT_MATCHING_ENGINE=v2` selects an unfinished engine, expected it to be unset";
                vec![Mismatch::new(Part::Pact, "", sentence)]
            }
            Ok(client) => self.within(client, interaction, &trace).await,
            Err(failure) => vec![failure.clone()],
        };
        InteractionResult {
            consumer: pact.consumer.clone(),
            provider: self.provider.name.clone(),
            description: interaction.description.clone(),
            kind: interaction.kind,
            states: interaction.states.clone(),
            verdict: if mismatches.is_empty() { Verdict::Pass } else { Verdict::Fail },
            pending: interaction.pending,
            mismatches,
            flaky: None,
            duration_ms: start.elapsed().as_secs_f64() * 1000.0,
            trace_id: trace.trace_id,
            correlation_id: trace.correlation_id,
            pact_hash: pact.hash.clone(),
            interaction_hash: interaction.hash.clone(),
        }
    }

    async fn within(&self, client: &Client, interaction: &Interaction, trace: &Trace) -> Vec<Mismatch> {
        let timeout = self.options.timeout;
        let states: &[ProviderState] = match &interaction.content {
            Content::Http(http) => &http.provider_states,
            Content::Message(message) => &message.provider_states,
        };
        let hook = self.provider.states_url.as_ref();
        let replay = self.exchange(self.budget(client, timeout, self.end), interaction, states, trace);
        let mut mismatches = AssertUnwindSafe(replay).catch_unwind().await.unwrap_or_else(|_| {
            let sentence = "the matching engine failed on this interaction: look at its matching rules";
            vec![Mismatch::new(Part::Pact, "", sentence)]
        });
        // A budget of its own, so that a provider which hung in the request is still asked to clean up; and no news of
        // it when the provider cannot be talked to anyway.
        let gone = mismatches.iter().any(|mismatch| mismatch.part == Part::Transport);
        let failures = states::tear_down(self.budget(client, timeout, self.end + timeout), hook, states, trace).await;
        if !gone {
            mismatches.extend(failures);
        }
        mismatches
    }

    async fn exchange(
        &self,
        budget: Exchange<'_>,
        interaction: &Interaction,
        states: &[ProviderState],
        trace: &Trace,
    ) -> Vec<Mismatch> {
        let values = match states::set_up(budget, self.provider.states_url.as_ref(), states, trace).await {
            Ok(values) => values,
            Err(failure) => return vec![failure],
        };
        match &interaction.content {
            Content::Http(http) => match states::missing_value(&http.request.generators, &values) {
                Some(missing) => vec![missing],
                None => http::replay(budget, self.provider, http, &values, trace).await,
            },
            Content::Message(message) => message::replay(budget, self.provider, message, trace).await,
        }
    }

    fn budget<'b>(&'b self, client: &'b Client, allowed: Duration, end: Instant) -> Exchange<'b> {
        let now = Instant::now();
        let until = (now + allowed).min(end);
        Exchange { client, provider: &self.provider.name, until, allowed: until - now }
    }
}
