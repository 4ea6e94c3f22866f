//! Telling receivers: bounded in time, again when it fails, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::StreamExt as _;
use reqwest::Client;

use super::event::HookEvent;
use super::hosts::Hosts;
use super::template::Values;
use crate::broker::BrokerError;
use crate::broker::address::address;
use crate::broker::store::{DeliveryState, HookDelivery, Occasion, Store, Webhook};

/// Deliveries that are on their way at once.
const AT_ONCE: usize = 16;

/// How long and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time that one attempt may take, connecting included.
    pub timeout: Duration,
    /// Attempts, the first included.
    pub attempts: u32,
    /// Time from the first attempt to the second; each further one takes three times as long.
    pub backoff: Duration,
    /// How often it is looked for what others have written into the database.
    pub look: Duration,
}

impl Default for Pace {
    /// 10 s for each of 6 attempts, within about 20 minutes; a look each second.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempts: 6,
            backoff: Duration::from_secs(10),
            look: Duration::from_secs(1),
        }
    }
}

/// Delivers what webhooks are to be told.
#[derive(Clone, Debug)]
pub struct Courier {
    store: Store,
    hosts: Hosts,
    base: Arc<str>,
    pace: Pace,
    client: Client,
}

impl Courier {
    /// One that delivers from `store` to these hosts; links to the broker begin with `base`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(store: Store, hosts: Hosts, base: &str, pace: Pace) -> Result<Self, BrokerError> {
        let client = Client::builder()
            // Who was allowed is told, and not who that one names.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(pace.timeout)
            .no_proxy()
            .user_agent(concat!("Shakedown/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| BrokerError::Invalid(format!("no HTTP client for webhooks: {error}")))?;
        Ok(Self { store, hosts, base: base.trim_end_matches('/').into(), pace, client })
    }

    /// Delivers until `stop` ends; `trouble` hears when the database fails.
    pub async fn run(self, stop: impl Future<Output = ()>, trouble: impl Fn(&BrokerError)) {
        tokio::pin!(stop);
        loop {
            // What is on its way when it stops is told again by whoever comes next.
            let round = tokio::select! {
                biased;
                () = &mut stop => return,
                round = self.round() => round,
            };
            let full = round.unwrap_or_else(|error| {
                trouble(&error);
                0
            }) == AT_ONCE;
            if full {
                continue;
            }
            tokio::select! {
                () = &mut stop => return,
                () = self.store.news() => {}
                () = tokio::time::sleep(self.pace.look) => {}
            }
        }
    }

    /// Delivers what is due, and returns how much that was.
    async fn round(&self) -> Result<usize, BrokerError> {
        // Longer than an attempt and its bookkeeping can take, so that nobody else takes it meanwhile.
        let due = self.store.take_due(AT_ONCE, Utc::now() + 2 * self.pace.timeout + Duration::from_secs(30)).await?;
        let count = due.len();
        let settled: Vec<Result<(), BrokerError>> =
            futures_util::stream::iter(due).map(|each| self.deliver(each)).buffer_unordered(AT_ONCE).collect().await;
        settled.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(count)
    }

    async fn deliver(&self, delivery: HookDelivery) -> Result<(), BrokerError> {
        let webhook = match self.store.webhook(&delivery.webhook).await {
            Ok(webhook) => webhook,
            // Deleted meanwhile, and its deliveries with it.
            Err(BrokerError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let told = self.attempt(&webhook, delivery.event, &delivery.occasion).await?;
        let last = delivery.attempts >= i64::from(self.pace.attempts);
        let (state, outcome) = match told {
            Ok(outcome) => (DeliveryState::Succeeded, outcome),
            Err(outcome) if last => (DeliveryState::Failed, format!("{outcome}; given up")),
            Err(outcome) => (DeliveryState::Waiting, outcome),
        };
        let before = u32::try_from(delivery.attempts.clamp(1, 16) - 1).unwrap_or_default();
        let wait = self.pace.backoff.saturating_mul(3_u32.saturating_pow(before)).min(Duration::from_secs(86_400));
        self.store.settle(&delivery, &outcome, state, Utc::now() + wait).await
    }

    /// Tells a receiver, once: what it answered, or what went wrong, in words without secrets.
    pub(in crate::broker) async fn attempt(
        &self,
        webhook: &Webhook,
        event: HookEvent,
        occasion: &Occasion,
    ) -> Result<Result<String, String>, BrokerError> {
        let values = self.values(event, occasion).await?;
        let request = match webhook.request.build(&self.client, &self.hosts, &values) {
            Ok(request) => request,
            Err(reason) => return Ok(Err(reason)),
        };
        // The client's own limit ends with the body; nobody reads that, and it is dropped with the connection.
        Ok(match self.client.execute(request).await {
            Ok(answer) if answer.status().is_success() => Ok(format!("answered {}", answer.status().as_u16())),
            Ok(answer) if answer.status().is_redirection() => {
                Err(format!("answered {}, and redirects are not followed", answer.status().as_u16()))
            }
            Ok(answer) => Err(format!("answered {}", answer.status().as_u16())),
            Err(error) if error.is_timeout() => Err(format!("did not answer within {:?}", self.pace.timeout)),
            Err(error) => Err(broken(error)),
        })
    }

    async fn values(&self, event: HookEvent, occasion: &Occasion) -> Result<Values, BrokerError> {
        let Occasion { consumer, provider, content, provider_version, verification } = occasion;
        let marks = |marks: std::collections::BTreeMap<String, crate::broker::Marks>, number: &str| {
            let marks = marks.get(number).cloned().unwrap_or_default();
            (marks.branches.join(", "), marks.tags.join(", "))
        };
        let (consumer_branch, consumer_tags) = marks(self.store.marks(&consumer.pacticipant).await?, &consumer.number);
        let number = provider_version.clone().unwrap_or_default();
        let (provider_branch, provider_tags) = marks(self.store.marks(provider).await?, &number);
        let pact = ["pacts", "provider", provider, "consumer", &consumer.pacticipant];
        let below = |rest: &[&str]| address(&self.base, &[&pact[..], rest].concat());
        let result = verification.map_or_else(String::new, |number| {
            below(&["pact-version", content, "verification-results", &number.to_string()])
        });
        let status = match event {
            HookEvent::ProviderVerificationFailed => "failure",
            HookEvent::ProviderVerificationSucceeded => "success",
            _ => match verification {
                Some(number) if self.store.verification(*number).await.is_ok_and(|each| each.success) => "success",
                Some(_) => "failure",
                None => "pending",
            },
        };
        Ok(Values(vec![
            ("eventName", event.as_str().to_owned()),
            ("consumerName", consumer.pacticipant.clone()),
            ("consumerVersionNumber", consumer.number.clone()),
            ("consumerVersionBranch", consumer_branch),
            ("consumerVersionTags", consumer_tags),
            ("providerName", provider.clone()),
            ("providerVersionNumber", number),
            ("providerVersionBranch", provider_branch),
            ("providerVersionTags", provider_tags),
            ("pactUrl", below(&["version", &consumer.number])),
            ("verificationResultUrl", result),
            ("githubVerificationStatus", status.to_owned()),
        ]))
    }
}

/// Why there was no answer, without the address, in which there may be secrets.
fn broken(error: reqwest::Error) -> String {
    let error = error.without_url();
    let what = if error.is_connect() { "cannot be reached" } else { "broke the connection" };
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("{what}: {cause}")
}
