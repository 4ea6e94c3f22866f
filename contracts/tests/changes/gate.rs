//! What the gate says of the changed provider, when its consumer is in production.

use contracts::broker::PlacementKind;
use contracts::broker::{Publication, Question, Store, Verification};
use contracts::gate::{Decision, Version};
use contracts::result::{Verdict, VerificationResult};
use contracts::store::Pact;
use serde_json::{Value, json};

use super::change::Change;

/// The decision about version 2 of the provider, and why.
pub(crate) async fn decide(change: &Change, pacts: &[Pact], replayed: &VerificationResult) -> (Decision, String) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await.unwrap();
    store.create_environment("production", "Production", true).await.unwrap();
    let publication = Publication {
        consumer: change.consumer.into(),
        version: "1".into(),
        pacts: pacts.iter().map(|pact| std::fs::read(&pact.path).unwrap()).collect(),
        ..Publication::default()
    };
    let published = store.publish(&publication).await.unwrap();
    let consumer = Version::new(change.consumer, "1");
    store.record_placement(PlacementKind::Deployed, &consumer, "production", None).await.unwrap();
    let verification = verification(replayed);
    let content = &published[0].content;
    store.record_verification(change.provider, change.consumer, content, &verification).await.unwrap();
    let question = Question::deploy(change.provider, "2", "production");
    let judgement = store.can_i_deploy(&question).await.unwrap();
    let reasons: Vec<String> = judgement.reasons.iter().map(ToString::to_string).collect();
    (judgement.decision, reasons.join("; "))
}

fn verification(replayed: &VerificationResult) -> Verification {
    let tests = replayed.interactions.iter().map(|each| {
        let mismatches = each.mismatches.iter().map(|mismatch| {
            json!({ "attribute": mismatch.part, "identifier": mismatch.path, "description": mismatch.sentence })
        });
        json!({
            "interactionId": each.interaction_hash,
            "interactionDescription": each.description,
            "success": each.verdict == Verdict::Pass,
            "mismatches": mismatches.collect::<Vec<Value>>(),
        })
    });
    Verification {
        provider_version: "2".into(),
        success: replayed.verdict == Verdict::Pass,
        results: json!({ "testResults": tests.collect::<Vec<Value>>() }),
        build_url: None,
        verified_by: None,
    }
}
