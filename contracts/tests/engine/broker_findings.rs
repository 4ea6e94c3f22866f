//! What of a verification is published, and what is withheld.

use std::collections::BTreeSet;

use contracts::broker::{Publication, Store, Withheld, findings, forgive, forgive_all};
use contracts::gate::Version;
use contracts::result::{ContractsResult, Verdict, VerificationResult};
use contracts::store::Pact;
use contracts::verify::{Filter, Options, verify};
use serde_json::{Value, json};

use crate::shop::{Shop, document, order, pact, quick, reply};

fn right() -> axum::response::Response {
    reply(200, &[("x-page", "7")], &json!({ "total": 1, "currency": "CHF", "lines": [{ "title": "card" }] }))
}

fn wrong() -> axum::response::Response {
    reply(404, &[], &json!({}))
}

fn named(description: &str) -> Value {
    let mut interaction = order();
    interaction["description"] = json!(description);
    interaction
}

fn two() -> Pact {
    pact(json!([named("one"), named("two")]))
}

fn withheld(pacts: &[Pact], verification: &VerificationResult) -> Vec<String> {
    match findings(pacts, verification) {
        Ok((found, withheld)) => {
            assert_eq!(found, [], "published");
            withheld.iter().map(ToString::to_string).collect()
        }
        Err(reason) => vec![reason.to_string()],
    }
}

#[tokio::test]
async fn whole_verification_is_published_with_each_interaction() {
    for (answer, success) in [(right as fn() -> _, true), (wrong, false)] {
        let shop = Shop::start(answer).await;
        let (found, not) = findings(&[two()], &shop.verify(&[two()]).await).unwrap();
        assert_eq!((found.len(), found[0].success, not), (1, success, vec![]));
        assert_eq!((found[0].content.clone(), found[0].tests.len()), (two().hash, 2));
        let test = &found[0].tests[0];
        assert_eq!((&test["success"], &test["interactionDescription"]), (&json!(success), &json!("one")));
        assert_eq!(test["mismatches"].as_array().unwrap().is_empty(), success, "{test}");
    }
}

#[tokio::test]
async fn broker_takes_what_is_found_and_knows_the_pact_by_the_same_hash() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await.unwrap();
    // As another tool writes it: other order, other spacing, and what a broker has added.
    let mut other = document(json!([named("two"), named("one")]));
    other["interactions"][0]["_id"] = json!("from-a-broker");
    let pacts = vec![format!("{other:#}").into_bytes()];
    let publication = Publication { consumer: "mail".into(), version: "1".into(), pacts, ..Publication::default() };
    assert_eq!(store.publish(&publication).await.unwrap()[0].content, two().hash);

    let shop = Shop::start(right).await;
    let (found, _) = findings(&[two()], &shop.verify(&[two()]).await).unwrap();
    let result = (found[0].consumer.clone(), found[0].content.clone(), found[0].verification("9", None));
    let kept = store.record_verifications(&Version::new("shop", "9"), Some("main"), &[result]).await.unwrap();
    assert_eq!((kept[0].success, kept[0].consumer.number.as_str()), (true, "1"));
    assert_eq!(store.branches("shop").await.unwrap(), [("main".to_owned(), "9".to_owned())]);
}

#[tokio::test]
async fn filtered_run_publishes_nothing_of_what_it_left_out() {
    let shop = Shop::start(right).await;
    let filter = Filter { description: Some("one".into()), ..Filter::default() };
    let options = Options { filter, ..quick() };
    let verification = verify(&shop.provider, &[two()], &options, |_| {}).await;
    assert_eq!(verification.verdict, Verdict::Pass);
    let sentence = "nothing is published for the pact of `mail` with `shop`: 1 of its 2 interactions were replayed, and a \
                    part says nothing about the rest";
    assert_eq!(withheld(&[two()], &verification), [sentence]);
}

#[tokio::test]
async fn filter_that_matches_nothing_publishes_nothing() {
    let shop = Shop::start(right).await;
    let filter = Filter { description: Some("three".into()), ..Filter::default() };
    let verification = verify(&shop.provider, &[two()], &Options { filter, ..quick() }, |_| {}).await;
    assert!(withheld(&[two()], &verification)[0].contains("0 of its 2 interactions"));
}

#[tokio::test]
async fn provider_of_whom_nothing_is_expected_publishes_nothing() {
    let shop = Shop::start(right).await;
    let verification = shop.verify(&[]).await;
    let reason = findings(&[], &verification).unwrap_err();
    assert_eq!(reason, Withheld::NothingExpected { provider: "shop".into() });
}

#[tokio::test]
async fn provider_that_cannot_be_reached_or_dies_publishes_nothing() {
    let shop = Shop::start(right).await;
    let mut gone = shop.provider.clone();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for hooks in [false, true] {
        gone.base_url = address.parse().unwrap();
        gone.states_url = hooks.then(|| address.parse().unwrap());
        let verification = verify(&gone, &[two()], &quick(), |_| {}).await;
        let reasons = withheld(&[two()], &verification);
        assert!(reasons[0].contains("could not be judged: provider `shop` cannot be reached"), "{reasons:?}");
    }
    // One of them alone: who died on the way.
    let mut hanging = named("two");
    hanging["request"]["path"] = json!("/hang");
    let pacts = [pact(json!([named("one"), hanging]))];
    let reasons = withheld(&pacts, &shop.verify(&pacts).await);
    assert!(reasons[0].contains("did not answer"), "{reasons:?}");
}

#[tokio::test]
async fn what_was_interrupted_or_not_judged_publishes_nothing() {
    let shop = Shop::start(right).await;
    let whole = shop.verify(&[two()]).await;
    for verdict in [Verdict::Invalid, Verdict::Aborted, Verdict::Skipped] {
        let all = VerificationResult { verdict, ..whole.clone() };
        assert!(withheld(&[two()], &all)[0].contains(&format!("ended as `{verdict}`")));
        let mut one = whole.clone();
        one.interactions[1].verdict = verdict;
        assert!(withheld(&[two()], &one)[0].contains(&format!("`two` ended as `{verdict}`")));
    }
}

#[tokio::test]
async fn pact_of_pending_interactions_alone_publishes_nothing() {
    let shop = Shop::start(right).await;
    let mut soon = named("one");
    soon["pending"] = json!(true);
    let pacts = [pact(json!([soon]))];
    assert!(withheld(&pacts, &shop.verify(&pacts).await)[0].contains("every interaction of it is pending"));
}

#[tokio::test]
async fn interaction_that_held_only_once_of_twice_does_not_hold() {
    let shop = Shop::start(right).await;
    let mut twice = shop.verify(&[two()]).await;
    let mut again = twice.interactions[0].clone();
    again.verdict = Verdict::Fail;
    twice.interactions.push(again);
    let (found, _) = findings(&[two()], &twice).unwrap();
    assert!(!found[0].success);
}

#[tokio::test]
async fn pending_pact_fails_nobody_and_is_told_and_published_as_failed() {
    let shop = Shop::start(right).await;
    let mut strange = order();
    strange["response"]["status"] = json!(201);
    let (new, old) = (pact(json!([strange])), two());
    let pending = BTreeSet::from([new.hash.clone()]);
    for (pacts, expected) in [(vec![old.clone(), new.clone()], 2), (vec![new.clone()], 0)] {
        let mut verifications = [shop.verify(&pacts).await];
        assert_eq!(verifications[0].verdict, Verdict::Fail);
        let (found, _) = findings(&pacts, &verifications[0]).unwrap();
        assert!(found.iter().any(|each| each.content == new.hash && !each.success));
        let told = forgive(&mut verifications, &pending);
        assert_eq!(
            told,
            ["the pact of `mail` with `shop` is pending and does not hold yet (the order), which fails nobody"]
        );
        let mut all = ContractsResult::new(&pacts, &verifications);
        forgive_all(&mut all, &verifications);
        assert_eq!((all.verdict, all.expected, all.verified, all.failed.len()), (Verdict::Pass, expected, expected, 0));
    }
    // One that holds counts like any other, and a failure of another is none of its business.
    let mut held = [shop.verify(std::slice::from_ref(&old)).await];
    assert_eq!(forgive(&mut held, &BTreeSet::from([old.hash.clone()])), Vec::<String>::new());
    assert_eq!((held[0].expected, held[0].verdict), (2, Verdict::Pass));
    let mut both = [shop.verify(&[old.clone(), new]).await];
    forgive(&mut both, &BTreeSet::from([old.hash]));
    assert_eq!(both[0].verdict, Verdict::Fail);
    // Who does not answer says nothing about what was asked, whatever was pending.
    let mut hanging = named("two");
    hanging["request"]["path"] = json!("/hang");
    let silent = pact(json!([named("one"), hanging]));
    let mut unanswered = [shop.verify(std::slice::from_ref(&silent)).await];
    assert_eq!(forgive(&mut unanswered, &BTreeSet::from([silent.hash])), Vec::<String>::new());
    assert_eq!(unanswered[0].verdict, Verdict::Fail);
    // Nothing replayed is nothing verified, whatever was pending.
    let mut nothing = [shop.verify(&[]).await];
    forgive(&mut nothing, &pending);
    let mut all = ContractsResult::new(&[], &nothing);
    forgive_all(&mut all, &nothing);
    assert_eq!(all.verdict, Verdict::Fail);
}
