//! What the broker keeps, and what it refuses.

use backends::{Database, Pair};
use contracts::broker::{
    BrokerError, ForVerification, PlacementKind, Publication, Question, Selector, Store, Verification, Which,
};
use contracts::gate::{Decision, Place, Version};
use contracts::store::from_document;
use serde_json::{Value, json};

use crate::shop::{document, order, paid};

/// A store of its own, with what it runs on.
struct Broker {
    store: Store,
    _database: Database,
}

async fn broker(pair: Pair) -> Broker {
    let database = pair.database().await;
    Broker { store: Store::open(database.url()).await.unwrap(), _database: database }
}

fn pact(consumer: &str, interactions: Value) -> Vec<u8> {
    let mut pact = document(interactions);
    pact["consumer"]["name"] = json!(consumer);
    pact["provider"]["name"] = json!("shop");
    pact.to_string().into_bytes()
}

fn publication(consumer: &str, version: &str, interactions: Value) -> Publication {
    Publication {
        consumer: consumer.into(),
        version: version.into(),
        branch: Some("main".into()),
        pacts: vec![pact(consumer, interactions)],
        ..Publication::default()
    }
}

/// What a verifier says that has replayed all of these interactions.
fn result(consumer: &str, interactions: Value, version: &str, success: bool) -> Verification {
    let document: Value = serde_json::from_slice(&pact(consumer, interactions)).unwrap();
    let pact = from_document(&document, "a test".as_ref()).unwrap();
    let tests: Vec<Value> =
        pact.interactions.iter().map(|each| json!({ "interactionId": each.hash, "success": success })).collect();
    Verification {
        provider_version: version.into(),
        success,
        results: json!({ "testResults": tests }),
        build_url: None,
        verified_by: None,
    }
}

impl Broker {
    async fn publish(&self, consumer: &str, version: &str, interactions: Value) -> String {
        let published = self.store.publish(&publication(consumer, version, interactions)).await.unwrap();
        published[0].content.clone()
    }

    async fn verify(&self, consumer: &str, content: &str, version: &str, success: bool) {
        let interactions = self.store.content(content).await.unwrap()["interactions"].clone();
        let result = result(consumer, interactions, version, success);
        self.store.record_verification("shop", consumer, content, &result).await.unwrap();
    }

    async fn decision(&self, name: &str, version: &str) -> Decision {
        self.store.can_i_deploy(&Question::deploy(name, version, "production")).await.unwrap().decision
    }
}

async fn verification_holds_for_every_version_that_expects_the_same(pair: Pair) {
    let broker = broker(pair).await;
    broker.store.create_environment("production", "Production", true).await.unwrap();
    let content = broker.publish("web", "1", json!([order(), paid()])).await;
    broker.verify("web", &content, "9", true).await;
    broker
        .store
        .record_placement(PlacementKind::Deployed, &Version::new("shop", "9"), "production", None)
        .await
        .unwrap();
    assert_eq!(broker.decision("web", "1").await, Decision::Yes);
    // Another order of interactions and what a broker adds are nothing new.
    let mut again = paid();
    again["_id"] = json!("from-a-broker");
    assert_eq!(broker.publish("web", "2", json!([again, order()])).await, content);
    assert_eq!(broker.decision("web", "2").await, Decision::Yes);
    let mut other = order();
    other["response"]["status"] = json!(201);
    broker.publish("web", "3", json!([other])).await;
    assert_eq!(broker.decision("web", "3").await, Decision::Unknown);
}

async fn what_was_published_does_not_change(pair: Pair) {
    let broker = broker(pair).await;
    broker.publish("web", "1", json!([order()])).await;
    let again = broker.store.publish(&publication("web", "1", json!([order()]))).await.unwrap();
    assert!(again[0].repeated && again[0].known);
    // All or nothing: the tag of a refused publication is refused with it.
    let other = Publication { tags: vec!["prod".into()], ..publication("web", "1", json!([order(), paid()])) };
    let error = broker.store.publish(&other).await.unwrap_err();
    assert!(matches!(error, BrokerError::Conflict(_)), "{error}");
    assert!(error.to_string().starts_with("version 1 of web has published another pact with shop already"), "{error}");
    assert_eq!(broker.store.tags("web").await.unwrap(), []);
}

async fn pacts_that_cannot_be_are_refused_with_the_reason(pair: Pair) {
    let broker = broker(pair).await;
    let with = |pacts: Vec<Vec<u8>>| Publication { pacts, ..publication("web", "1", json!([])) };
    for (pacts, reason) in [
        (vec![], "0 pacts were sent"),
        (vec![b"{".to_vec()], "the pact is not JSON"),
        (vec![pact("mail", json!([]))], "a pact of `mail` was sent as one of `web`"),
        (vec![br#"{"consumer":{"name":"web"},"interactions":[]}"#.to_vec()], "no `provider.name`"),
        (
            vec![br#"{"consumer":{"name":"web"},"provider":{"name":"p"}}"#.to_vec()],
            "neither `interactions` nor `messages`",
        ),
        (
            vec![br#"{"consumer":{"name":"web"},"provider":{"name":"p"},"interactions":[],"messages":[{}]}"#.to_vec()],
            "has `interactions` and `messages`",
        ),
    ] {
        let error = broker.store.publish(&with(pacts)).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let nameless = Publication { version: " ".into(), ..publication("web", "1", json!([order()])) };
    assert!(matches!(broker.store.publish(&nameless).await, Err(BrokerError::Invalid(_))));
    assert_eq!(broker.store.pacticipants().await.unwrap(), []);
}

async fn success_without_each_of_the_tests_is_no_success(pair: Pair) {
    let broker = broker(pair).await;
    let result = |success| result("web", json!([order(), paid()]), "9", success);
    let content = broker.publish("web", "1", json!([order(), paid()])).await;
    let empty = Verification { results: json!({ "testResults": [] }), ..result(true) };
    let error = broker.store.record_verification("shop", "web", &content, &empty).await.unwrap_err();
    assert!(error.to_string().contains("nothing was verified"), "{error}");
    let whole = result(true).results["testResults"].clone();
    for (results, reason) in [
        (json!({}), "nothing was verified"),
        (json!({ "testResults": [whole[0], { "success": false }] }), "with a failed test"),
        (json!({ "testResults": [whole[0], { "success": null }] }), "with a failed test"),
        // Of a filtered run, and of one that does not say what it looked at.
        (json!({ "testResults": [whole[0]] }), "a success for 1 of the 2 interactions"),
        (json!({ "testResults": [whole[0], whole[0]] }), "a success for 1 of the 2 interactions"),
        (json!({ "testResults": [{ "success": true }, { "success": true }] }), "a success for 0 of the 2"),
    ] {
        let odd = Verification { results, ..result(true) };
        let error = broker.store.record_verification("shop", "web", &content, &odd).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = broker.store.record_verification("shop", "web", "unheard-of", &result(true)).await.unwrap_err();
    assert!(matches!(error, BrokerError::NotFound(_)), "{error}");
    // All of several or none.
    let several = [true, false].map(|right| {
        let results = if right { result(true).results } else { json!({}) };
        ("web".to_owned(), content.clone(), Verification { results, ..result(true) })
    });
    let shop = Version::new("shop", "9");
    assert!(broker.store.record_verifications(&shop, Some("main"), &several).await.is_err());
    assert_eq!(broker.store.verifications_of(&content).await.unwrap(), []);
    assert_eq!(broker.store.branches("shop").await.unwrap(), []);
    let long = Verification { results: json!({ "log": "x".repeat(5 << 20) }), ..result(false) };
    let error = broker.store.record_verification("shop", "web", &content, &long).await.unwrap_err();
    assert!(error.to_string().contains("expected at most"), "{error}");
    let part = Verification { results: json!({ "testResults": [] }), ..result(false) };
    broker.store.record_verification("shop", "web", &content, &part).await.unwrap();
    let (verdicts, whole) =
        (broker.store.verdicts_of(&content, 5).await, broker.store.verifications_of(&content).await);
    let (verdicts, mut whole) = (verdicts.unwrap(), whole.unwrap());
    assert_eq!(whole[0].results, part.results);
    whole[0].results = Value::Null;
    assert_eq!(verdicts, whole);
}

async fn interaction_that_the_pact_calls_pending_may_fail_and_no_other(pair: Pair) {
    let broker = broker(pair).await;
    let content = broker.publish("web", "1", json!([order(), soon(paid())])).await;
    let mut sent = result("web", json!([order(), soon(paid())]), "9", true);
    let tests = sent.results["testResults"].as_array_mut().unwrap();
    // What the sender calls pending does not count.
    for (index, test) in tests.iter_mut().enumerate() {
        (test["success"], test["pending"]) = (json!(index != 0), json!(true));
    }
    let (one, other) = (sent.clone(), {
        let tests = sent.results["testResults"].as_array_mut().unwrap();
        (tests[0]["success"], tests[1]["success"]) = (json!(true), json!(false));
        sent
    });
    let mut kept = 0;
    for result in [one, other] {
        kept += usize::from(broker.store.record_verification("shop", "web", &content, &result).await.is_ok());
    }
    assert_eq!(kept, 1);
    // Version 3 has no `pending`: nobody who verifies it obeys the word.
    let mut old = publication("web", "2", json!([order(), soon(paid())]));
    let mut document: Value = serde_json::from_slice(&old.pacts[0]).unwrap();
    document["metadata"]["pactSpecification"]["version"] = json!("3.0.0");
    old.pacts = vec![serde_json::to_vec(&document).unwrap()];
    let content = broker.store.publish(&old).await.unwrap()[0].content.clone();
    let mut sent = result("web", json!([order(), soon(paid())]), "9", true);
    sent.results["testResults"][1]["success"] = json!(false);
    assert!(broker.store.record_verification("shop", "web", &content, &sent).await.is_err());
    sent.results["testResults"].as_array_mut().unwrap().pop();
    assert!(broker.store.record_verification("shop", "web", &content, &sent).await.is_err());
}

fn soon(mut interaction: Value) -> Value {
    interaction["pending"] = json!(true);
    interaction
}

async fn deployment_takes_the_place_of_the_one_before_and_a_release_does_not(pair: Pair) {
    let broker = broker(pair).await;
    let store = &broker.store;
    store.create_environment("production", "Production", true).await.unwrap();
    for version in ["1", "2"] {
        broker.publish("web", version, json!([order()])).await;
    }
    let there = async || {
        let placements = store.placements(Some("production")).await.unwrap();
        placements.into_iter().map(|each| each.version.number).collect::<Vec<_>>()
    };
    for (version, kind, target) in [
        ("1", PlacementKind::Deployed, None),
        ("2", PlacementKind::Deployed, None),
        ("2", PlacementKind::Deployed, None),
        ("1", PlacementKind::Deployed, Some("canary")),
        ("1", PlacementKind::Released, None),
        ("2", PlacementKind::Released, None),
    ] {
        store.record_placement(kind, &Version::new("web", version), "production", target).await.unwrap();
    }
    assert_eq!(there().await, ["2", "1", "1", "2"]);
    let first = store.placements(Some("production")).await.unwrap().remove(0);
    store.end_placement(&first.id).await.unwrap();
    assert!(store.end_placement(&first.id).await.is_err());
    assert_eq!(there().await, ["1", "1", "2"]);
    let stranger = store.record_placement(PlacementKind::Deployed, &Version::new("web", "3"), "production", None).await;
    assert!(stranger.unwrap_err().to_string().contains("nobody has heard of web (3)"));
    let nowhere = store.record_placement(PlacementKind::Deployed, &Version::new("web", "1"), "prod", None).await;
    assert_eq!(nowhere.unwrap_err().to_string(), "no environment is called `prod`: there are `production`");
}

async fn name_of_an_environment_is_given_once(pair: Pair) {
    let broker = broker(pair).await;
    let store = &broker.store;
    store.create_environment("production", "Production", true).await.unwrap();
    let mut other = store.create_environment("staging", "Staging", false).await.unwrap();
    assert!(matches!(store.create_environment("staging", "Again", false).await, Err(BrokerError::Conflict(_))));
    other.name = "production".into();
    assert!(matches!(store.change_environment(&other).await, Err(BrokerError::Conflict(_))));
    other.name = "test".into();
    assert_eq!(store.change_environment(&other).await.unwrap().name, "test");
}

async fn unknown_environment_is_an_error_and_not_a_yes(pair: Pair) {
    let broker = broker(pair).await;
    broker.publish("web", "1", json!([order()])).await;
    let asked = broker.store.can_i_deploy(&Question::deploy("web", "1", "production")).await;
    assert_eq!(asked.unwrap_err().to_string(), "no environment is called `production`: there is none yet");
}

async fn provider_is_judged_by_the_consumers_of_a_branch(pair: Pair) {
    let broker = broker(pair).await;
    let old = broker.publish("web", "1", json!([order()])).await;
    let new = broker.publish("web", "2", json!([order(), paid()])).await;
    let feature = Publication { branch: Some("feature".into()), ..publication("web", "3", json!([paid()])) };
    let other = broker.store.publish(&feature).await.unwrap().remove(0).content;
    broker.verify("web", &old, "9", true).await;
    let question =
        |place| Question { subjects: vec![("shop".into(), Which::Number("9".into()))], place, ignored: vec![] };
    let judged = broker.store.can_i_deploy(&question(Place::MainBranch)).await.unwrap();
    assert_eq!((judged.decision, judged.rows[0].content.clone()), (Decision::Unknown, new.clone()));
    broker.verify("web", &new, "9", true).await;
    assert_eq!(broker.store.can_i_deploy(&question(Place::MainBranch)).await.unwrap().decision, Decision::Yes);
    for place in [Place::Latest, Place::Branch("feature".into())] {
        let judged = broker.store.can_i_deploy(&question(place)).await.unwrap();
        assert_eq!((judged.decision, judged.rows[0].content.clone()), (Decision::Unknown, other.clone()));
    }
}

async fn selectors_choose_each_content_once_and_say_why(pair: Pair) {
    let broker = broker(pair).await;
    let store = &broker.store;
    store.create_environment("production", "Production", true).await.unwrap();
    broker.publish("web", "1", json!([order()])).await;
    store.record_placement(PlacementKind::Deployed, &Version::new("web", "1"), "production", None).await.unwrap();
    broker.publish("web", "2", json!([order()])).await;
    let feature = Publication { branch: Some("feature".into()), ..publication("web", "3", json!([paid()])) };
    store.publish(&feature).await.unwrap();
    broker.publish("mail", "1", json!([paid()])).await;
    let chosen = async |selectors: Vec<Selector>| {
        let asked = ForVerification {
            consumer_version_selectors: selectors,
            provider_version_branch: Some("feature".into()),
            ..ForVerification::default()
        };
        let found = store.for_verification("shop", &asked).await.unwrap();
        found.into_iter().map(|each| format!("{}: {}", each.pact.consumer, each.because.join(", "))).collect::<Vec<_>>()
    };
    let main = Selector { main_branch: Some(true), ..Selector::default() };
    let deployed = Selector { deployed_or_released: Some(true), ..Selector::default() };
    let matching = Selector { matching_branch: Some(true), ..Selector::default() };
    assert_eq!(
        chosen(vec![main.clone(), deployed]).await,
        [
            "mail (1): it is the latest of the main branch",
            "web (2): it is the latest of the main branch, it is in `production`"
        ]
    );
    assert_eq!(chosen(vec![matching]).await, ["web (3): it is the latest of branch `feature`"]);
    let falling =
        Selector { branch: Some("feature".into()), fallback_branch: Some("main".into()), ..Selector::default() };
    assert_eq!(
        chosen(vec![falling]).await,
        ["mail (1): it is the latest of branch `main`", "web (3): it is the latest of branch `feature`"]
    );
    assert_eq!(chosen(vec![]).await, ["mail (1): it is the latest", "web (3): it is the latest"]);
    let both = Selector { deployed: Some(true), branch: Some("main".into()), ..Selector::default() };
    let asked = ForVerification { consumer_version_selectors: vec![both], ..ForVerification::default() };
    assert!(matches!(store.for_verification("shop", &asked).await, Err(BrokerError::Invalid(_))));
    assert_eq!(chosen(vec![Selector { consumer: Some("mail".into()), ..main }]).await.len(), 1);
}

async fn pending_until_honoured_and_work_in_progress_is_pending(pair: Pair) {
    let broker = broker(pair).await;
    let store = &broker.store;
    let content = broker.publish("web", "1", json!([order()])).await;
    let feature = Publication { branch: Some("feature".into()), ..publication("web", "2", json!([paid()])) };
    store.publish(&feature).await.unwrap();
    let ask = async |since: Option<&str>| {
        let asked = ForVerification {
            consumer_version_selectors: vec![Selector { main_branch: Some(true), ..Selector::default() }],
            provider_version_branch: Some("main".into()),
            include_pending_status: true,
            include_wip_pacts_since: since.map(str::to_owned),
            ..ForVerification::default()
        };
        let found = store.for_verification("shop", &asked).await.unwrap();
        found.into_iter().map(|each| (each.pact.consumer.number, each.pending, each.wip)).collect::<Vec<_>>()
    };
    assert_eq!(ask(None).await, [("1".to_owned(), true, false)]);
    broker.verify("web", &content, "9", true).await;
    // On some other branch, which says nothing about this one.
    store.add_to_branch("shop", "9", "experiment").await.unwrap();
    assert_eq!(ask(None).await, [("1".to_owned(), true, false)]);
    store.add_to_branch("shop", "9", "main").await.unwrap();
    assert_eq!(ask(None).await, [("1".to_owned(), false, false)]);
    let mut with = ask(Some("2020-01-01")).await;
    with.sort();
    assert_eq!(with, [("1".to_owned(), false, false), ("2".to_owned(), true, true)]);
    assert_eq!(ask(Some("2999-01-01")).await.len(), 1);
}

backends::on_each_pair!(
    verification_holds_for_every_version_that_expects_the_same,
    what_was_published_does_not_change,
    pacts_that_cannot_be_are_refused_with_the_reason,
    success_without_each_of_the_tests_is_no_success,
    interaction_that_the_pact_calls_pending_may_fail_and_no_other,
    deployment_takes_the_place_of_the_one_before_and_a_release_does_not,
    unknown_environment_is_an_error_and_not_a_yes,
    name_of_an_environment_is_given_once,
    provider_is_judged_by_the_consumers_of_a_branch,
    selectors_choose_each_content_once_and_say_why,
    pending_until_honoured_and_work_in_progress_is_pending,
);
