//! Deleting from the broker: what stays out of reach, and that no "no" becomes a "yes".

use backends::{Database, Pair};
use contracts::broker::{BrokerError, PlacementKind, Publication, Question, Store, Verification};
use contracts::gate::{Decision, Version};
use contracts::store::from_document;
use serde_json::{Value, json};

use crate::shop::{document, order, paid};

struct Broker {
    store: Store,
    _database: Database,
}

/// Version 1 of `mail` expects something of `shop`, version 9 of which honours it and is in production.
async fn broker(pair: Pair) -> Broker {
    let database = pair.database().await;
    let store = Store::open(database.url()).await.unwrap();
    let broker = Broker { store, _database: database };
    broker.store.create_environment("production", "Production", true).await.unwrap();
    broker.publish("1", json!([order()])).await;
    broker.honour().await;
    let shop = Version::new("shop", "9");
    broker.store.record_placement(PlacementKind::Deployed, &shop, "production", None).await.unwrap();
    broker
}

impl Broker {
    async fn publish(&self, version: &str, interactions: Value) {
        let publication = Publication {
            consumer: "mail".into(),
            version: version.into(),
            branch: Some("main".into()),
            tags: vec!["stable".into()],
            pacts: vec![document(interactions).to_string().into_bytes()],
            ..Publication::default()
        };
        self.store.publish(&publication).await.unwrap();
    }

    /// Version 9 of `shop` honours what was published last.
    async fn honour(&self) {
        let content = self.store.latest_pacts().await.unwrap().remove(0).content;
        let document = self.store.content(&content).await.unwrap();
        let interactions = from_document(&document, "a test".as_ref()).unwrap().interactions;
        let tests: Vec<Value> =
            interactions.iter().map(|each| json!({ "interactionId": each.hash, "success": true })).collect();
        let result = Verification {
            provider_version: "9".into(),
            success: true,
            results: json!({ "testResults": tests }),
            build_url: None,
            verified_by: None,
        };
        self.store.record_verification("shop", "mail", &content, &result).await.unwrap();
    }

    async fn may_go(&self, name: &str, version: &str) -> (Decision, String) {
        let judged = self.store.can_i_deploy(&Question::deploy(name, version, "production")).await.unwrap();
        (judged.decision, judged.reasons[0].to_string())
    }
}

fn mail(version: &str) -> Version {
    Version::new("mail", version)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: Result<T, BrokerError>, reason: &str) {
    let error = done.unwrap_err();
    assert!(matches!(error, BrokerError::Conflict(_)) && error.to_string().contains(reason), "{error}");
}

#[track_caller]
fn not_there<T: std::fmt::Debug>(done: Result<T, BrokerError>) {
    let error = done.unwrap_err();
    assert!(matches!(error, BrokerError::NotFound(_)), "{error}");
}

async fn deleted_pact_leaves_its_version_unknown_and_not_free(pair: Pair) {
    let broker = broker(pair).await;
    assert_eq!(broker.may_go("mail", "1").await.0, Decision::Yes);
    broker.store.delete_pact(&mail("1"), "shop").await.unwrap();
    not_there(broker.store.delete_pact(&mail("1"), "shop").await);
    let reason = "The pact of mail (1) with shop was deleted, so nobody knows what it expects".to_owned();
    assert_eq!(broker.may_go("mail", "1").await, (Decision::Unknown, reason));
    assert_eq!(broker.store.latest_pacts().await.unwrap(), []);
    // Published again it is verified again: who honoured it is forgotten with it.
    broker.publish("1", json!([order()])).await;
    assert!(broker.may_go("mail", "1").await.1.starts_with("Nobody has verified"));
    broker.honour().await;
    assert_eq!(broker.may_go("mail", "1").await.0, Decision::Yes);
}

async fn content_stays_as_long_as_somebody_expects_it(pair: Pair) {
    let broker = broker(pair).await;
    broker.publish("2", json!([order()])).await;
    broker.store.delete_version(&mail("1")).await.unwrap();
    assert_eq!(broker.may_go("mail", "2").await.0, Decision::Yes);
}

async fn deleted_version_is_unknown_even_when_it_comes_back_without_its_pacts(pair: Pair) {
    let broker = broker(pair).await;
    broker.store.delete_version(&mail("1")).await.unwrap();
    not_there(broker.store.delete_version(&mail("1")).await);
    assert_eq!(broker.may_go("mail", "1").await, (Decision::Unknown, "No version of mail is known that is `1`".into()));
    assert_eq!(
        (broker.store.branches("mail").await.unwrap(), broker.store.tags("mail").await.unwrap()),
        (vec![], vec![])
    );
    broker.store.add_version("mail", "1").await.unwrap();
    assert_eq!(broker.may_go("mail", "1").await.0, Decision::Unknown);
}

async fn deleted_version_of_a_provider_has_verified_nothing(pair: Pair) {
    let broker = broker(pair).await;
    let there = broker.store.placements(None).await.unwrap().remove(0);
    refused(broker.store.delete_version(&Version::new("shop", "9")).await, "shop (9) is in `production`");
    broker.store.end_placement(&there.id).await.unwrap();
    broker.store.delete_version(&Version::new("shop", "9")).await.unwrap();
    let shop = Version::new("shop", "9");
    broker.store.add_version("shop", "9").await.unwrap();
    broker.store.record_placement(PlacementKind::Deployed, &shop, "production", None).await.unwrap();
    assert!(broker.may_go("mail", "1").await.1.starts_with("Nobody has verified"));
}

async fn what_is_somewhere_or_needed_is_not_deleted(pair: Pair) {
    let broker = broker(pair).await;
    let store = &broker.store;
    store.record_placement(PlacementKind::Released, &mail("1"), "production", None).await.unwrap();
    refused(store.delete_version(&mail("1")).await, "mail (1) is in `production`");
    refused(store.delete_pact(&mail("1"), "shop").await, "mail (1) is in `production`");
    refused(store.delete_pacticipant("mail").await, "mail (1) is in `production`");
    refused(store.delete_pacticipant("shop").await, "mail (1) has a pact with shop");
    refused(store.delete_environment("production").await, "is in `production`");
    refused(store.delete_branch("mail", "main").await, "`main` is the main branch of mail");
    assert_eq!(broker.may_go("mail", "1").await.0, Decision::Yes);
}

async fn pacticipant_environment_branch_and_tag_go_when_nothing_rests_on_them(pair: Pair) {
    let broker = broker(pair).await;
    let store = &broker.store;
    broker.publish("2", json!([paid()])).await;
    store.add_to_branch("mail", "2", "feature").await.unwrap();
    store.delete_branch("mail", "feature").await.unwrap();
    not_there(store.delete_branch("mail", "feature").await);
    assert_eq!(store.branches("mail").await.unwrap().len(), 1);
    store.delete_tag(&mail("2"), "stable").await.unwrap();
    not_there(store.delete_tag(&mail("2"), "stable").await);
    assert_eq!(store.tags("mail").await.unwrap(), [("stable".to_owned(), "1".to_owned())]);
    store.delete_pacticipant("mail").await.unwrap();
    not_there(store.delete_pacticipant("mail").await);
    for placement in store.placements(None).await.unwrap() {
        store.end_placement(&placement.id).await.unwrap();
    }
    store.delete_pacticipant("shop").await.unwrap();
    assert_eq!((store.pacticipants().await.unwrap(), store.latest_pacts().await.unwrap()), (vec![], vec![]));
    store.delete_environment("production").await.unwrap();
    not_there(store.delete_environment("production").await);
    assert!(store.can_i_deploy(&Question::deploy("mail", "1", "production")).await.is_err());
}

backends::on_each_pair!(
    deleted_pact_leaves_its_version_unknown_and_not_free,
    content_stays_as_long_as_somebody_expects_it,
    deleted_version_is_unknown_even_when_it_comes_back_without_its_pacts,
    deleted_version_of_a_provider_has_verified_nothing,
    what_is_somewhere_or_needed_is_not_deleted,
    pacticipant_environment_branch_and_tag_go_when_nothing_rests_on_them,
);
