//! What the gate says of the changed provider, when its consumer is in production.

use contracts::broker::{PlacementKind, Publication, Question, Store, findings};
use contracts::gate::{Decision, Version};
use contracts::result::VerificationResult;
use contracts::store::Pact;

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
    store.publish(&publication).await.unwrap();
    let consumer = Version::new(change.consumer, "1");
    store.record_placement(PlacementKind::Deployed, &consumer, "production", None).await.unwrap();
    let (found, withheld) = findings(pacts, replayed).unwrap();
    assert!(withheld.is_empty(), "{}: {withheld:?}", change.name);
    for finding in &found {
        let verification = finding.verification("2", None);
        store.record_verification(change.provider, &finding.consumer, &finding.content, &verification).await.unwrap();
    }
    let question = Question::deploy(change.provider, "2", "production");
    let judgement = store.can_i_deploy(&question).await.unwrap();
    let reasons: Vec<String> = judgement.reasons.iter().map(ToString::to_string).collect();
    (judgement.decision, reasons.join("; "))
}
