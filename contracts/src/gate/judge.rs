//! The answer, from the facts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::facts::{Facts, Place, Promise, Version};
use super::reason::Reason;

/// A version that the question names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whose.
    pub pacticipant: String,
    /// Which one was wanted, in words that complete "no version is known that is ...".
    pub wanted: String,
    /// What that led to; several where several are deployed, none when there is no such version.
    pub versions: Vec<String>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Everything that is required is known to hold.
    Yes,
    /// Something does not hold.
    No,
    /// Something is not known: as good as no.
    Unknown,
}

impl Decision {
    /// Whether it may go.
    #[must_use]
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "no, not all is known",
        })
    }
}

/// One pact that is required, with who must honour it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Row {
    /// Who expects.
    pub consumer: Version,
    /// Who must honour it.
    pub provider: String,
    /// Its version that counts; none when there is none.
    pub provider_version: Option<String>,
    /// Hash of the pact's content.
    pub content: String,
    /// Whether it is honoured; none when nobody verified.
    pub success: Option<bool>,
    /// Number of the verification that says so.
    pub verification: Option<i64>,
}

/// The answer, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The answer.
    pub decision: Decision,
    /// Why, what stands in the way first.
    pub reasons: Vec<Reason>,
    /// Every pact that was required.
    pub rows: Vec<Row>,
}

impl fmt::Display for Judgement {
    /// The answer with a sentence for each reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.decision)?;
        for reason in &self.reasons {
            write!(f, "\n  {reason}")?;
        }
        Ok(())
    }
}

/// Whether all that is `asked` about may go where `place` says, as far as `facts` tell; pacts with `ignored` are not
/// required.
#[must_use]
pub fn judge(asked: &[Asked], place: &Place, ignored: &[String], facts: &Facts) -> Judgement {
    let mut case = Case { place, facts, named: BTreeMap::new(), rows: BTreeSet::new(), reasons: BTreeSet::new() };
    for Asked { pacticipant, wanted, versions } in asked {
        let known = case.named.entry(pacticipant).or_default();
        known.extend(versions.iter().map(String::as_str));
        if versions.is_empty() {
            case.reasons.insert(Reason::UnknownVersion { pacticipant: pacticipant.clone(), wanted: wanted.clone() });
        }
    }
    let is_ignored =
        |promise: &&Promise| ignored.contains(&promise.consumer.pacticipant) || ignored.contains(&promise.provider);
    let subjects: Vec<Version> = case
        .named
        .iter()
        .flat_map(|(name, numbers)| numbers.iter().map(|number| Version::new(*name, *number)))
        .collect();
    for subject in &subjects {
        for promise in facts.expected_by(subject).filter(|promise| !is_ignored(promise)) {
            case.needs_provider(promise);
        }
        for promise in facts.expected_of(&subject.pacticipant).filter(|promise| !is_ignored(promise)) {
            if case.counts(&promise.consumer) {
                case.requires(promise, subject);
            }
        }
    }
    for (consumer, provider) in &facts.withdrawn {
        let asked_of = case.named.contains_key(provider) && case.counts(consumer);
        let asks =
            case.named.get(&consumer.pacticipant).is_some_and(|numbers| numbers.contains(consumer.number.as_str()));
        if (asks || asked_of) && !ignored.contains(&consumer.pacticipant) && !ignored.contains(provider) {
            case.reasons.insert(Reason::Withdrawn { consumer: consumer.clone(), provider: provider.clone() });
        }
    }
    for pacticipant in ignored {
        case.reasons.insert(Reason::Ignored { pacticipant: pacticipant.clone() });
    }
    case.close(asked)
}

struct Case<'a> {
    place: &'a Place,
    facts: &'a Facts,
    /// Who is asked about, with the versions.
    named: BTreeMap<&'a String, BTreeSet<&'a str>>,
    rows: BTreeSet<Row>,
    reasons: BTreeSet<Reason>,
}

impl Case<'_> {
    /// Whether a consumer is one that must not be broken: named itself, or there already.
    fn counts(&self, consumer: &Version) -> bool {
        match self.named.get(&consumer.pacticipant) {
            Some(numbers) => numbers.contains(consumer.number.as_str()),
            None => self.facts.is_present(consumer),
        }
    }

    fn needs_provider(&mut self, promise: &Promise) {
        let providers: Vec<String> = match self.named.get(&promise.provider) {
            Some(numbers) => numbers.iter().map(|&number| number.to_owned()).collect(),
            None if *self.place == Place::Nowhere => return,
            None => self.facts.present.get(&promise.provider).cloned().unwrap_or_default(),
        };
        if providers.is_empty() {
            self.rows.insert(Row {
                consumer: promise.consumer.clone(),
                provider: promise.provider.clone(),
                provider_version: None,
                content: promise.content.clone(),
                success: None,
                verification: None,
            });
            self.reasons.insert(Reason::ProviderMissing {
                consumer: promise.consumer.clone(),
                provider: promise.provider.clone(),
                place: self.place.to_string(),
            });
        }
        for number in providers {
            self.requires(promise, &Version::new(&promise.provider, number));
        }
    }

    fn requires(&mut self, promise: &Promise, provider: &Version) {
        let outcome = self.facts.outcome(provider, &promise.content);
        self.rows.insert(Row {
            consumer: promise.consumer.clone(),
            provider: provider.pacticipant.clone(),
            provider_version: Some(provider.number.clone()),
            content: promise.content.clone(),
            success: outcome.map(|outcome| outcome.success),
            verification: outcome.map(|outcome| outcome.number),
        });
        let (consumer, provider) = (promise.consumer.clone(), provider.clone());
        match outcome {
            None => drop(self.reasons.insert(Reason::NotVerified { consumer, provider })),
            Some(outcome) if !outcome.success => {
                let broken = outcome.broken.clone();
                self.reasons.insert(Reason::Failed { consumer, provider, broken });
            }
            Some(_) => {}
        }
    }

    fn close(mut self, asked: &[Asked]) -> Judgement {
        let decision = if self.reasons.iter().any(Reason::is_refusal) {
            Decision::No
        } else if self.reasons.iter().any(Reason::is_ignorance) || asked.is_empty() {
            Decision::Unknown
        } else {
            if self.rows.is_empty() {
                let names = asked.iter().map(|asked| asked.pacticipant.clone());
                self.reasons.extend(names.map(|pacticipant| Reason::NothingRequired { pacticipant }));
            } else {
                self.reasons.insert(Reason::Honoured { pacts: self.rows.len() });
            }
            Decision::Yes
        };
        let mut reasons: Vec<Reason> = self.reasons.into_iter().collect();
        reasons.sort_by_key(|reason| (!reason.is_refusal(), !reason.is_ignorance()));
        Judgement { decision, reasons, rows: self.rows.into_iter().collect() }
    }
}
