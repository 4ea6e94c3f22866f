//! What became of the promises between services: the part of the model about contracts.

use chaos::verdict::Verdict;
use contracts::live::Live;
use contracts::result::Flaky;
use serde::{Deserialize, Serialize};

use super::model::WaterfallRow;

/// Result of recording and verifying contracts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contracts {
    /// Verdict of the phase.
    pub verdict: Verdict,
    /// Interactions that the pacts hold.
    pub expected: usize,
    /// Interactions that were replayed and held.
    pub verified: usize,
    /// Whether a filter left interactions out: what is said then is not said of the whole pacts.
    #[serde(default)]
    pub partial: bool,
    /// Seconds that verification took.
    pub wall_s: f64,
    /// Whether the pacts were recorded anew in this run, and what differed from the committed ones.
    pub recorded: bool,
    /// Differences between recorded and committed pacts, a sentence each.
    pub drift: Vec<String>,
    /// Every interaction.
    pub interactions: Vec<Interaction>,
    /// What else went wrong while they were replayed, such as a provider that died.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why the phase could not be judged, if so.
    pub error: Option<String>,
}

impl Contracts {
    /// Lets contracts that were verified fail when they are broken on the wire.
    pub fn hold_against(&mut self, drift: &Drift) {
        if self.verdict == Verdict::Pass
            && let Some(first) = drift.seen.broken.first()
        {
            self.verdict = Verdict::Fail;
            self.error = Some(first.to_string());
        }
    }
}

/// Contracts held against what was seen of the running system during journeys and load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Drift {
    /// `fail` when a contract is broken on the wire, `invalid` when the broker could not be listened to, `skipped` when
    /// nothing was seen that a contract is about.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: Live,
}

impl Drift {
    /// Nothing was listened to.
    #[must_use]
    pub fn skipped() -> Self {
        Self { verdict: Verdict::Skipped, seen: Live::default() }
    }

    /// The result in few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let Live { messages, responses, calls, broken, without_contract, never_seen, unknown_fields, .. } = &self.seen;
        if messages.seen + responses.seen + calls.seen == 0 {
            return String::new();
        }
        let fields: usize = unknown_fields.iter().map(|one| one.fields.len() + one.more).sum();
        format!(
            "{}; {} broken, {} without a contract, {} events never seen, {fields} fields in no contract",
            self.compared(),
            broken.len(),
            without_contract.len(),
            never_seen.len()
        )
    }

    fn compared(&self) -> String {
        let Live { messages, responses, .. } = &self.seen;
        format!(
            "{} of {} messages and {} of {} answers compared",
            messages.checked, messages.seen, responses.checked, responses.seen
        )
    }

    /// The result in a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Live { broken, notes, .. } = &self.seen;
        match (broken.as_slice(), self.verdict) {
            ([first], _) => first.to_string(),
            ([first, rest @ ..], _) => format!("{first}, and {} more", rest.len()),
            ([], Verdict::Invalid) => notes.first().cloned().unwrap_or_else(|| "the comparison failed".to_owned()),
            ([], _) => self.compared() + " with contracts",
        }
    }
}

/// One interaction of one contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interaction {
    /// Who recorded it.
    pub consumer: String,
    /// Who must honour it.
    pub provider: String,
    /// Description in the pact.
    pub description: String,
    /// `http` or `message`.
    pub kind: String,
    /// Provider states that it needs.
    #[serde(default)]
    pub states: Vec<String>,
    /// Whether the consumer says that the provider need not honour it yet.
    #[serde(default)]
    pub pending: bool,
    /// Verdict of the replay.
    pub verdict: Verdict,
    /// Milliseconds that the replay took.
    pub duration_ms: f64,
    /// What differed, with the path of the difference.
    pub mismatches: Vec<String>,
    /// Set when it held in some replays and not in others.
    #[serde(default)]
    pub flaky: Option<Flaky>,
    /// Trace of the replay, for the provider's spans.
    pub trace_id: Option<String>,
    /// Correlation id of the replay.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// What the provider said of the replay; only of one that did not hold.
    #[serde(default)]
    pub evidence: Option<Evidence>,
}

impl Interaction {
    /// Whether it makes the contracts fail: it did not hold, and its consumer does not call it pending.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.pending && !matches!(self.verdict, Verdict::Pass | Verdict::Skipped)
    }

    /// Why it did not hold, a sentence each.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        self.flaky.iter().map(ToString::to_string).chain(self.mismatches.iter().cloned()).collect()
    }
}

/// What a provider said about one replay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The last log lines of the replay, oldest first: level, service, message, fields.
    pub logs: Vec<String>,
    /// Earlier lines left out of `logs`.
    pub logs_omitted: usize,
    /// Its spans in order of display.
    pub waterfall: Vec<WaterfallRow>,
    /// Rows left out of `waterfall`.
    pub waterfall_omitted: usize,
}
