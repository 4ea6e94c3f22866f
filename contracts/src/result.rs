//! Results of verification: for each interaction, for each provider, and for all of them together.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::given;
use crate::matrix::Matrix;
use crate::store::{Kind, Pact};
use crate::verify::{Mismatch, Options, Part, Provider};

/// What became of a check. In JSON: `pass`, `fail`, `invalid`, `aborted`, `skipped`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The promise was kept.
    Pass,
    /// The promise was broken, or nothing was verified.
    Fail,
    /// It could not be judged.
    Invalid,
    /// It was interrupted.
    Aborted,
    /// The user left it out.
    Skipped,
}

impl Verdict {
    /// The name used in results.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Invalid => "invalid",
            Verdict::Aborted => "aborted",
            Verdict::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How often an interaction held and did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaky {
    /// How often it was replayed.
    pub replays: usize,
    /// How often it did not hold.
    pub failed: usize,
    /// Seeds of orders in which it failed, the first few; empty when the order was that of the pacts.
    pub seeds: Vec<u64>,
    /// The interaction after which it fails, where one was found: that one leaves something behind.
    pub after: Option<String>,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replays, failed, seeds, after } = self;
        match after {
            Some(after) => write!(f, "leaking state: fails only after {after}, in {failed} of {replays} replays")?,
            None => write!(f, "flaky: failed in {failed} of {replays} replays")?,
        }
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        match seeds.as_slice() {
            [] => Ok(()),
            [one] => write!(f, ", with seed {one}"),
            several => write!(f, ", with seeds {}", several.join(", ")),
        }
    }
}

/// One replayed interaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InteractionResult {
    /// Who expects it.
    pub consumer: String,
    /// Who must honour it.
    pub provider: String,
    /// Description in the pact.
    pub description: String,
    /// `http` or `message`.
    pub kind: Kind,
    /// Provider states that it needs.
    pub states: Vec<String>,
    /// Whether the provider honoured it.
    pub verdict: Verdict,
    /// Whether the consumer says that the provider need not honour it yet.
    pub pending: bool,
    /// What differed; empty when it passed.
    pub mismatches: Vec<Mismatch>,
    /// Set when it held in some replays and not in others.
    #[serde(default)]
    pub flaky: Option<Flaky>,
    /// Time that the replay took, state hooks included, in milliseconds.
    pub duration_ms: f64,
    /// Trace of the replay, hexadecimal; empty when it was not replayed.
    pub trace_id: String,
    /// Correlation id of the replay; the same in every replay of this interaction.
    pub correlation_id: String,
    /// Content hash of the pact.
    pub pact_hash: String,
    /// Content hash of the interaction.
    pub interaction_hash: String,
}

impl fmt::Display for InteractionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consumer, provider, description, states, verdict, .. } = self;
        write!(f, "{verdict} `{consumer}` -> `{provider}`: `{description}`{}", given(states))?;
        for mismatch in &self.mismatches {
            write!(f, "; {mismatch}")?;
        }
        self.flaky.as_ref().map_or(Ok(()), |flaky| write!(f, "; {flaky}"))
    }
}

/// Verification of one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerificationResult {
    /// Name of the provider.
    pub provider: String,
    /// Its version; empty when unknown.
    pub provider_version: String,
    /// `pass` only if at least one interaction was expected and every expected one was verified.
    pub verdict: Verdict,
    /// Interactions that had to hold: those replayed, pending ones left out.
    pub expected: usize,
    /// Those of them that held.
    pub verified: usize,
    /// Whether a filter left something out, so that a pass says nothing of the whole pacts.
    #[serde(default)]
    pub partial: bool,
    /// Why it does not pass although no interaction failed.
    pub reason: Option<String>,
    /// Every replayed interaction, in the order of the pacts.
    pub interactions: Vec<InteractionResult>,
    /// Time it took, in seconds.
    pub wall_s: f64,
}

impl VerificationResult {
    pub(crate) fn new(
        provider: &Provider,
        options: &Options,
        interactions: Vec<InteractionResult>,
        reason: Option<String>,
        took: Duration,
    ) -> Self {
        let (expected, verified) = count(&interactions);
        let reason = reason.or_else(|| {
            (expected == 0)
                .then(|| format!("every interaction with `{}` is pending: nothing was verified", provider.name))
        });
        Self {
            provider: provider.name.clone(),
            provider_version: provider.version.clone(),
            verdict: judge(expected, verified),
            expected,
            verified,
            partial: options.filter.is_set(),
            reason,
            interactions,
            wall_s: took.as_secs_f64(),
        }
    }
}

/// All contracts of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContractsResult {
    /// `pass` only if at least one interaction was expected and every expected one was verified.
    pub verdict: Verdict,
    /// Interactions that had to hold.
    pub expected: usize,
    /// Those of them that held.
    pub verified: usize,
    /// Whether a filter left something out: such a result must not be published as that of a version.
    #[serde(default)]
    pub partial: bool,
    /// A sentence for each expected interaction that did not hold, and for each provider that verified nothing.
    pub failed: Vec<String>,
    /// Every interaction, by consumer and provider.
    pub interactions: Vec<InteractionResult>,
    /// Time that the slowest provider took, in seconds; providers are verified side by side.
    pub wall_s: f64,
    /// Who works with whom.
    pub matrix: Matrix,
}

impl ContractsResult {
    /// Puts the verifications of all providers together. Interactions of `pacts` that no verification replayed count as
    /// failed: a provider that was left out must not make the result look better. (To verify a part on purpose, pass only
    /// that part.)
    #[must_use]
    pub fn new(pacts: &[Pact], verifications: &[VerificationResult]) -> Self {
        let mut interactions: Vec<InteractionResult> =
            verifications.iter().flat_map(|each| each.interactions.iter().cloned()).collect();
        interactions.extend(left_out(pacts, &interactions));
        interactions.sort_by(|a, b| {
            (&a.consumer, &a.provider, &a.description, &a.states).cmp(&(
                &b.consumer,
                &b.provider,
                &b.description,
                &b.states,
            ))
        });
        let (expected, verified) = count(&interactions);
        let mut failed: Vec<String> = verifications.iter().filter_map(|each| each.reason.clone()).collect();
        let broken = interactions.iter().filter(|each| !each.pending && each.verdict != Verdict::Pass);
        failed.extend(broken.map(ToString::to_string));
        if expected == 0 && failed.is_empty() {
            failed.push("no interaction was expected: nothing was verified".to_owned());
        }
        let verdict = if failed.is_empty() { judge(expected, verified) } else { Verdict::Fail };
        Self {
            verdict,
            expected,
            verified,
            partial: verifications.iter().any(|each| each.partial),
            failed,
            wall_s: verifications.iter().map(|each| each.wall_s).fold(0.0, f64::max),
            matrix: Matrix::from_results(&interactions, verifications),
            interactions,
        }
    }
}

fn left_out(pacts: &[Pact], replayed: &[InteractionResult]) -> Vec<InteractionResult> {
    let seen: BTreeSet<&str> = replayed.iter().map(|each| each.interaction_hash.as_str()).collect();
    let every = pacts.iter().flat_map(|pact| pact.interactions.iter().map(move |interaction| (pact, interaction)));
    every
        .filter(|(_, interaction)| !seen.contains(interaction.hash.as_str()))
        .map(|(pact, interaction)| InteractionResult {
            consumer: pact.consumer.clone(),
            provider: pact.provider.clone(),
            description: interaction.description.clone(),
            kind: interaction.kind,
            states: interaction.states.clone(),
            verdict: Verdict::Fail,
            pending: interaction.pending,
            mismatches: vec![Mismatch {
                part: Part::Transport,
                path: String::new(),
                sentence: format!("not replayed on provider `{}`", pact.provider),
            }],
            flaky: None,
            duration_ms: 0.0,
            trace_id: String::new(),
            correlation_id: String::new(),
            pact_hash: pact.hash.clone(),
            interaction_hash: interaction.hash.clone(),
        })
        .collect()
}

fn count(interactions: &[InteractionResult]) -> (usize, usize) {
    let expected = interactions.iter().filter(|each| !each.pending);
    (expected.clone().count(), expected.filter(|each| each.verdict == Verdict::Pass).count())
}

fn judge(expected: usize, verified: usize) -> Verdict {
    if expected > 0 && verified == expected { Verdict::Pass } else { Verdict::Fail }
}
