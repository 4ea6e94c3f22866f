//! What the replay of a provider's pacts says about each of them, as far as it says anything.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::store::Verification;
use crate::result::{InteractionResult, Verdict, VerificationResult};
use crate::store::{Interaction, Pact};
use crate::verify::Part;

/// A pact of which every interaction was replayed and judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Who expects.
    pub consumer: String,
    /// Content hash of the pact.
    pub content: String,
    /// Whether every interaction held that the pact does not mark as pending.
    pub success: bool,
    /// One entry for each interaction, in the broker's form.
    pub tests: Vec<Value>,
}

impl Finding {
    /// The result that is published for version `version` of the provider.
    #[must_use]
    pub fn verification(&self, version: &str, build_url: Option<&str>) -> Verification {
        let by = concat!("Shakedown ", env!("CARGO_PKG_VERSION"));
        Verification {
            provider_version: version.to_owned(),
            success: self.success,
            results: json!({
                "success": self.success,
                "providerApplicationVersion": version,
                "buildUrl": build_url,
                "testResults": self.tests,
                "verifiedBy": { "implementation": by },
            }),
            build_url: build_url.map(str::to_owned),
            verified_by: Some(by.to_owned()),
        }
    }
}

/// Why there is nothing to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Withheld {
    /// No pact expects anything of the provider.
    NothingExpected {
        /// The provider.
        provider: String,
    },
    /// The verification was interrupted, or could not be judged.
    NotJudged {
        /// The provider.
        provider: String,
        /// What of it, and how it ended, in words.
        what: String,
    },
    /// The provider could not be talked to, or died on the way.
    Unreachable {
        /// The provider.
        provider: String,
        /// What was wrong, in words.
        reason: String,
    },
    /// A filter, or an early end, left a part out.
    Partial {
        /// Who expects.
        consumer: String,
        /// The provider.
        provider: String,
        /// Interactions that were replayed.
        replayed: usize,
        /// Interactions of the pact.
        of: usize,
    },
    /// The pact requires nothing yet.
    OnlyPending {
        /// Who expects.
        consumer: String,
        /// The provider.
        provider: String,
    },
}

impl Withheld {
    /// Whether whoever asked for publication was denied something that could have been had: a pact that requires nothing yet
    /// has no result.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::OnlyPending { .. })
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingExpected { provider } => {
                write!(f, "nothing is published for `{provider}`: no pact expects anything of it")
            }
            Self::NotJudged { provider, what } => write!(f, "nothing is published for `{provider}`: {what}"),
            Self::Unreachable { provider, reason } => {
                write!(f, "nothing is published for `{provider}`, which could not be judged: {reason}")
            }
            Self::Partial { consumer, provider, replayed, of } => write!(
                f,
                "nothing is published for the pact of `{consumer}` with `{provider}`: {replayed} of its {of} interactions \
                 were replayed, and a part says nothing about the rest"
            ),
            Self::OnlyPending { consumer, provider } => write!(
                f,
                "nothing is published for the pact of `{consumer}` with `{provider}`: every interaction of it is pending, \
                 so nothing was verified"
            ),
        }
    }
}

/// What may be published of a verification, and what may not with the reason.
///
/// A pact is published as a whole: of a partial or filtered run nothing is, and nothing of a provider that was interrupted,
/// could not be reached or died.
///
/// # Errors
///
/// Why nothing at all may be published.
pub fn findings(pacts: &[Pact], verification: &VerificationResult) -> Result<(Vec<Finding>, Vec<Withheld>), Withheld> {
    let provider = verification.provider.as_str();
    let pacts: Vec<&Pact> = pacts.iter().filter(|pact| pact.provider == provider).collect();
    if pacts.is_empty() {
        return Err(Withheld::NothingExpected { provider: provider.to_owned() });
    }
    judged(verification)?;
    let mut results: BTreeMap<(&str, &str), Vec<&InteractionResult>> = BTreeMap::new();
    for each in &verification.interactions {
        results.entry((each.pact_hash.as_str(), each.interaction_hash.as_str())).or_default().push(each);
    }
    let (mut found, mut withheld) = (BTreeMap::new(), Vec::new());
    for pact in pacts {
        let of = |each: &&Interaction| results.contains_key(&(pact.hash.as_str(), each.hash.as_str()));
        let replayed = pact.interactions.iter().filter(of).count();
        let (consumer, provider) = (pact.consumer.clone(), pact.provider.clone());
        if replayed < pact.interactions.len() {
            withheld.push(Withheld::Partial { consumer, provider, replayed, of: pact.interactions.len() });
            continue;
        }
        if pact.interactions.iter().all(|each| each.pending) {
            withheld.push(Withheld::OnlyPending { consumer, provider });
            continue;
        }
        let tests: Vec<(bool, Value)> = pact
            .interactions
            .iter()
            .map(|each| test(each, results.get(&(pact.hash.as_str(), each.hash.as_str())).map_or(&[], Vec::as_slice)))
            .collect();
        let success = tests.iter().zip(&pact.interactions).all(|((held, _), each)| *held || each.pending);
        let tests = tests.into_iter().map(|(_, test)| test).collect();
        // Two files may say the same; it is verified, and published, once.
        found.insert(pact.hash.clone(), Finding { consumer, content: pact.hash.clone(), success, tests });
    }
    Ok((found.into_values().collect(), withheld))
}

/// Whether the verification got to its end on a provider that was there.
pub(super) fn judged(verification: &VerificationResult) -> Result<(), Withheld> {
    let provider = || verification.provider.clone();
    let unsettled = |verdict| matches!(verdict, Verdict::Invalid | Verdict::Aborted | Verdict::Skipped);
    if unsettled(verification.verdict) {
        let what = format!("its verification ended as `{}`", verification.verdict);
        return Err(Withheld::NotJudged { provider: provider(), what });
    }
    if let Some(odd) = verification.interactions.iter().find(|each| unsettled(each.verdict)) {
        let what = format!("`{}` ended as `{}`", odd.description, odd.verdict);
        return Err(Withheld::NotJudged { provider: provider(), what });
    }
    let broken = verification.interactions.iter().flat_map(|each| &each.mismatches);
    if let Some(broken) = broken.clone().find(|mismatch| matches!(mismatch.part, Part::Transport | Part::Pact)) {
        return Err(Withheld::Unreachable { provider: provider(), reason: broken.sentence.clone() });
    }
    // A provider that was never there fails in its state hooks first.
    let stuck = verification.interactions.iter().all(|each| {
        each.verdict == Verdict::Fail && each.mismatches.iter().all(|mismatch| mismatch.part == Part::State)
    });
    match broken.clone().next() {
        Some(first) if stuck => Err(Withheld::Unreachable { provider: provider(), reason: first.sentence.clone() }),
        _ => Ok(()),
    }
}

/// One interaction in the broker's form, and whether it held each time that it was replayed.
fn test(interaction: &Interaction, results: &[&InteractionResult]) -> (bool, Value) {
    let held = !results.is_empty() && results.iter().all(|each| each.verdict == Verdict::Pass);
    let mismatches: Vec<Value> = results
        .iter()
        .find(|each| each.verdict != Verdict::Pass)
        .into_iter()
        .flat_map(|each| &each.mismatches)
        .map(|each| json!({ "attribute": each.part, "identifier": each.path, "description": each.sentence }))
        .collect();
    let test = json!({
        "interactionId": interaction.hash,
        "interactionDescription": interaction.description,
        "success": held,
        "pending": interaction.pending,
        "mismatches": mismatches,
    });
    (held, test)
}
