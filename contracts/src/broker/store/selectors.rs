//! Which pacts a provider is to verify.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::question::Which;
use super::{PlacementKind, Store, StoredPact};
use crate::broker::BrokerError;
use crate::gate::Version;

/// A consumer version selector (<https://docs.pact.io/pact_broker/advanced_topics/consumer_version_selectors>): what is
/// somewhere, or the head of a branch, or what has a tag. A fallback is for consumers that do not have what comes before it;
/// consumers that nothing fits are left out. A field that nobody knows is refused: what it was meant to say would be lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Selector {
    /// The latest of the consumer's main branch.
    pub main_branch: Option<bool>,
    /// The latest of this branch.
    pub branch: Option<String>,
    /// The latest of the branch that is called like the provider's.
    pub matching_branch: Option<bool>,
    /// The branch for consumers that do not have `branch`.
    pub fallback_branch: Option<String>,
    /// The latest with this tag; all with it when `latest` is not set.
    pub tag: Option<String>,
    /// The tag for consumers that do not have `tag`.
    pub fallback_tag: Option<String>,
    /// The latest, of all or of what else is set.
    pub latest: Option<bool>,
    /// What is deployed, to `environment` or anywhere.
    pub deployed: Option<bool>,
    /// What is released, in `environment` or anywhere.
    pub released: Option<bool>,
    /// What is deployed or released, in `environment` or anywhere.
    pub deployed_or_released: Option<bool>,
    /// Only what is in this environment.
    pub environment: Option<String>,
    /// Only of this consumer.
    pub consumer: Option<String>,
}

/// What a provider asks before it verifies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForVerification {
    /// The provider's branch: decides what is pending.
    pub provider_version_branch: Option<String>,
    /// Tags of the provider's version, which older verifiers send instead.
    pub provider_version_tags: Vec<String>,
    /// Which pacts; the latest of every consumer when there is none.
    pub consumer_version_selectors: Vec<Selector>,
    /// Whether pacts that the provider has never honoured may fail without failing it.
    pub include_pending_status: bool,
    /// Also pacts of other branches that were published since then and have not been honoured yet, as pending ones.
    pub include_wip_pacts_since: Option<String>,
}

/// A pact that is to be verified.
#[derive(Clone, Debug, PartialEq)]
pub struct PactToVerify {
    /// The pact.
    pub pact: StoredPact,
    /// Why it is here, a sentence for each selector.
    pub because: Vec<String>,
    /// Whether it may fail.
    pub pending: bool,
    /// Whether nobody selected it and it is here as work in progress.
    pub wip: bool,
}

impl Store {
    /// The pacts that `provider` is to verify: each content once.
    ///
    /// # Errors
    /// When a selector cannot be meant as it is, an environment is unknown, or the database fails.
    pub async fn for_verification(
        &self,
        provider: &str,
        asked: &ForVerification,
    ) -> Result<Vec<PactToVerify>, BrokerError> {
        let mut consumers: BTreeSet<String> = BTreeSet::new();
        for row in sqlx::query("SELECT DISTINCT consumer FROM pacts WHERE provider = $1")
            .bind(provider)
            .fetch_all(self.pool())
            .await?
        {
            consumers.insert(row.try_get(0)?);
        }
        let latest = [Selector { latest: Some(true), ..Selector::default() }];
        let selectors =
            if asked.consumer_version_selectors.is_empty() { &latest[..] } else { &asked.consumer_version_selectors };
        // By consumer and content: the same expectations are verified once, for whatever reasons.
        let mut chosen: BTreeMap<(String, String), PactToVerify> = BTreeMap::new();
        for selector in selectors {
            for consumer in
                consumers.iter().filter(|consumer| selector.consumer.as_ref().is_none_or(|only| only == *consumer))
            {
                for (number, because) in
                    self.select(consumer, selector, asked.provider_version_branch.as_deref()).await?
                {
                    let Some(pact) = self.pact_if_any(consumer, &number, provider).await? else { continue };
                    let key = (consumer.clone(), pact.content.clone());
                    let entry = chosen.entry(key).or_insert_with(|| PactToVerify {
                        pact,
                        because: Vec::new(),
                        pending: false,
                        wip: false,
                    });
                    entry.because.push(because);
                }
            }
        }
        if let Some(since) = &asked.include_wip_pacts_since {
            self.work_in_progress(provider, asked, &consumers, since, &mut chosen).await?;
        }
        if asked.include_pending_status {
            for each in chosen.values_mut() {
                each.pending = each.wip || !self.is_honoured(provider, asked, &each.pact.content).await?;
            }
        }
        Ok(chosen.into_values().collect())
    }

    /// A version need not have a pact with everybody; that the database fails is another matter.
    async fn pact_if_any(
        &self,
        consumer: &str,
        number: &str,
        provider: &str,
    ) -> Result<Option<StoredPact>, BrokerError> {
        match self.pact(&Version::new(consumer, number), provider).await {
            Ok(pact) => Ok(Some(pact)),
            Err(BrokerError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Versions of `consumer` that fit, each with a sentence that says why.
    async fn select(
        &self,
        consumer: &str,
        selector: &Selector,
        provider_branch: Option<&str>,
    ) -> Result<Vec<(String, String)>, BrokerError> {
        let is = |flag: Option<bool>| flag == Some(true);
        let placed: Option<&[PlacementKind]> = if is(selector.deployed) {
            Some(&[PlacementKind::Deployed])
        } else if is(selector.released) {
            Some(&[PlacementKind::Released])
        } else if is(selector.deployed_or_released) || selector.environment.is_some() {
            Some(&[PlacementKind::Deployed, PlacementKind::Released])
        } else {
            None
        };
        let named = selector.branch.is_some()
            || selector.tag.is_some()
            || is(selector.main_branch)
            || is(selector.matching_branch);
        if placed.is_some() && named {
            let message = "a selector names a place and a branch or tag: expected a selector for each";
            return Err(BrokerError::Invalid(message.into()));
        }
        if let Some(kinds) = placed {
            if let Some(name) = &selector.environment {
                self.environment(name).await?;
            }
            let there = self.placements(selector.environment.as_deref()).await?.into_iter();
            let fits = there.filter(|each| each.version.pacticipant == consumer && kinds.contains(&each.kind));
            return Ok(fits.map(|each| (each.version.number, format!("it is in `{}`", each.environment))).collect());
        }
        let mut wanted: Vec<Which> = Vec::new();
        if is(selector.main_branch) {
            wanted.push(Which::MainBranch);
        }
        if is(selector.matching_branch) {
            let branch = provider_branch.ok_or_else(|| {
                BrokerError::Invalid(
                    "a selector says `matchingBranch`: expected `providerVersionBranch` with it".into(),
                )
            })?;
            wanted.push(Which::Branch(branch.to_owned()));
        }
        wanted.extend(selector.branch.clone().map(Which::Branch));
        wanted.extend(selector.fallback_branch.clone().map(Which::Branch));
        let all = !is(selector.latest);
        wanted.extend(selector.tag.clone().map(|tag| if all { Which::Tagged(tag) } else { Which::Tag(tag) }));
        wanted.extend(selector.fallback_tag.clone().map(Which::Tag));
        if wanted.is_empty() {
            wanted.push(Which::Latest);
        }
        // The first that there is: what comes after it is for those who do not have it.
        for which in wanted {
            let because = match &which {
                Which::MainBranch => "it is the latest of the main branch".to_owned(),
                Which::Branch(branch) => format!("it is the latest of branch `{branch}`"),
                Which::Tag(tag) => format!("it is the latest tagged `{tag}`"),
                Which::Tagged(tag) => format!("it is tagged `{tag}`"),
                _ => "it is the latest".to_owned(),
            };
            let found = self.resolve(consumer, &which).await?;
            if !found.is_empty() {
                return Ok(found.into_iter().map(|number| (number, because.clone())).collect());
            }
        }
        Ok(Vec::new())
    }

    async fn work_in_progress(
        &self,
        provider: &str,
        asked: &ForVerification,
        consumers: &BTreeSet<String>,
        since: &str,
        chosen: &mut BTreeMap<(String, String), PactToVerify>,
    ) -> Result<(), BrokerError> {
        let since = since_when(since)?;
        for consumer in consumers {
            for (branch, number) in self.branches(consumer).await? {
                let Some(pact) = self.pact_if_any(consumer, &number, provider).await? else { continue };
                let key = (consumer.clone(), pact.content.clone());
                if chosen.contains_key(&key)
                    || pact.created_at < since
                    || self.is_honoured(provider, asked, &pact.content).await?
                {
                    continue;
                }
                let because = vec![format!("it is work in progress on branch `{branch}`")];
                chosen.insert(key, PactToVerify { pact, because, pending: true, wip: true });
            }
        }
        Ok(())
    }

    /// Whether the provider's branch, or its main branch, has honoured this content before.
    async fn is_honoured(&self, provider: &str, asked: &ForVerification, content: &str) -> Result<bool, BrokerError> {
        let mut heard: BTreeSet<String> = asked.provider_version_branch.iter().cloned().collect();
        heard.extend(self.main_branch(provider).await?);
        let rows = sqlx::query(
            "SELECT branch_versions.branch FROM verifications \
             JOIN branch_versions ON branch_versions.pacticipant = verifications.provider \
             AND branch_versions.number = verifications.provider_number \
             WHERE verifications.content = $1 AND verifications.provider = $2 AND verifications.success = 1 \
             UNION ALL SELECT tags.tag FROM verifications JOIN tags ON tags.pacticipant = verifications.provider \
             AND tags.number = verifications.provider_number \
             WHERE verifications.content = $1 AND verifications.provider = $2 AND verifications.success = 1",
        )
        .bind(content)
        .bind(provider)
        .fetch_all(self.pool())
        .await?;
        heard.extend(asked.provider_version_tags.iter().cloned());
        for row in rows {
            if heard.contains(&row.try_get::<String, _>(0)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A date or time as somebody sent it, in the form that is stored.
fn since_when(text: &str) -> Result<String, BrokerError> {
    use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc)).ok();
    let time = time.or_else(|| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN).and_utc())
    });
    let time =
        time.ok_or_else(|| BrokerError::Invalid(format!("`{text}` is no time: expected `2026-01-31` or RFC 3339")))?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
