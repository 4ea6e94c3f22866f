//! The official client publishes to our broker, verifies from it, and asks it.

use contracts::broker::{Access, Credential, Rights, Store, router};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{Done, pact};
use crate::shop::{expects, serve, shop};

const TOKEN: &str = "a token of the tests";

struct Broker {
    url: String,
    dir: TempDir,
}

impl Broker {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await.unwrap();
        let reader = Credential::Basic { user: "ada".into(), password: "reads".into() };
        let access =
            Access::nobody().with(&Credential::Bearer(TOKEN.into()), Rights::Write).with(&reader, Rights::Read);
        let url = format!("http://{}", serve(router(store, access, None)).await);
        Self { url, dir }
    }

    /// `pact broker COMMAND ARGUMENTS` with the token.
    async fn run(&self, arguments: &[&str]) -> Done {
        let mut all = vec!["broker"];
        all.extend(arguments);
        all.extend(["--broker-base-url", &self.url, "--broker-token", TOKEN]);
        pact(&all).await
    }

    async fn publish(&self, version: &str, branch: &str, pact: &str) -> Done {
        let file = self.dir.path().join(format!("web-shop-{version}.json"));
        std::fs::write(&file, pact).unwrap();
        let file = file.display().to_string();
        self.run(&["publish", &file, "--consumer-app-version", version, "--branch", branch, "--tag", "dev"]).await
    }

    /// The official verifier takes its pacts from the broker and publishes what it found.
    async fn verify(&self, version: &str) -> Done {
        let address = shop().await;
        let (port, states) = (address.port().to_string(), format!("http://{address}/states"));
        pact(&[
            "verifier",
            "--provider-name",
            "shop",
            "--hostname",
            "127.0.0.1",
            "--port",
            &port,
            "--state-change-url",
            &states,
            "--broker-url",
            &self.url,
            "--token",
            TOKEN,
            "--publish",
            "--provider-version",
            version,
            "--provider-branch",
            "main",
            "--consumer-version-selectors",
            r#"{"mainBranch": true}"#,
            "--no-colour",
        ])
        .await
    }

    async fn may_go(&self, pacticipant: &str, version: &str) -> Done {
        let question =
            ["can-i-deploy", "--pacticipant", pacticipant, "--version", version, "--to-environment", "production"];
        self.run(&question).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn official_client_publishes_verifies_deploys_and_is_told_why_not() {
    let broker = Broker::start().await;
    let environment = ["create-environment", "--name", "production", "--display-name", "Production", "--production"];
    broker.run(&environment).await.well();
    let listed = broker.run(&["list-environments"]).await.well();
    assert!(listed.contains("production"), "{listed}");

    let told = broker.publish("1", "main", &expects(json!({ "total": 1200 }))).await.well();
    assert!(told.contains("The pact of web (1) with shop is new"), "{told}");
    broker.may_go("web", "1").await.badly("web (1) needs shop, of which there is no version currently in `production`");
    // The provider needs nobody that is there.
    broker.verify("9").await.well();
    broker.may_go("shop", "9").await.well();
    broker
        .run(&["record-deployment", "--pacticipant", "shop", "--version", "9", "--environment", "production"])
        .await
        .well();
    let yes = broker.may_go("web", "1").await.well();
    assert!(yes.contains("The one pact that is required is honoured"), "{yes}");
    broker
        .run(&["record-deployment", "--pacticipant", "web", "--version", "1", "--environment", "production"])
        .await
        .well();

    // The same again is honoured without another verification; something else is not known, and then not honoured.
    broker.publish("2", "main", &expects(json!({ "total": 900 }))).await.well();
    broker.publish("3", "main", &expects(json!({ "total": 1200, "currency": "EUR" }))).await.well();
    broker.may_go("web", "3").await.badly("Nobody has verified that shop (9) honours the pact of web (3)");
    broker.verify("9").await.badly("currency");
    broker.may_go("web", "3").await.badly("shop (9) does not honour the pact of web (3)");
    broker.may_go("web", "1").await.well();

    let other = broker.publish("1", "main", &expects(json!({ "other": true }))).await;
    other.badly("has published another pact with shop already");

    broker.run(&["record-undeployment", "--pacticipant", "shop", "--environment", "production"]).await.well();
    broker.may_go("web", "1").await.badly("of which there is no version currently in `production`");
}

#[tokio::test(flavor = "multi_thread")]
async fn official_client_merges_releases_describes_and_lists() {
    let broker = Broker::start().await;
    broker.run(&["create-environment", "--name", "store", "--display-name", "App store"]).await.well();
    broker.run(&["create-or-update-pacticipant", "--name", "web", "--main-branch", "trunk"]).await.well();
    broker.publish("1", "trunk", &expects(json!({ "total": 1 }))).await.well();
    broker.run(&["can-i-merge", "--pacticipant", "web", "--version", "1"]).await.badly("web (1) needs shop");
    broker.run(&["record-release", "--pacticipant", "web", "--version", "1", "--environment", "store"]).await.well();
    let ended = ["record-support-ended", "--pacticipant", "web", "--version", "1", "--environment", "store"];
    broker.run(&ended).await.well();
    broker.run(&["create-version-tag", "--pacticipant", "web", "--version", "1", "--tag", "prod"]).await.well();
    for (command, expected) in [
        (&["list-pacticipants"][..], "web"),
        (&["describe-pacticipant", "--name", "web"], "web"),
        (&["list-latest-pact-versions"], "shop"),
        (&["describe-version", "--pacticipant", "web", "--version", "1"], "1"),
    ] {
        let said = broker.run(command).await.well();
        assert!(said.contains(expected), "{command:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_may_ask_but_not_publish_and_strangers_neither() {
    let broker = Broker::start().await;
    broker.publish("1", "main", &expects(json!({ "total": 1 }))).await.well();
    let as_reader = |command: &'static [&'static str]| {
        let url = broker.url.clone();
        async move {
            let mut all = vec!["broker"];
            all.extend(command);
            all.extend(["--broker-base-url", url.as_str(), "--broker-username", "ada", "--broker-password", "reads"]);
            pact(&all).await
        }
    };
    as_reader(&["list-latest-pact-versions"]).await.well();
    let refused = as_reader(&["create-environment", "--name", "production", "--production"]).await;
    refused.badly("these credentials may read but not write");
    let stranger = pact(&["broker", "list-latest-pact-versions", "--broker-base-url", &broker.url]).await;
    stranger.badly("who are you?");
    let environments = broker.run(&["list-environments"]).await.well();
    assert!(!environments.contains("production"), "{environments}");
}
