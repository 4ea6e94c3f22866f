//! Changes of providers and producers, planted one at a time: thirty of them, in one table.
//!
//! Each is made in front of a real service (its answers and messages are rewritten on their way out), and in the document
//! that it publishes. Twenty break a consumer: the replay of the pacts names where, the comparison of the documents says
//! so with the rule that found it, and the gate says no with a sentence that names consumer, provider and what failed. Ten
//! are compatible, and pass all three.

mod breaking;
mod change;
mod compatible;
mod document;
mod exchange;
mod gate;
mod services;

use change::{Change, Found};
use contracts::gate::Decision;
use contracts::result::Verdict;
use services::Services;

#[tokio::test]
async fn breaking_changes_are_found_by_replay_documents_and_gate() {
    let table = breaking::table();
    assert_eq!(table.len(), 20);
    report(&table).await;
}

#[tokio::test]
async fn compatible_changes_pass_replay_documents_and_gate() {
    let table = compatible::table();
    assert_eq!(table.len(), 10);
    report(&table).await;
}

/// Plants each change and tells of all that were judged wrongly.
async fn report(table: &[Change]) {
    let mut services = Services::default();
    let mut wrong = Vec::new();
    for change in table {
        let mut problems = judge(&mut services, change).await;
        wrong.extend(problems.drain(..).map(|problem| format!("{}: {problem}", change.name)));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

async fn judge(services: &mut Services, change: &Change) -> Vec<String> {
    let pacts = change.pacts();
    let replayed = services.replay(change, &pacts).await;
    let mut problems = document::judge(change, &pacts);
    let (decision, sentence) = gate::decide(change, &pacts, &replayed).await;
    let failed: Vec<String> =
        replayed.interactions.iter().filter(|each| each.verdict != Verdict::Pass).map(ToString::to_string).collect();
    match &change.found {
        None => {
            if replayed.verdict != Verdict::Pass {
                problems.push(format!("the replay fails: {failed:?}"));
            }
            if decision != Decision::Yes {
                problems.push(format!("the gate says {decision}: {sentence}"));
            }
        }
        Some(Found { interaction, place, .. }) => {
            if !failed.iter().any(|each| each.contains(&format!("`{interaction}`")) && each.contains(place)) {
                problems.push(format!("the replay does not name `{interaction}` and `{place}`: {failed:?}"));
            }
            let start = format!(
                "{} (2) does not honour the pact of {} (1): `{interaction}`: ",
                change.provider, change.consumer
            );
            if decision != Decision::No || !sentence.starts_with(&start) || !sentence.contains(place) {
                problems.push(format!("the gate says {decision}: {sentence}, expected `{start}` and `{place}`"));
            }
        }
    }
    problems
}
