//! Pacts that may fail: a provider that has never honoured them is not failed by them.

use std::collections::{BTreeMap, BTreeSet};

use super::findings;
use crate::result::{ContractsResult, InteractionResult, Verdict, VerificationResult};

/// Takes the failures of pending pacts, named by content hash, out of what is expected, and returns a sentence for each
/// such pact. A pending pact that held counts as any other.
///
/// A provider all of whose pacts are pending and failed passes: it was asked for nothing that it ever promised. One of
/// which nothing was replayed does not, nor does one that was not there, died or could not be judged: that says nothing
/// about its pacts.
pub fn forgive(verifications: &mut [VerificationResult], pending: &BTreeSet<String>) -> Vec<String> {
    let mut sentences = Vec::new();
    for verification in verifications {
        if findings::judged(verification).is_err() {
            continue;
        }
        let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for each in &verification.interactions {
            if pending.contains(&each.pact_hash) && !each.pending && each.verdict == Verdict::Fail {
                failed.entry(each.pact_hash.clone()).or_default().push(each.description.clone());
            }
        }
        if failed.is_empty() {
            continue;
        }
        for each in &mut verification.interactions {
            each.pending |= failed.contains_key(&each.pact_hash);
        }
        for (content, descriptions) in &failed {
            let consumer = verification.interactions.iter().find(|each| each.pact_hash == *content);
            let consumer = consumer.map_or("", |each| each.consumer.as_str());
            sentences.push(format!(
                "the pact of `{consumer}` with `{}` is pending and does not hold yet ({}), which fails nobody",
                verification.provider,
                descriptions.join(", ")
            ));
        }
        let expected: Vec<&InteractionResult> = verification.interactions.iter().filter(|each| !each.pending).collect();
        verification.expected = expected.len();
        verification.verified = expected.iter().filter(|each| each.verdict == Verdict::Pass).count();
        let held = verification.verified == verification.expected && verification.reason.is_none();
        if verification.verdict == Verdict::Fail && held {
            verification.verdict = Verdict::Pass;
        }
    }
    sentences
}

/// The same for all of them together: where every failure was forgiven, that nothing else was expected is no failure.
pub fn forgive_all(result: &mut ContractsResult, verifications: &[VerificationResult]) {
    let forgiven = !verifications.is_empty() && verifications.iter().all(|each| each.verdict == Verdict::Pass);
    let left_out = result.interactions.iter().any(|each| !each.pending);
    if result.expected == 0 && forgiven && !left_out {
        result.verdict = Verdict::Pass;
        result.failed.clear();
    }
}
