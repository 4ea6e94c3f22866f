//! What the broker shows to people.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use contracts::broker::{Access, Credential, PlacementKind, Publication, Rights, Store, Verification, router};
use contracts::gate::Version;
use contracts::store::from_document;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::shop::{document, order, paid};

const EVIL: &str = "<script>alert('x')</script>";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

struct Broker {
    router: Router,
    store: Store,
    _dir: TempDir,
}

impl Broker {
    async fn start(access: Access) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/broker.db", dir.path().display())).await.unwrap();
        Self { router: router(store.clone(), access, None), store, _dir: dir }
    }

    async fn get(&self, path: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::builder().uri(path).header("host", "broker.example").header("accept", accept);
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, 4 << 20).await.unwrap();
        (head.status, head.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// What a browser shows, without the style.
    async fn page(&self, path: &str) -> String {
        let (status, headers, page) = self.get(path, BROWSER).await;
        assert_eq!(status, 200, "{path}: {page}");
        safe(path, &headers, &page);
        let (head, rest) = page.split_once("<style>").unwrap();
        format!("{head}{}", rest.split_once("</style>").unwrap().1)
    }

    /// `consumer` (1) expects these of `shop`; version 9 of which honours all but those that are named.
    async fn publish(&self, consumer: &str, interactions: Value, broken: &[&str]) {
        let mut pact = document(interactions);
        pact["consumer"]["name"] = json!(consumer);
        let publication = Publication {
            consumer: consumer.into(),
            version: "1".into(),
            branch: Some("main".into()),
            tags: vec!["stable".into()],
            pacts: vec![pact.to_string().into_bytes()],
            ..Publication::default()
        };
        let content = self.store.publish(&publication).await.unwrap().remove(0).content;
        let interactions = from_document(&pact, "a test".as_ref()).unwrap().interactions;
        let tests: Vec<Value> = interactions
            .iter()
            .map(|each| {
                let broken = broken.contains(&each.description.as_str());
                let mismatches = [json!({ "identifier": "$.total", "description": format!("no integer {EVIL}") })];
                json!({
                    "interactionId": each.hash,
                    "interactionDescription": each.description,
                    "success": !broken,
                    "mismatches": &mismatches[..usize::from(broken)],
                })
            })
            .collect();
        let verification = Verification {
            provider_version: "9".into(),
            success: broken.is_empty(),
            results: json!({ "testResults": tests }),
            build_url: Some("javascript:alert(1)".into()),
            verified_by: Some("a verifier".into()),
        };
        self.store.record_verification("shop", consumer, &content, &verification).await.unwrap();
    }
}

/// Nothing runs, nothing is fetched, and what strangers have published is text.
fn safe(path: &str, headers: &HeaderMap, page: &str) {
    assert_eq!(headers["content-type"], "text/html; charset=utf-8", "{path}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["vary"], "accept");
    for never in
        ["<script", " style=\"", " src=", "url(", "@import", "<img", "<iframe", " onerror", "href=\"javascript"]
    {
        assert!(!page.contains(never), "{path} has `{never}`");
    }
    let links = page.match_indices("href=\"").map(|(at, _)| &page[at + 6..]);
    for link in links {
        let inside = link.starts_with("http://broker.example/") || link.starts_with('#') || link.starts_with("data:,");
        assert!(inside, "{path} leads to {}", &link[..link.len().min(60)]);
    }
}

#[tokio::test]
async fn first_page_says_who_works_with_whom_and_what_is_where() {
    let broker = Broker::start(Access::everybody()).await;
    let page = broker.page("/").await;
    assert!(page.contains("Nobody has published a contract yet") && page.contains("contract publish"), "{page}");
    broker.publish("web", json!([order()]), &[]).await;
    broker.publish("mail", json!([order()]), &["the order"]).await;
    broker.store.create_environment("live", "Live", true).await.unwrap();
    broker.store.record_placement(PlacementKind::Deployed, &Version::new("web", "1"), "live", None).await.unwrap();
    let page = broker.page("/").await;
    assert!(page.contains("<h1>2 contracts: 1 broken</h1>"), "{page}");
    let (broken, honoured) = (page.find(">broken<").unwrap(), page.find(">honoured<").unwrap());
    assert!(broken < honoured, "what needs somebody comes first");
    for shown in [
        "/pacts/provider/shop/consumer/web/version/1\"",
        "/matrix/provider/shop/consumer/mail\"",
        ">main<",
        ">#stable<",
        ">live<",
        ">Live<",
        ">production<",
    ] {
        assert!(page.contains(shown), "no {shown} in {page}");
    }
    // The same address, for programs.
    let (_, headers, document) = broker.get("/", "application/hal+json").await;
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/hal+json"));
    assert_eq!(headers["vary"], "accept");
    assert!(serde_json::from_str::<Value>(&document).unwrap()["_links"]["pb:environments"].is_object());
}

#[tokio::test]
async fn what_a_branch_makes_of_a_pact_does_not_hide_what_the_main_branch_does() {
    let broker = Broker::start(Access::everybody()).await;
    broker.publish("web", json!([order()]), &[]).await;
    broker.store.add_to_branch("shop", "9", "main").await.unwrap();
    let content = broker.store.latest_pacts().await.unwrap().remove(0).content;
    let failed = Verification {
        provider_version: "10".into(),
        success: false,
        results: json!({}),
        build_url: None,
        verified_by: None,
    };
    broker.store.record_verification("shop", "web", &content, &failed).await.unwrap();
    broker.store.add_to_branch("shop", "10", "experiment").await.unwrap();
    assert!(broker.page("/").await.contains("The one contract is honoured"));
    let pair = broker.page("/matrix/provider/shop/consumer/web").await;
    assert!(pair.contains(">broken<") && pair.contains(">honoured<") && pair.contains(">experiment<"), "{pair}");
}

#[tokio::test]
async fn pact_is_readable_with_states_rules_and_who_verified_it() {
    let broker = Broker::start(Access::everybody()).await;
    let mut given = order();
    given["providerStates"] = json!([{ "name": "an order exists", "params": { "id": 7 } }]);
    broker.publish("web", json!([given, paid()]), &["the order"]).await;
    let page = broker.page("/pacts/provider/shop/consumer/web/version/1").await;
    for shown in [
        "What web expects of shop",
        "2 interactions",
        "an order exists",
        "id = 7",
        "/orders/7?full=a b&amp;c",
        "<b>GET</b>",
        "<b>200</b>",
        "content-type: </span>application/json",
        "&quot;currency&quot;: &quot;EUR&quot;",
        "<td><code>body $.currency</code></td><td>regex ^[A-Z]{3}$</td>",
        "an order was paid",
        "<td><code>metadata $.id</code></td><td>regex ^[0-9]+$</td>",
        "by a verifier",
        "1 interaction failed",
        "$.total: no integer &lt;script&gt;",
        "build: javascript:alert(1)",
    ] {
        assert!(page.contains(shown), "no `{shown}` in {page}");
    }
    let content = broker.store.latest_pacts().await.unwrap().remove(0).content;
    let by_content = broker.page(&format!("/pacts/provider/shop/consumer/web/pact-version/{content}")).await;
    assert_eq!(by_content, page);
}

#[tokio::test]
async fn nothing_that_strangers_publish_becomes_markup() {
    let broker = Broker::start(Access::everybody()).await;
    let mut evil = order();
    evil["description"] = json!(EVIL);
    evil["request"] =
        json!({ "method": EVIL, "path": EVIL, "query": { EVIL: [EVIL] }, "headers": { "x": [EVIL] }, "body": EVIL });
    evil["response"]["body"]["content"] = json!({ EVIL: EVIL });
    broker.publish(EVIL, json!([evil]), &[EVIL]).await;
    broker.store.add_tag(EVIL, "1", EVIL).await.unwrap();
    broker.store.create_environment("odd", EVIL, false).await.unwrap();
    broker.store.record_placement(PlacementKind::Deployed, &Version::new(EVIL, "1"), "odd", Some(EVIL)).await.unwrap();
    let name = "%3Cscript%3Ealert%28%27x%27%29%3C%2Fscript%3E";
    for path in [
        "/".to_owned(),
        "/matrix".to_owned(),
        format!("/matrix/provider/shop/consumer/{name}"),
        format!("/pacts/provider/shop/consumer/{name}/version/1"),
        format!("/matrix?q%5B%5D%5Bpacticipant%5D={name}&q%5B%5D%5Bversion%5D=1"),
    ] {
        let page = broker.page(&path).await;
        assert!(page.contains("&lt;script&gt;alert"), "{path} does not show it");
    }
    let (status, headers, page) = broker.get(&format!("/pacts/provider/{name}/consumer/x/version/1"), BROWSER).await;
    assert_eq!(status, 404);
    safe("an error", &headers, &page);
    assert!(page.contains("&lt;script&gt;"), "{page}");
}

#[tokio::test]
async fn gate_answers_a_person_in_sentences() {
    let broker = Broker::start(Access::everybody()).await;
    broker.publish("web", json!([order()]), &["the order"]).await;
    let page = broker.page("/matrix?q%5B%5D%5Bpacticipant%5D=web&q%5B%5D%5Bversion%5D=1").await;
    assert!(
        page.contains("No, web may not go")
            && page.contains("shop (9) does not honour the pact of web (1): `the order`: $.total"),
        "{page}"
    );
}

#[tokio::test]
async fn browser_is_asked_for_a_password_and_told_what_went_wrong() {
    let reader = Credential::Basic { user: "ada".into(), password: "reads".into() };
    let broker = Broker::start(Access::nobody().with(&reader, Rights::Read)).await;
    let (status, headers, page) = broker.get("/", BROWSER).await;
    assert_eq!(status, 401);
    assert!(headers["www-authenticate"].to_str().unwrap().starts_with("Basic"), "{headers:?}");
    safe("/", &headers, &page);
    assert!(page.contains("who are you?"), "{page}");
    let (status, headers, _) = broker.get("/", "*/*").await;
    assert_eq!(
        (status.as_u16(), headers["content-type"].to_str().unwrap()),
        (401, "application/hal+json;charset=utf-8")
    );
}
